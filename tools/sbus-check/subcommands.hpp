// One function per subcommand; each lives in the file of its name.
#pragma once

namespace stateutils::core {
class Tool;
}

namespace stateutils::sbus_check {

void register_audit(core::Tool& tool);
void register_bench(core::Tool& tool);
void register_history(core::Tool& tool);
void register_model(core::Tool& tool);
void register_serve(core::Tool& tool);

}  // namespace stateutils::sbus_check
