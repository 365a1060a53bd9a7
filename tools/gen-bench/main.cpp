#include "commands.hpp"
#include "core/tool.hpp"

int main(int argc, char** argv) {
  using namespace stateutils;
  core::Tool tool{"gen-bench", "generate, harden, run and score stateful tasks for agents"};
  tools::register_generate(tool);
  tools::register_solve(tool);
  tools::register_validate(tool);
  tools::register_run(tool);
  tools::register_judge(tool);
  tools::register_score(tool);
  tools::register_lint(tool);
  tools::register_limits(tool);
  tools::register_trace(tool);
  tools::register_learn(tool);
  tools::register_import(tool);
  return tool.main(argc, argv);
}
