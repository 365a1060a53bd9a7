// Stored checksums, compared while their bytes are copied.
#pragma once

#include <string>
#include <vector>

#include "ckpt/engine/output_plan.hpp"
#include "ckpt/model/catalogue.hpp"

namespace stateutils::ckpt {

// Sums whose bytes the plans copy whole are compared on the way; returns the others.
[[nodiscard]] std::vector<StoredSum> attach_sums(const Catalogue& catalogue,
                                                 std::vector<OutputPlan>& plans);
// Reads what is left; the first that does not fit is kInput naming `source`.
void require_sums(const std::vector<StoredSum>& sums, const std::string& source, int threads);

}  // namespace stateutils::ckpt
