// Who reaches whom in a graph of any size, a block of sources at a time: memory is linear in the
// nodes, where a table of all pairs would not fit.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <span>
#include <vector>

#include "sbus/dep_graph.hpp"

namespace stateutils::sbus {

// A set of sources, by their place in the block.
struct SourceSet {
  static constexpr std::size_t kSize = 512;
  std::array<std::uint64_t, kSize / 64> words{};

  static SourceSet range(std::size_t begin, std::size_t end) {
    SourceSet out;
    for (std::size_t i = begin; i < end; ++i) out.insert(i);
    return out;
  }
  [[nodiscard]] bool empty() const { return *this == SourceSet{}; }
  [[nodiscard]] bool has(std::size_t i) const { return (words[i / 64] >> (i % 64) & 1u) != 0; }
  void insert(std::size_t i) { words[i / 64] |= std::uint64_t{1} << (i % 64); }
  void erase(std::size_t i) { words[i / 64] &= ~(std::uint64_t{1} << (i % 64)); }
  void add(const SourceSet& other) {
    for (std::size_t w = 0; w < words.size(); ++w) words[w] |= other.words[w];
  }
  void keep(const SourceSet& other) {
    for (std::size_t w = 0; w < words.size(); ++w) words[w] &= other.words[w];
  }
  void remove(const SourceSet& other) {
    for (std::size_t w = 0; w < words.size(); ++w) words[w] &= ~other.words[w];
  }
  // The highest member of a set that is not empty.
  [[nodiscard]] std::size_t last() const {
    std::size_t w = words.size() - 1;
    while (words[w] == 0) --w;
    return w * 64 + static_cast<std::size_t>(std::bit_width(words[w])) - 1;
  }
  friend bool operator==(const SourceSet&, const SourceSet&) = default;
};

class BlockReach {
 public:
  explicit BlockReach(const DepGraph& graph);

  // With a cycle there is no order, and nothing else may be asked.
  [[nodiscard]] bool cyclic() const { return at_.empty() && nodes_ != 0; }
  // Where a node is in an order in which all edges lead forward.
  [[nodiscard]] std::uint32_t position(std::uint32_t node) const { return at_[node]; }

  // Follows all paths from `sources`, at most SourceSet::kSize, up to position `last`. Returns the
  // edges followed.
  std::uint64_t sweep(std::span<const std::uint32_t> sources, std::uint32_t last);
  // The sources of the last sweep with a path to `node`, which is not beyond its `last`.
  [[nodiscard]] const SourceSet& reaching(std::uint32_t node) const {
    return at_[node] < begin_ ? none_ : rows_[at_[node] - begin_];
  }

 private:
  std::size_t nodes_;
  std::vector<std::uint32_t> at_;
  std::vector<std::size_t> first_;      // by position
  std::vector<std::uint32_t> targets_;  // positions
  std::uint32_t begin_ = 0;             // position of rows_[0]
  std::vector<SourceSet> rows_;
  SourceSet none_;
};

}  // namespace stateutils::sbus
