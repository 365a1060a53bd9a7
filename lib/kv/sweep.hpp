// Many configurations on one trace: a design's points, what each gave, and which to choose.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "core/input.hpp"
#include "core/slice.hpp"
#include "kv/objective.hpp"

namespace stateutils::kv {

using SweepPoint = std::vector<std::pair<std::string, nlohmann::json>>;  // path -> value

// A 2-D .npy in [0,1)^d, mapped by the configuration's sweep.params, or JSONL of {path: value}.
[[nodiscard]] std::vector<SweepPoint> read_points(core::ByteSource& source,
                                                  const nlohmann::json& config);

struct SweepOptions {
  std::optional<std::string> objective;  // default: cost, else the bytes of KV
  double attain = 0.99;
  bool max_rate = false, bound = true;
  int threads = 1;
  core::Slice slice;
  std::string version;
};

struct SweepLine {
  std::string json;                    // the record
  bool meets = false;                  // the SLO, for the attained share of requests
  double attained = 0, objective = 0;  // objective: NaN where it has no value
};

// One line per point of the slice, in order. All configurations are checked before one runs.
[[nodiscard]] std::vector<SweepLine> run_sweep(const nlohmann::json& config,
                                               const std::vector<SweepPoint>& points,
                                               const SweepOptions& options);

// Lines best first: those that meet the SLO by objective (without one last), then the others by
// attainment.
[[nodiscard]] std::vector<const SweepLine*> ranked(const std::vector<SweepLine>& lines);

}  // namespace stateutils::kv
