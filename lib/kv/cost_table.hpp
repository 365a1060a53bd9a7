// Measured iteration times, piecewise linear between the points.
#pragma once

#include <memory>
#include <string>

#include "kv/cost.hpp"

namespace stateutils::kv {

// A profile is one JSON object: "prefill": [{tokens, seconds}], "decode": [{batch, context,
// seconds}], context being a sequence's mean. Decode times lie on lines over the context, one per
// batch size, and between two batch sizes in proportion; outside, the end's slope goes on. A batch
// of both kinds takes the sum.
[[nodiscard]] std::unique_ptr<CostModel> make_table_cost(const std::string& path);

}  // namespace stateutils::kv
