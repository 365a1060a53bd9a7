// The subcommands of statesmix.
#pragma once

#include "core/tool.hpp"

namespace stateutils::statesmix {

void register_compress(core::Tool& tool);
void register_decompress(core::Tool& tool);
void register_test(core::Tool& tool);
void register_list(core::Tool& tool);
void register_eval(core::Tool& tool);
void register_bench(core::Tool& tool);
void register_plot(core::Tool& tool);
void register_scan(core::Tool& tool);
void register_filter(core::Tool& tool);  // the form without a subcommand

}  // namespace stateutils::statesmix
