// kv-sim: KV-cache policies, memory sizes and schedulers on request traces.
#include "commands.hpp"
#include "core/heap.hpp"

int main(int argc, char** argv) {
  using namespace stateutils;
  // Columns that have been outgrown or are done go back to the system at once: left to itself glibc
  // moves them to its heap after the first few, whose holes cost a run 20 bytes a request.
  core::set_heap({.mapped = 256 << 10});
  core::Tool tool{"kv-sim", "simulate KV caches and request schedulers on traces"};
  tools::register_convert(tool);
  tools::register_stat(tool);
  tools::register_cache(tool);
  tools::register_mrc(tool);
  tools::register_run(tool);
  tools::register_sweep(tool);
  tools::register_plot(tool);
  tools::register_comm(tool);
  tools::register_balance(tool);
  tools::register_rlpipe(tool);
  tools::register_coldstart(tool);
  tools::register_autoscale(tool);
  tools::register_sandbox(tool);
  tools::register_calibrate(tool);
  tools::register_compare(tool);
  tools::register_explain(tool);
  return tool.main(argc, argv);
}
