#include "qmc/randomness.hpp"

#include <numeric>
#include <utility>

namespace stateutils::qmc {

std::vector<std::uint64_t> draw_lms_rows(const Stream& stream, std::uint32_t dim, unsigned t,
                                         unsigned t_in) {
  std::vector<std::uint64_t> rows(t);
  const std::uint64_t mask = t_in == 64 ? ~0ull : (1ull << t_in) - 1;
  for (unsigned tau = 0; tau < t; ++tau) {
    const std::uint64_t word = stream.block(Tag::kLms, dim, tau, 0).lo >> (64 - t_in);
    if (tau >= t_in) {
      rows[tau] = word;
      continue;
    }
    const std::uint64_t diagonal = 1ull << (t_in - 1 - tau);
    rows[tau] = (word & mask & ~(diagonal * 2 - 1)) | diagonal;
  }
  return rows;
}

std::vector<std::uint32_t> draw_permutation(const Stream& stream, Tag tag, std::uint32_t dim,
                                            std::uint32_t base, std::uint32_t index_lo) {
  std::vector<std::uint32_t> values(base);
  std::iota(values.begin(), values.end(), 0u);
  Words words{};
  for (std::uint32_t k = base - 1, drawn = 0; k >= 1; --k, ++drawn) {
    if (drawn % 2 == 0) words = stream.block(tag, dim, index_lo, drawn / 2);
    std::swap(values[k], values[below(drawn % 2 == 0 ? words.lo : words.hi, k + 1)]);
  }
  return values;
}

std::vector<std::uint32_t> draw_node_permutation(const Stream& stream, std::uint32_t dim,
                                                 std::uint32_t base, std::uint64_t node,
                                                 unsigned level) {
  Stream own = stream;
  const auto low = static_cast<std::uint32_t>(node), high = static_cast<std::uint32_t>(node >> 32);
  if (high != 0) own.seed = stream.block(Tag::kNusTail, dim, low, high).lo;
  std::vector<std::uint32_t> values(base);
  std::iota(values.begin(), values.end(), 0u);
  Words words{};
  for (std::uint32_t k = base - 1, drawn = 0; k >= 1; --k, ++drawn) {
    if (drawn % 2 == 0) {
      words = own.block(Tag::kNusGroup, dim, low, 256 + level + 512 * (drawn / 2));
    }
    std::swap(values[k], values[below(drawn % 2 == 0 ? words.lo : words.hi, k + 1)]);
  }
  return values;
}

}  // namespace stateutils::qmc
