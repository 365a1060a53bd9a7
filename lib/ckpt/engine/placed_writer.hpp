// What every writer of large files needs: aligned blocks, positioned writes past the page cache,
// and the running identity of what was written.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "ckpt/engine/execute.hpp"

namespace stateutils::ckpt {

inline constexpr std::uint64_t kHashBlock = 1u << 20;
inline constexpr std::uint64_t kLargestBlock = 8u << 20;
// Smaller files stay in the page cache. A folder of files of 48 MiB took twice as long
// through it: each byte is copied once more, and the write-back competes with the readers.
inline constexpr std::uint64_t kDirectFrom = kLargestBlock;

struct FreeDelete {
  void operator()(char* data) const { std::free(data); }
};
using AlignedBuffer = std::unique_ptr<char, FreeDelete>;
// At a multiple of the page size, as direct I/O wants it.
[[nodiscard]] AlignedBuffer aligned_buffer(std::uint64_t size);

// Blocks that one file leaves to the next: the system need not clear their pages again.
class BlockPool {
 public:
  struct Block {
    AlignedBuffer data;
    std::uint64_t size = 0;
  };
  // At least `size` bytes.
  [[nodiscard]] Block take(std::uint64_t size);
  void give(Block block) noexcept;

 private:
  std::mutex mutex_;
  std::vector<Block> idle_;
};

// Whether a file of `size` bytes is to be written past the page cache.
[[nodiscard]] bool wants_direct(IoMode mode, std::uint64_t size);

// Positioned writes, past the page cache where the file system lets us.
class PlacedWriter {
 public:
  PlacedWriter(int fd, const std::string& path, bool direct);
  void write(std::uint64_t offset, const char* data, std::uint64_t size);
  void buffered();  // from here on through the page cache

 private:
  int fd_;
  const std::string& path_;
  bool direct_ = false;
};

[[nodiscard]] FileSum sum_of(std::uint64_t size, const std::vector<std::uint64_t>& hashes);

// Exactly `size` bytes that were written before.
void read_back(int fd, const std::string& path, std::uint64_t offset, char* data,
               std::uint64_t size);

// Hashes again the blocks of a file of `total` bytes that a patch at `first` has changed.
void rehash(std::vector<std::uint64_t>& hashes, int fd, const std::string& path,
            std::uint64_t total, std::uint64_t first, std::uint64_t size);

}  // namespace stateutils::ckpt
