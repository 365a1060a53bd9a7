// Blocks of a protected folder as they lie there, good or bad.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "ckpt/protect/parity.hpp"
#include "core/input.hpp"

namespace stateutils::ckpt::protect {

// Bytes of block `column` of something `length` long.
[[nodiscard]] inline std::uint64_t block_size(std::uint64_t length, std::uint64_t column) {
  const std::uint64_t first = column * kBlock;
  return first >= length ? 0 : std::min(kBlock, length - first);
}

// Files below the folder, opened when first read; safe from several threads.
class BlockFiles {
 public:
  explicit BlockFiles(std::string folder) : folder_(std::move(folder)) {}

  // False when the file is missing, shorter, or cannot be read there; kEnvironment when it is there
  // and cannot be opened.
  bool read_member(const Member& member, std::uint64_t column, std::uint8_t* to) const;
  bool read_parity(const Group& group, std::size_t index, std::uint64_t column,
                   std::uint8_t* to) const;
  // The file's size; empty when it is missing.
  [[nodiscard]] std::optional<std::uint64_t> size(const std::string& name) const;

 private:
  [[nodiscard]] std::shared_ptr<const core::FileReader> open(const std::string& name) const;
  bool read(const std::string& name, std::uint64_t offset, std::uint64_t size,
            std::uint8_t* to) const;

  std::string folder_;
  mutable std::mutex mutex_;
  mutable std::unordered_map<std::string, std::shared_ptr<const core::FileReader>> open_;
};

// The blocks of one column: members, then parity; zeros where a member has ended.
class Column {
 public:
  Column(std::size_t blocks, std::uint64_t size) : size_(size), bytes_(blocks * size) {}
  [[nodiscard]] std::uint8_t* block(std::size_t i) { return bytes_.data() + i * size_; }
  // Fills the parity blocks from the members.
  void code(const Matrix& rows, std::uint64_t size);
  // Fills the blocks of `lost` (indices below members + parity) from the others.
  void solve(const Matrix& rows, const std::vector<std::size_t>& lost);

 private:
  std::uint64_t size_;
  std::vector<std::uint8_t> bytes_;
};

// bad[column][i] for member or parity i of the group.
struct BadBlocks {
  std::vector<std::vector<char>> bad{};
  std::uint64_t count = 0, lost_columns = 0;
};
[[nodiscard]] BadBlocks bad_blocks(const BlockFiles& files, const Group& group, int threads);

}  // namespace stateutils::ckpt::protect
