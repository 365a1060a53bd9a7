// Who used the blocks of a request before it, and who uses them next, by runs.
//
// When a block has one parent, the requests that last used the blocks of a chain own consecutive
// pieces of it: a later use of any block uses all blocks above it too. So the owners of a chain are
// found in as many steps as there are pieces (the preferred paths of a link-cut tree), and a
// 2,000-block turn that extends the one before costs one step.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "kv/trace.hpp"

namespace stateutils::kv {

// Blocks from the end of the piece before (or 0) to `end` of a chain; `request` kNone: no use.
struct Piece {
  std::uint32_t end = 0, request = kNone;
};

// The pieces of every request, root side first; they cover its whole chain.
class Reuse {
 public:
  [[nodiscard]] std::span<const Piece> of(std::uint32_t i) const {
    const std::uint64_t from = from_[i];
    return std::span(pieces_).subspan(from, to_[i] - from);
  }

 private:
  friend Reuse previous_use(const Trace& trace);
  friend Reuse next_use(const Trace& trace);
  std::vector<Piece> pieces_;
  std::vector<std::uint64_t> from_, to_;
};

// Both need trace.chains.
[[nodiscard]] Reuse previous_use(const Trace& trace);
[[nodiscard]] Reuse next_use(const Trace& trace);

// Walks down the chain of one request; a cursor at its end has no block.
class ChainCursor {
 public:
  ChainCursor(const Trace& trace, std::uint32_t request) : runs_(trace.runs_of(request)) {}
  [[nodiscard]] bool at_end() const { return run_ == runs_.size(); }
  [[nodiscard]] std::uint32_t block() const { return runs_[run_].first + into_; }
  [[nodiscard]] std::uint32_t depth() const { return depth_; }
  void forward(std::uint32_t blocks);
  // How many blocks from here on the chain of `other` has in common with this one, when all blocks
  // above are common: equal prefixes have equal runs, so the comparison starts at this run.
  [[nodiscard]] std::uint32_t common(std::span<const Run> other) const;
  // The block at this depth of `other`, which must agree with this chain above it.
  [[nodiscard]] std::uint32_t block_of(std::span<const Run> other, std::uint32_t ahead) const;

 private:
  std::span<const Run> runs_;
  std::size_t run_ = 0;
  std::uint32_t into_ = 0, depth_ = 0;
};

}  // namespace stateutils::kv
