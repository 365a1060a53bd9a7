// Exact LRU stack distances, all capacities in one pass.
#include <algorithm>
#include <bit>

#include "core/error.hpp"
#include "kv/chain.hpp"
#include "kv/flat_cache.hpp"

namespace stateutils::kv {
namespace {

// Prefix sums over counters that move: a Fenwick tree.
class Fenwick {
 public:
  explicit Fenwick(std::size_t size) : tree_(size + 1, 0) {}
  void add(std::size_t at, std::int64_t value) {
    for (std::size_t i = at + 1; i < tree_.size(); i += i & (~i + 1)) tree_[i] += value;
  }
  [[nodiscard]] std::int64_t sum(std::size_t end) const {  // of counters below `end`
    std::int64_t total = 0;
    for (std::size_t i = end; i > 0; i -= i & (~i + 1)) total += tree_[i];
    return total;
  }

 private:
  std::vector<std::int64_t> tree_;
};

// Chains: a piece that was last used by request p is one stretch of p's chain, and what lies
// between its earlier and its new use is the same number of blocks for each block of it. Those are
// the blocks last used by requests after p, the rest of p's own chain, and the part of the new
// request above the piece, which was taken from its owners just before.
std::vector<std::uint64_t> chain_distances(const Trace& trace) {
  std::vector<std::uint64_t> histogram(std::size_t{trace.distinct} + 1, 0);
  const Reuse previous = previous_use(trace);
  Fenwick owned(trace.size());
  std::int64_t all = 0;
  for (std::uint32_t i = 0; i < trace.size(); ++i) {
    std::uint32_t from = 0;
    for (const Piece& piece : previous.of(i)) {
      if (piece.request != kNone) {
        const std::uint32_t size = piece.end - from;
        // Blocks used since, the block itself included.
        const std::int64_t distance = all - owned.sum(piece.request) + from;
        histogram[static_cast<std::size_t>(distance)] += size;
        owned.add(piece.request, -std::int64_t{size});
        all -= size;
      }
      from = piece.end;
    }
    owned.add(i, from);
    all += from;
  }
  return histogram;
}

// Any references: one bit per position that is still its block's last use, counted by words; the
// timeline is twice the distinct blocks and is packed when it is full.
class BitTimeline {
 public:
  BitTimeline(std::size_t id_space, std::size_t distinct)
      : words_(distinct / 32 + 2, 0),
        ones_(words_.size() / kWords + 2),
        at_(id_space, kNone),
        block_(words_.size() * 64, 0) {}

  // The stack distance of `block` now, 0 at its first use.
  std::uint64_t access(std::uint32_t block) {
    if (now_ == block_.size()) pack();
    std::uint64_t distance = 0;
    const std::uint32_t before = at_[block];
    if (before != kNone) {
      distance = live_ - below(before);
      flip(before, -1);
    } else {
      ++live_;
    }
    at_[block] = now_;
    block_[now_] = block;
    flip(now_++, 1);
    return distance;
  }

 private:
  static constexpr std::size_t kWords = 16;  // words per counter of the tree

  [[nodiscard]] std::uint64_t below(std::uint32_t position) const {
    const std::size_t word = position / 64, group = word / kWords;
    auto count = static_cast<std::uint64_t>(ones_.sum(group));
    for (std::size_t w = group * kWords; w < word; ++w) {
      count += static_cast<std::uint64_t>(std::popcount(words_[w]));
    }
    return count + static_cast<std::uint64_t>(
                       std::popcount(words_[word] & ((1ull << (position % 64)) - 1)));
  }
  void flip(std::uint32_t position, std::int64_t change) {
    words_[position / 64] ^= 1ull << (position % 64);
    ones_.add(position / 64 / kWords, change);
  }
  void pack() {
    std::uint32_t to = 0;
    for (std::uint32_t from = 0; from < now_; ++from) {
      if ((words_[from / 64] >> (from % 64) & 1) == 0) continue;
      block_[to] = block_[from];
      at_[block_[to]] = to;
      ++to;
    }
    std::ranges::fill(words_, 0);
    ones_ = Fenwick(words_.size() / kWords + 2);
    for (std::uint32_t position = 0; position < to; ++position) flip(position, 1);
    now_ = to;
  }

  std::vector<std::uint64_t> words_;
  Fenwick ones_;
  std::vector<std::uint32_t> at_, block_;
  std::uint32_t now_ = 0;
  std::uint64_t live_ = 0;
};

}  // namespace

std::vector<std::uint64_t> lru_distances(const Trace& trace) {
  if (trace.chains) return chain_distances(trace);
  std::vector<std::uint64_t> histogram(std::size_t{trace.distinct} + 1, 0);
  BitTimeline timeline(trace.id_space, trace.distinct);
  for_each_reference(trace, [&](std::uint32_t block) {
    if (const std::uint64_t distance = timeline.access(block)) ++histogram[distance];
  });
  return histogram;
}

}  // namespace stateutils::kv
