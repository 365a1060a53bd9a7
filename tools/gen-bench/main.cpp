#include "bench/export/local_world.hpp"
#include "bench/shell/world_socket.hpp"
#include "commands.hpp"
#include "core/heap.hpp"
#include "core/tool.hpp"

int main(int argc, char** argv) {
  using namespace stateutils;
  // The verbs of a sandbox are links to this program: nothing else is set up for them.
  if (const bench::WorldExec verb = bench::world_exec(argc, argv); verb.called) return verb.exit;
  if (const int exit = bench::local_world_exec(argc, argv); exit >= 0) return exit;
  core::Tool tool{"gen-bench", "generate, harden, run and score stateful tasks for agents"};
  tools::register_new(tool);
  tools::register_lint(tool);
  tools::register_generate(tool);
  tools::register_solve(tool);
  tools::register_validate(tool);
  tools::register_run(tool);
  tools::register_judge(tool);
  tools::register_score(tool);
  tools::register_report(tool);
  tools::register_compare(tool);
  tools::register_gate(tool);
  tools::register_limits(tool);
  tools::register_trace(tool);
  tools::register_learn(tool);
  tools::register_import(tool);
  tools::register_merge(tool);
  tools::register_export(tool);
  tools::register_audit(tool);
  // Tasks and searches come and go by the hundred thousand: what one frees is kept for the next
  // instead of being given back to the system and asked for again.
  core::set_heap({.step = 1 << 20, .mapped = 1 << 20, .kept = 64 << 20});
  return tool.main(argc, argv);
}
