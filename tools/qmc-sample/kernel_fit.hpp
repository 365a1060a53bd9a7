// kernel fit and predict.
#pragma once

#include "core/cli.hpp"

namespace stateutils::tools {

void register_fit(core::Command& kernel);
void register_predict(core::Command& kernel);

}  // namespace stateutils::tools
