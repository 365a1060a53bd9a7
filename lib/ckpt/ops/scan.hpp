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

[[nodiscard]] core::Hash128 hash_of(const ByteFile& file, std::uint64_t offset, std::uint64_t size);
// What a checksum is of, for messages: `zip entry "x"` or `tensor "x"`.
[[nodiscard]] std::string sum_subject(const StoredSum& sum);
// Compares stored checksums with the bytes; what differs becomes a finding "crc" or "hash".
[[nodiscard]] std::vector<Finding> check_sums(const std::vector<StoredSum>& sums, int threads);

// Compares replicas with the pieces bit by bit; what differs becomes a finding "replica".
[[nodiscard]] std::vector<Finding> check_replicas(const Catalogue& catalogue, int threads);

}  // namespace stateutils::ckpt
