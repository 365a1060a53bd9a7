#include "core/tool.hpp"
#include "subcommands.hpp"

int main(int argc, char** argv) {
  using namespace stateutils;
  core::Tool tool{"sbus-check", "audit, model-check, serve, bench and verify shared agent state"};
  sbus_check::register_audit(tool);
  sbus_check::register_bench(tool);
  sbus_check::register_history(tool);
  sbus_check::register_model(tool);
  sbus_check::register_serve(tool);
  return tool.main(argc, argv);
}
