// Options that describe a point set, shared by every subcommand that makes points.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/cli.hpp"
#include "core/io.hpp"
#include "qmc/point_set.hpp"

namespace stateutils::tools {

struct PointSetOptions {
  std::optional<core::Count> d, total, replications;
  std::vector<std::string> dims;
  std::string order = "natural", rng = "philox";
  std::optional<std::string> randomize, lms_matrix, shift, perms, factors;
  std::optional<int> bits;
  int alpha = 1;
  bool hammersley = false, allow_extend = false;
};

// Declares everything but the sequence itself.
void bind_point_set(core::Command& command, PointSetOptions& options);
// Reads the files named and builds the description; `io.seed` may still be drawn (see settle_seed).
[[nodiscard]] qmc::PointSpec make_spec(const PointSetOptions& options, const std::string& sequence,
                                       const core::Io& io);
// A seed that was not given is drawn from the system and printed, when anything random is wanted.
void settle_seed(core::Io& io, bool needed);

// "1,5,9-12" counted from 1, as dimensions from 0.
[[nodiscard]] std::vector<std::uint32_t> parse_dims(const std::vector<std::string>& parts);

}  // namespace stateutils::tools
