// Traces from text for tests.
#pragma once

#include <string>

#include "core/input.hpp"
#include "kv/readers.hpp"

namespace stateutils::kv {

inline Trace trace_of(const std::string& text, const TraceOptions& options = {}) {
  const auto source = core::memory_input(text, "t");
  return read_trace(*source, options);
}

// Requests with these chains, one block a token.
inline Trace chains_of(const std::vector<std::vector<int>>& chains, bool lenient = false) {
  std::string text;
  for (const auto& chain : chains) {
    text += "{\"in\":" + std::to_string(chain.size()) + ",\"out\":1,\"block\":1,\"hash_ids\":[";
    for (std::size_t i = 0; i < chain.size(); ++i) {
      text += (i == 0 ? "" : ",") + std::to_string(chain[i]);
    }
    text += "]}\n";
  }
  TraceOptions options;
  options.lenient = lenient;
  return trace_of(text, options);
}

}  // namespace stateutils::kv
