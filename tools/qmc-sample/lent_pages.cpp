#include "lent_pages.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>

#include "core/error.hpp"
#include "core/output.hpp"
#include "qmc/points.hpp"

namespace stateutils::tools {
namespace {

// Asks for a large pipe; returns what it holds.
std::uint64_t widen_pipe(int fd, const std::string& name) {
  constexpr int kWanted = 1 << 20;           // bytes
  (void)::fcntl(fd, F_SETPIPE_SZ, kWanted);  // refused by limits: no matter
  const int held = ::fcntl(fd, F_GETPIPE_SZ);
  if (held < 0) throw core::system_error(name, "measure the pipe", errno);
  return static_cast<std::uint64_t>(held);
}

char* map_memory(std::size_t bytes) {
  void* data = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return data == MAP_FAILED ? nullptr : static_cast<char*>(data);
}

class ReusedPages final : public LentPages {
 public:
  ReusedPages(int fd, std::string name)
      : fd_(fd), name_(std::move(name)), capacity_(widen_pipe(fd, name_)) {}
  // Unmapped, not freed: pages in the pipe must not serve other allocations.
  ~ReusedPages() override {
    for (const Area& area : areas_) ::munmap(area.data, area.size);
  }

  [[nodiscard]] char* area(std::size_t bytes) override {
    const auto drained = std::find_if(areas_.begin(), areas_.end(), [&](const Area& a) {
      return a.size >= bytes && sent_ - a.end >= capacity_;
    });
    current_ = static_cast<std::size_t>(drained - areas_.begin());
    if (drained == areas_.end()) {
      char* data = map_memory(bytes);
      if (data == nullptr) throw core::system_error(name_, "map memory", errno);
      areas_.push_back({data, bytes, 0});
    }
    return areas_[current_].data;
  }
  void lend(std::size_t bytes) override {
    core::lend_fully(fd_, areas_[current_].data, bytes, name_);
    sent_ += bytes;
    areas_[current_].end = sent_;
  }

 private:
  struct Area {
    char* data;
    std::size_t size;
    std::uint64_t end;  // bytes sent when it had been lent
  };
  int fd_;
  std::string name_;
  std::uint64_t capacity_, sent_ = 0;
  std::vector<Area> areas_;
  std::size_t current_ = 0;
};

constexpr std::size_t kHugePage = 2u << 20;

// Whole huge pages, mapped and present; none where the system does not give them.
class HugePages {
 public:
  HugePages() = default;
  explicit HugePages(std::size_t bytes) {
    const std::size_t size = (bytes + kHugePage - 1) / kHugePage * kHugePage;
    char* mapped = map_memory(size + kHugePage);
    if (mapped == nullptr) return;
    // The aligned part; the rest goes back.
    const auto before =
        (kHugePage - reinterpret_cast<std::uintptr_t>(mapped) % kHugePage) % kHugePage;
    if (before > 0) ::munmap(mapped, before);
    if (before < kHugePage) ::munmap(mapped + before + size, kHugePage - before);
    data_ = mapped + before;
    size_ = size;
    if (::madvise(data_, size_, MADV_HUGEPAGE) != 0 || !touch()) release();
  }
  HugePages(const HugePages&) = delete;
  HugePages& operator=(const HugePages&) = delete;
  ~HugePages() { release(); }
  void swap(HugePages& other) {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
  }
  [[nodiscard]] char* data() const { return data_; }
  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  // Both ends of a huge page are there after one fault.
  [[nodiscard]] bool touch() const {
    const auto faults = [] {
      rusage usage{};
      ::getrusage(RUSAGE_THREAD, &usage);
      return usage.ru_minflt;
    };
    const long start = faults();
    for (std::size_t at = 0; at < size_; at += kHugePage) {
      const_cast<volatile char*>(data_)[at] = 0;
      const_cast<volatile char*>(data_)[at + kHugePage - 1] = 0;
    }
    return faults() - start <= static_cast<long>(size_ / kHugePage);
  }
  void release() {
    if (data_ != nullptr) ::munmap(data_, size_);
    data_ = nullptr;
    size_ = 0;
  }

  char* data_ = nullptr;
  std::size_t size_ = 0;
};

class FreshPages final : public LentPages {
 public:
  FreshPages(int fd, std::string name) : fd_(fd), name_(std::move(name)) {
    (void)widen_pipe(fd, name_);
    // Nothing, as a trial: kernels and sandboxes without vmsplice refuse it.
    iovec none{nullptr, 0};
    copies_ = ::vmsplice(fd, &none, 0, 0) != 0;
  }

  [[nodiscard]] char* area(std::size_t bytes) override {
    if (!copies_ && used_ + bytes > pages_.size()) {
      HugePages next(bytes);
      pages_.swap(next);
      used_ = 0;
      copies_ = pages_.data() == nullptr;
    }
    if (!copies_) return pages_.data() + used_;
    if (buffer_.size() * 8 < bytes) buffer_ = qmc::AlignedWords((bytes + 7) / 8);
    return reinterpret_cast<char*>(buffer_.data());
  }
  void lend(std::size_t bytes) override {
    if (copies_) {
      core::write_fully(fd_, reinterpret_cast<const char*>(buffer_.data()), bytes, name_);
      return;
    }
    core::lend_fully(fd_, pages_.data() + used_, bytes, name_);
    used_ += (bytes + kLine - 1) / kLine * kLine;
  }

 private:
  static constexpr std::size_t kLine = 64;
  int fd_;
  std::string name_;
  HugePages pages_;
  std::size_t used_ = 0;  // bytes of the pages that have been lent
  qmc::AlignedWords buffer_{0};
  bool copies_ = false;
};

}  // namespace

std::unique_ptr<LentPages> reused_pages(int fd, std::string name) {
  return std::make_unique<ReusedPages>(fd, std::move(name));
}

std::unique_ptr<LentPages> fresh_pages(int fd, std::string name) {
  return std::make_unique<FreshPages>(fd, std::move(name));
}

}  // namespace stateutils::tools
