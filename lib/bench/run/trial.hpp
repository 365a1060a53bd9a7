// Trial records.
#pragma once

#include <optional>
#include <string>

#include "bench/run/episode.hpp"
#include "bench/run/state_digests.hpp"

namespace stateutils::bench {

struct TrialOptions {
  std::string agent, version;
  std::uint64_t seed = 0;
  int trial = 0;
  bool keep_output = false;
  std::string sandbox = "sim";
  bool weak_isolation = false;
  std::string tokens;               // as the agent told them, JSON
  std::optional<double> cost;       // the same
  StateDigests* digests = nullptr;  // those of the trials before, where there were any
};

// One JSON line of the stream `trials`.
[[nodiscard]] std::string trial_json(Episode& episode, const std::string& end,
                                     const TrialOptions& options);

}  // namespace stateutils::bench
