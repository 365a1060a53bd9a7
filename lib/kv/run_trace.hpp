// The trace that a configuration names, with the hash of its bytes.
#pragma once

#include <string>

#include "kv/run_config.hpp"
#include "kv/trace.hpp"

namespace stateutils::kv {

struct RunTrace {
  Trace trace;
  std::string sha256;
};
// `ids`: the result names its requests; else they are let go where no message could name one.
[[nodiscard]] RunTrace load_run_trace(const RunConfig& config, bool ids);

}  // namespace stateutils::kv
