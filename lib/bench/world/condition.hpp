// Names of the conditions that guards and probes share.
#pragma once

#include "bench/world/world.hpp"

namespace stateutils::bench {

// "exists", "not_null", "eq", "neq", "gt", "gte", "lt", "lte", "len_gt", "in", "match"; kInput
// else.
[[nodiscard]] Condition read_condition_name(const Cursor& json);

}  // namespace stateutils::bench
