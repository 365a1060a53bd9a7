// What a simulation gave, as summaries and records.
#pragma once

#include <string>

#include "core/json_writer.hpp"
#include "core/jsonl.hpp"
#include "kv/engine.hpp"

namespace stateutils::kv {

// Fields of the summary, into an open object. `bound`: with the offline bound of the hits.
void write_summary(core::JsonWriter& json, const Trace& trace, const RunConfig& config,
                   const SimResult& result, bool bound);
// The record stream of --requests (without the frame), in trace order.
void write_requests(core::JsonlWriter& writer, const Trace& trace, const RunConfig& config,
                    const SimResult& result);
void write_iteration(core::JsonlWriter& writer, const IterationLine& line);

}  // namespace stateutils::kv
