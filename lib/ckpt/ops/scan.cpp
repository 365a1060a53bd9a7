#include "ckpt/ops/scan.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "ckpt/model/elements.hpp"
#include "ckpt/plan/tensor_file.hpp"
#include "ckpt/zip/reader.hpp"
#include "core/error.hpp"
#include "core/hash.hpp"
#include "core/signals.hpp"
#include "core/threads.hpp"

namespace stateutils::ckpt {
namespace {

// Small enough to stay in a core's own cache from the read to the hash.
constexpr std::uint64_t kBuffer = 256u << 10;
// What a thread may need beside it: strided sources gather through a megabyte.
constexpr std::uint64_t kLaneMemory = 4u << 20;
constexpr std::size_t kNumbers = 4096;

void add_stats(TensorStats& stats, DType dtype, const char* bytes, std::uint64_t size) {
  const std::uint64_t item = item_bytes(dtype);
  double numbers[kNumbers];
  for (std::uint64_t left = size / item; left > 0;) {
    const auto part = static_cast<std::size_t>(std::min<std::uint64_t>(left, kNumbers));
    to_doubles(dtype, bytes, {numbers, part});
    for (std::size_t i = 0; i < part; ++i) {
      const double x = numbers[i];
      if (!std::isfinite(x)) {
        ++(std::isnan(x) ? stats.nan : stats.inf);
        continue;
      }
      ++stats.finite;
      stats.zeros += x == 0 ? 1 : 0;
      stats.min = std::min(stats.min, x);
      stats.max = std::max(stats.max, x);
      stats.sum += x;
      stats.sum_squares += x * x;
    }
    bytes += part * item;
    left -= part;
  }
}

ScanResult scan_one(const Tensor& tensor, ScanWanted wanted, std::uint64_t buffer_size) {
  const ByteFilePtr file = tensor_file(tensor);
  core::Xxh3 xxh3;
  core::Sha256 sha256;
  const bool stats = wanted.stats && is_real(tensor.dtype);
  TensorStats sums{.min = std::numeric_limits<double>::infinity(),
                   .max = -std::numeric_limits<double>::infinity()};
  const std::uint64_t total = file->size();
  std::vector<char> buffer(std::min(buffer_size, total));
  for (std::uint64_t at = 0; at < total;) {
    core::check_stop();
    const std::uint64_t part = std::min<std::uint64_t>(buffer.size(), total - at);
    file->read_at(at, buffer.data(), part);
    if (wanted.xxh3) xxh3.update(buffer.data(), part);
    if (wanted.sha256) sha256.update(buffer.data(), part);
    if (stats) add_stats(sums, tensor.dtype, buffer.data(), part);
    at += part;
  }
  ScanResult result;
  if (wanted.xxh3) result.xxh3 = xxh3.digest128().hex();
  if (wanted.sha256) {
    const core::Sha256Digest digest = sha256.digest();
    result.sha256 = core::hex(digest.data(), digest.size());
  }
  if (stats) result.stats = sums;
  return result;
}

bool fits(const StoredSum& sum) {
  if (sum.hash) return hash_of(*sum.file, sum.offset, sum.size) == *sum.hash;
  return entry_crc(*sum.file, sum.offset, sum.size) == sum.crc;
}

bool same_bytes(const ByteFile& a, const ByteFile& b) {
  std::vector<char> left(std::min(kBuffer, a.size())), right(left.size());
  for (std::uint64_t at = 0; at < a.size();) {
    core::check_stop();
    const std::uint64_t part = std::min<std::uint64_t>(left.size(), a.size() - at);
    a.read_at(at, left.data(), part);
    b.read_at(at, right.data(), part);
    if (std::memcmp(left.data(), right.data(), part) != 0) return false;
    at += part;
  }
  return true;
}

}  // namespace

double TensorStats::mean() const {
  return finite == 0 ? 0 : sum / static_cast<double>(finite);
}
double TensorStats::rms() const {
  return finite == 0 ? 0 : std::sqrt(sum_squares / static_cast<double>(finite));
}

std::vector<ScanResult> scan_tensors(const Catalogue& catalogue, ScanWanted wanted, int threads,
                                     std::uint64_t max_memory) {
  const auto lanes = std::clamp<std::uint64_t>(max_memory / kLaneMemory, 1,
                                               static_cast<std::uint64_t>(std::max(threads, 1)));
  std::vector<ScanResult> results(catalogue.tensors.size());
  core::parallel_for(catalogue.tensors.size(), static_cast<int>(lanes), [&](std::uint64_t i) {
    const Tensor& tensor = catalogue.tensors[i];
    if (!tensor.alias_of) results[i] = scan_one(tensor, wanted, kBuffer);
  });
  for (std::size_t i = 0; i < results.size(); ++i) {
    const Tensor& tensor = catalogue.tensors[i];
    if (tensor.alias_of) {
      results[i] = results[static_cast<std::size_t>(&holder_of(catalogue, tensor) -
                                                    catalogue.tensors.data())];
    }
  }
  return results;
}

core::Hash128 hash_of(const ByteFile& file, std::uint64_t offset, std::uint64_t size) {
  core::Xxh3 hasher;
  std::vector<char> buffer(std::min(kBuffer, size));
  for (std::uint64_t at = 0; at < size; at += buffer.size()) {
    core::check_stop();
    const std::uint64_t part = std::min<std::uint64_t>(buffer.size(), size - at);
    file.read_at(offset + at, buffer.data(), part);
    hasher.update(buffer.data(), part);
  }
  return hasher.digest128();
}

std::string sum_subject(const StoredSum& sum) {
  return (sum.hash ? "tensor " : "zip entry ") + core::quoted(sum.what);
}

std::vector<Finding> check_sums(const std::vector<StoredSum>& sums, int threads) {
  std::vector<char> wrong(sums.size());
  core::parallel_for(sums.size(), threads,
                     [&](std::uint64_t i) { wrong[i] = fits(sums[i]) ? 0 : 1; });
  std::vector<Finding> findings;
  for (std::size_t i = 0; i < sums.size(); ++i) {
    if (wrong[i] == 0) continue;
    const bool zip = !sums[i].hash;
    findings.push_back({zip ? "crc" : "hash", zip ? "" : sums[i].what,
                        sums[i].file->name() + ": " + sum_subject(sums[i]) +
                            (zip ? " does not match its CRC" : " does not match its hash")});
  }
  return findings;
}

std::vector<Finding> check_replicas(const Catalogue& catalogue, int threads) {
  std::vector<std::vector<Finding>> found(catalogue.tensors.size());
  core::parallel_for(catalogue.tensors.size(), threads, [&](std::uint64_t i) {
    const Tensor& tensor = catalogue.tensors[i];
    for (const Piece& replica : tensor.replicas) {
      const ByteFilePtr there = piece_file(tensor, replica);
      const ByteFilePtr here = box_file(tensor, {replica.offset, replica.size});
      if (!same_bytes(*there, *here)) {
        found[i].push_back(
            {"replica", tensor.name, "the copy in " + replica.file->name() + " differs"});
      }
    }
  });
  std::vector<Finding> findings;
  for (auto& list : found) findings.insert(findings.end(), list.begin(), list.end());
  return findings;
}

}  // namespace stateutils::ckpt
