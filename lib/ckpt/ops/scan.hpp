// Reading tensors through: hashes, statistics, checksums.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ckpt/model/catalogue.hpp"

namespace stateutils::ckpt {

struct TensorStats {
  std::uint64_t nan = 0, inf = 0, zeros = 0, finite = 0;
  double min = 0, max = 0, sum = 0, sum_squares = 0;  // of the finite values
  [[nodiscard]] double mean() const;
  [[nodiscard]] double rms() const;
};

struct ScanWanted {
  bool xxh3 = false, sha256 = false, stats = false;
};

struct ScanResult {
  std::string xxh3, sha256;          // hexadecimal; empty when not wanted
  std::optional<TensorStats> stats;  // empty for types that are no real numbers
};

// Reads every tensor's logical bytes once, several tensors at a time; `max_memory` bounds all
// buffers together. Aliases take their holder's result.
[[nodiscard]] std::vector<ScanResult> scan_tensors(const Catalogue& catalogue, ScanWanted wanted,
                                                   int threads, std::uint64_t max_memory);

// Compares stored checksums with the bytes; what differs becomes a finding "crc".
[[nodiscard]] std::vector<Finding> check_sums(const std::vector<StoredSum>& sums, int threads);

// Compares replicas with the pieces bit by bit; what differs becomes a finding "replica".
[[nodiscard]] std::vector<Finding> check_replicas(const Catalogue& catalogue, int threads);

}  // namespace stateutils::ckpt
