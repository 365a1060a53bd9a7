#include "kv/chain.hpp"

#include <algorithm>

namespace stateutils::kv {

void ChainCursor::forward(std::uint32_t blocks) {
  depth_ += blocks;
  into_ += blocks;
  while (run_ < runs_.size() && into_ >= runs_[run_].count) into_ -= runs_[run_++].count;
}

std::uint32_t ChainCursor::common(std::span<const Run> other) const {
  std::uint32_t shared = 0, skip = into_;
  for (std::size_t r = run_; r < runs_.size() && r < other.size(); ++r, skip = 0) {
    if (runs_[r].first != other[r].first) break;
    const std::uint32_t both = std::min(runs_[r].count, other[r].count);
    if (both <= skip) break;
    shared += both - skip;
    if (runs_[r].count != other[r].count) break;
  }
  return shared;
}

std::uint32_t ChainCursor::block_of(std::span<const Run> other, std::uint32_t ahead) const {
  std::uint32_t into = into_ + ahead;
  for (std::size_t r = run_;; ++r) {
    if (into < other[r].count) return other[r].first + into;
    into -= other[r].count;
  }
}

namespace {

// The owner of each resident piece is found at the piece's first block.
class Owners {
 public:
  explicit Owners(const Trace& trace) : trace_(trace), top_(trace.id_space, kNone) {}

  // Appends the pieces of request i and makes i the owner of its whole chain.
  void take(std::uint32_t i, std::vector<Piece>& pieces) {
    ChainCursor at(trace_, i);
    if (at.at_end()) return;
    const std::uint32_t root = at.block();
    const std::size_t start = pieces.size();
    while (!at.at_end()) {
      const std::uint32_t owner = top_[at.block()];
      if (owner == kNone) {
        pieces.push_back({trace_.blocks_of(i), kNone});
        break;
      }
      const std::span<const Run> other = trace_.runs_of(owner);
      const std::uint32_t shared = at.common(other);
      if (at.depth() + shared < blocks(other)) top_[at.block_of(other, shared)] = owner;
      at.forward(shared);
      if (pieces.size() > start && pieces.back().request == owner) {
        pieces.back().end = at.depth();
      } else {
        pieces.push_back({at.depth(), owner});
      }
    }
    top_[root] = i;
  }

 private:
  static std::uint32_t blocks(std::span<const Run> runs) {
    std::uint32_t sum = 0;
    for (const Run& run : runs) sum += run.count;
    return sum;
  }
  const Trace& trace_;
  std::vector<std::uint32_t> top_;
};

}  // namespace

Reuse previous_use(const Trace& trace) {
  Reuse reuse;
  Owners owners(trace);
  reuse.from_.resize(trace.size());
  reuse.to_.resize(trace.size());
  for (std::uint32_t i = 0; i < trace.size(); ++i) {
    reuse.from_[i] = reuse.pieces_.size();
    owners.take(i, reuse.pieces_);
    reuse.to_[i] = reuse.pieces_.size();
  }
  return reuse;
}

Reuse next_use(const Trace& trace) {
  Reuse reuse;
  Owners owners(trace);
  reuse.from_.resize(trace.size());
  reuse.to_.resize(trace.size());
  for (std::uint32_t i = trace.size(); i-- > 0;) {
    reuse.from_[i] = reuse.pieces_.size();
    owners.take(i, reuse.pieces_);
    reuse.to_[i] = reuse.pieces_.size();
  }
  return reuse;
}

}  // namespace stateutils::kv
