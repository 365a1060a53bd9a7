// A trace as stateutils.requests records.
#pragma once

#include "core/jsonl.hpp"
#include "kv/trace.hpp"

namespace stateutils::kv {

// All records, between the header and the trailer that the writer's framing asks for.
void write_trace(const Trace& trace, core::JsonlWriter& writer);

}  // namespace stateutils::kv
