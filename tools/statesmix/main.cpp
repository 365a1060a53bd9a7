// statesmix: lossless compression by an online-trained state-space model and context mixing.
#include "commands.hpp"

int main(int argc, char** argv) {
  using namespace stateutils;
  core::Tool tool{"statesmix",
                  "lossless compression by an online-trained state-space model and context mixing"};
  statesmix::register_filter(tool);
  statesmix::register_compress(tool);
  statesmix::register_decompress(tool);
  statesmix::register_test(tool);
  statesmix::register_list(tool);
  statesmix::register_bench(tool);
  statesmix::register_plot(tool);
  statesmix::register_eval(tool);
  statesmix::register_scan(tool);
  return tool.main(argc, argv);
}
