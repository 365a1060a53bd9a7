#include "lent_pages.hpp"

#include <fcntl.h>
#include <sys/mman.h>

#include <algorithm>
#include <cerrno>

#include "core/error.hpp"
#include "core/output.hpp"

namespace stateutils::tools {

LentPages::LentPages(int fd, std::string name) : fd_(fd), name_(std::move(name)) {
  constexpr int kPipeBytes = 1 << 20;
  (void)::fcntl(fd, F_SETPIPE_SZ, kPipeBytes);  // refused by limits: no matter
  const int held = ::fcntl(fd, F_GETPIPE_SZ);
  if (held < 0) throw core::system_error(name_, "measure the pipe", errno);
  capacity_ = static_cast<std::uint64_t>(held);
}

// Unmapped, not freed: pages in the pipe must not serve other allocations.
LentPages::~LentPages() {
  for (const Area& area : areas_) ::munmap(area.data, area.size);
}

char* LentPages::area(std::size_t bytes) {
  const auto drained = std::find_if(areas_.begin(), areas_.end(), [&](const Area& a) {
    return a.size >= bytes && sent_ - a.end >= capacity_;
  });
  current_ = static_cast<std::size_t>(drained - areas_.begin());
  if (drained == areas_.end()) {
    void* data = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (data == MAP_FAILED) throw core::system_error(name_, "map memory", errno);
    areas_.push_back({static_cast<char*>(data), bytes, 0});
  }
  return areas_[current_].data;
}

void LentPages::lend(std::size_t bytes) {
  core::lend_fully(fd_, areas_[current_].data, bytes, name_);
  sent_ += bytes;
  areas_[current_].end = sent_;
}

}  // namespace stateutils::tools
