// A ring of page-aligned chunks whose pages are there before the first snapshot needs them.
#pragma once

#include <cstdint>
#include <cstring>
#include <vector>

#include "ckpt/engine/placed_writer.hpp"

namespace stateutils::ckpt::snapshot {

inline constexpr std::uint64_t kPoolChunk = 4u << 20;

class Pool {
 public:
  explicit Pool(std::uint64_t bytes) {
    const std::uint64_t count = std::max<std::uint64_t>(2, bytes / kPoolChunk);
    memory_ = aligned_buffer(count * kPoolChunk);
    std::memset(memory_.get(), 0, count * kPoolChunk);  // faults every page in
    for (std::uint64_t i = count; i-- > 0;) free_.push_back(i);
    count_ = count;
  }
  [[nodiscard]] bool has_free() const { return !free_.empty(); }
  [[nodiscard]] std::uint64_t count() const { return count_; }
  std::uint64_t take() {
    const std::uint64_t slot = free_.back();
    free_.pop_back();
    return slot;
  }
  void give(std::uint64_t slot) { free_.push_back(slot); }
  [[nodiscard]] char* data(std::uint64_t slot) { return memory_.get() + slot * kPoolChunk; }

 private:
  AlignedBuffer memory_;
  std::vector<std::uint64_t> free_;
  std::uint64_t count_ = 0;
};

}  // namespace stateutils::ckpt::snapshot
