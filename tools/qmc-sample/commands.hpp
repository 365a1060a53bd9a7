// The subcommands of qmc-sample; each file registers its own.
#pragma once

#include "core/tool.hpp"

namespace stateutils::tools {

void register_points(core::Tool& tool);
void register_transform(core::Tool& tool);
void register_merge(core::Tool& tool);
void register_vectors(core::Tool& tool);
void register_discrepancy(core::Tool& tool);
void register_check(core::Tool& tool);
void register_kernel(core::Tool& tool);
void register_integrate(core::Tool& tool);
void register_bench(core::Tool& tool);
void register_brownian(core::Tool& tool);
void register_diffuse(core::Tool& tool);
void register_posterior(core::Tool& tool);
void register_infer(core::Tool& tool);

}  // namespace stateutils::tools
