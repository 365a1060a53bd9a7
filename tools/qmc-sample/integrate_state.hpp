// integrate ask and tell: an integration whose values come from elsewhere, in a file between calls.
#pragma once

#include "core/cli.hpp"
#include "integrate_options.hpp"

namespace stateutils::tools {

void require_dimensions(const IntegrateOptions& options);  // kUsage unless -d is there and sane

void register_ask(core::Command& integrate);
void register_tell(core::Command& integrate);

}  // namespace stateutils::tools
