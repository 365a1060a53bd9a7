// The subcommands of gen-bench, one file each.
#pragma once

#include "core/tool.hpp"

namespace stateutils::tools {

void register_new(core::Tool& tool);
void register_lint(core::Tool& tool);
void register_generate(core::Tool& tool);
void register_solve(core::Tool& tool);
void register_validate(core::Tool& tool);
void register_run(core::Tool& tool);
void register_judge(core::Tool& tool);
void register_score(core::Tool& tool);
void register_report(core::Tool& tool);
void register_compare(core::Tool& tool);
void register_gate(core::Tool& tool);
void register_limits(core::Tool& tool);
void register_trace(core::Tool& tool);
void register_learn(core::Tool& tool);
void register_import(core::Tool& tool);
void register_merge(core::Tool& tool);
void register_export(core::Tool& tool);
void register_audit(core::Tool& tool);

}  // namespace stateutils::tools
