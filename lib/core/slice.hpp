// Shares of a job: --slice I/N, I from 0, a pure function of (input, I, N).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace stateutils::core {

struct Slice {
  std::uint64_t index = 0, count = 1;

  // Rows [first, last) of `total` that belong to this slice: floor(total I/N) to
  // floor(total (I+1)/N), computed without overflow.
  [[nodiscard]] std::pair<std::uint64_t, std::uint64_t> range(std::uint64_t total) const;
  [[nodiscard]] bool whole() const { return count == 1; }
  [[nodiscard]] std::string text() const;  // "3/16"
};

// "I/N" with I < N, or "auto": SLURM_ARRAY_TASK_* with SLURM_PROCID/NTASKS, then
// OMPI_COMM_WORLD_RANK/SIZE, then PMI_RANK/SIZE; kUsage when malformed or none is set. `choice`
// receives what auto chose, for the caller to log.
[[nodiscard]] Slice parse_slice(std::string_view text, std::string* choice = nullptr);

}  // namespace stateutils::core
