// The subcommands of kv-sim; each file registers its own.
#pragma once

#include "core/tool.hpp"

namespace stateutils::tools {

void register_convert(core::Tool& tool);
void register_stat(core::Tool& tool);
void register_cache(core::Tool& tool);
void register_mrc(core::Tool& tool);
void register_sweep(core::Tool& tool);
void register_plot(core::Tool& tool);
void register_calibrate(core::Tool& tool);
void register_coldstart(core::Tool& tool);
void register_autoscale(core::Tool& tool);
void register_sandbox(core::Tool& tool);
void register_rlpipe(core::Tool& tool);
void register_comm(core::Tool& tool);
void register_balance(core::Tool& tool);
void register_run(core::Tool& tool);
void register_compare(core::Tool& tool);
void register_explain(core::Tool& tool);

}  // namespace stateutils::tools
