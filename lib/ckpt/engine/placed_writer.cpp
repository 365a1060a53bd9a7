#include "ckpt/engine/placed_writer.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <new>

#include "core/error.hpp"
#include "core/signals.hpp"

namespace stateutils::ckpt {
namespace {

constexpr std::uint64_t kDirectAlign = 4096;
constexpr std::uint64_t kLargePage = 2u << 20;

}  // namespace

AlignedBuffer aligned_buffer(std::uint64_t size) {
  // Large pages, where the system gives them, spare direct I/O the pinning of each small one.
  const bool large = size % kLargePage == 0 && size > 0;
  auto* data = static_cast<char*>(std::aligned_alloc(large ? kLargePage : kDirectAlign, size));
  if (data == nullptr) throw std::bad_alloc();
  if (large) (void)::madvise(data, size, MADV_HUGEPAGE);
  return AlignedBuffer(data);
}

BlockPool::Block BlockPool::take(std::uint64_t size) {
  const std::lock_guard lock(mutex_);
  const auto large = std::ranges::find_if(idle_, [size](const Block& b) { return b.size >= size; });
  if (large == idle_.end()) {
    if (!idle_.empty()) idle_.pop_back();  // it gives way: no more blocks than were in use at once
    return {aligned_buffer(size), size};
  }
  Block block = std::move(*large);
  idle_.erase(large);
  return block;
}

void BlockPool::give(Block block) noexcept {
  const std::lock_guard lock(mutex_);
  try {
    idle_.push_back(std::move(block));
  } catch (const std::bad_alloc&) {  // then it is freed
  }
}

bool wants_direct(IoMode mode, std::uint64_t size) {
  return mode == IoMode::kDirect || (mode == IoMode::kAuto && size >= kDirectFrom);
}

PlacedWriter::PlacedWriter(int fd, const std::string& path, bool direct) : fd_(fd), path_(path) {
#ifdef O_DIRECT
  const int flags = ::fcntl(fd_, F_GETFL);
  direct_ = direct && flags >= 0 && ::fcntl(fd_, F_SETFL, flags | O_DIRECT) == 0;
#else
  (void)direct;
#endif
}

void PlacedWriter::write(std::uint64_t offset, const char* data, std::uint64_t size) {
  if (direct_ && (size % kDirectAlign != 0 || offset % kDirectAlign != 0)) {
    const std::uint64_t whole = offset % kDirectAlign == 0 ? size / kDirectAlign * kDirectAlign : 0;
    if (whole > 0) write(offset, data, whole);
    buffered();
    return core::pwrite_fully(fd_, data + whole, size - whole, offset + whole, path_);
  }
  if (direct_) {
    ssize_t done = 0;
    do {
      done = ::pwrite(fd_, data, size, static_cast<off_t>(offset));
    } while (done < 0 && errno == EINTR && (core::check_stop(), true));
    if (done == static_cast<ssize_t>(size)) return;
    // Refused (EINVAL) or cut short: the page cache takes what is left, or names the error.
    buffered();
    const auto skip = static_cast<std::uint64_t>(std::max<ssize_t>(done, 0));
    return core::pwrite_fully(fd_, data + skip, size - skip, offset + skip, path_);
  }
  core::pwrite_fully(fd_, data, size, offset, path_);
}

void PlacedWriter::buffered() {
#ifdef O_DIRECT
  if (direct_) (void)::fcntl(fd_, F_SETFL, ::fcntl(fd_, F_GETFL) & ~O_DIRECT);
#endif
  direct_ = false;
}

FileSum sum_of(std::uint64_t size, const std::vector<std::uint64_t>& hashes) {
  return {size, core::xxh3_128(hashes.data(), hashes.size() * sizeof(std::uint64_t))};
}

void read_back(int fd, const std::string& path, std::uint64_t offset, char* data,
               std::uint64_t size) {
  while (size > 0) {
    const ssize_t got = ::pread(fd, data, size, static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) throw core::system_error(path, "read back", got < 0 ? errno : EIO);
    data += got;
    offset += static_cast<std::uint64_t>(got);
    size -= static_cast<std::uint64_t>(got);
  }
}

void rehash(std::vector<std::uint64_t>& hashes, int fd, const std::string& path,
            std::uint64_t total, std::uint64_t first, std::uint64_t size) {
  std::vector<char> block(kHashBlock);
  for (std::uint64_t i = first / kHashBlock; i * kHashBlock < first + size; ++i) {
    const std::uint64_t length = std::min(kHashBlock, total - i * kHashBlock);
    read_back(fd, path, i * kHashBlock, block.data(), length);
    hashes[i] = core::xxh3_64(block.data(), length);
  }
}

}  // namespace stateutils::ckpt
