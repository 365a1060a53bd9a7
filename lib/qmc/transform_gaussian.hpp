// Maps of whole rows to Gaussian vectors: given covariances, random fields, paths. Internal.
#pragma once

#include <memory>

#include "qmc/transform.hpp"
#include "qmc/transform_call.hpp"

namespace stateutils::qmc {

// gaussian, matern, brownian, gbm.
[[nodiscard]] bool is_gaussian(const Call& call);
// `clamp`: an earlier stage may reach 0 or 1.
[[nodiscard]] std::unique_ptr<Stage> gaussian_stage(const Call& call, std::size_t d, bool clamp);

}  // namespace stateutils::qmc
