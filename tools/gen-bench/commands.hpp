// The subcommands of gen-bench, one file each.
#pragma once

#include "core/tool.hpp"

namespace stateutils::tools {

void register_generate(core::Tool& tool);
void register_solve(core::Tool& tool);
void register_validate(core::Tool& tool);
void register_run(core::Tool& tool);
void register_judge(core::Tool& tool);
void register_score(core::Tool& tool);
void register_lint(core::Tool& tool);
void register_limits(core::Tool& tool);
void register_trace(core::Tool& tool);
void register_learn(core::Tool& tool);
void register_import(core::Tool& tool);

}  // namespace stateutils::tools
