// What a trace holds, as one JSON object.
#pragma once

#include <string>

#include "kv/trace.hpp"

namespace stateutils::kv {

[[nodiscard]] std::string trace_stat_json(const Trace& trace);
// "ceil" or "floor"; empty when no record tells.
[[nodiscard]] std::string partial_name(Partial partial);

}  // namespace stateutils::kv
