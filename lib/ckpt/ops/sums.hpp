// Stored checksums, compared while their bytes are copied.
#pragma once

#include <vector>

#include "ckpt/engine/output_plan.hpp"
#include "ckpt/model/catalogue.hpp"

namespace stateutils::ckpt {

// Sums whose bytes the plans copy whole are compared on the way; the others are read once more
// here, and the first that does not fit is kInput.
void attach_sums(const Catalogue& catalogue, std::vector<OutputPlan>& plans, int threads);

}  // namespace stateutils::ckpt
