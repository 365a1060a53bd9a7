#include "core/input.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "core/error.hpp"
#include "core/signals.hpp"

namespace stateutils::core {
namespace {

constexpr int kInputPipeBytes = 1 << 20;
constexpr std::size_t kReadBlock = 1 << 20;
constexpr std::size_t kSkipBlock = 1 << 18;

int open_for_reading(const std::string& path) {
  for (;;) {
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd >= 0) return fd;
    if (errno != EINTR) throw system_error(path, "open", errno);
    check_stop();
  }
}

class FdSource : public ByteSource {
 public:
  FdSource(int fd, std::string name, bool owned)
      : ByteSource(std::move(name)), fd_(fd), owned_(owned) {
    struct stat info {};
    if (::fstat(fd_, &info) != 0) fail("read", errno);
    if (S_ISDIR(info.st_mode)) fail("read", EISDIR);
    regular_ = S_ISREG(info.st_mode);
    live_ = S_ISFIFO(info.st_mode) || S_ISSOCK(info.st_mode) || S_ISCHR(info.st_mode);
    // Hints only: a refusal changes the speed and nothing else.
    if (S_ISFIFO(info.st_mode)) ::fcntl(fd_, F_SETPIPE_SZ, kInputPipeBytes);
    if (regular_) ::posix_fadvise(fd_, 0, 0, POSIX_FADV_SEQUENTIAL);
  }
  ~FdSource() override { release(); }

  std::size_t read(char* data, std::size_t size) override {
    for (;;) {
      const ssize_t got = ::read(fd_, data, size);
      if (got >= 0) return static_cast<std::size_t>(got);
      if (errno == EAGAIN) {  // an inherited descriptor may be non-blocking
        pollfd waiting{fd_, POLLIN, 0};
        ::poll(&waiting, 1, -1);
      } else if (errno != EINTR) {
        throw system_error(name(), "read", errno);
      }
      check_stop();
    }
  }
  std::uint64_t skip(std::uint64_t size) override {
    struct stat info {};
    const off_t at = regular_ ? ::lseek(fd_, 0, SEEK_CUR) : -1;
    if (at < 0 || ::fstat(fd_, &info) != 0) return ByteSource::skip(size);
    const off_t left = std::max<off_t>(0, info.st_size - at);
    const std::uint64_t step = std::min(size, static_cast<std::uint64_t>(left));
    if (::lseek(fd_, at + static_cast<off_t>(step), SEEK_SET) < 0) {
      throw system_error(name(), "seek", errno);
    }
    // A file that grows, or one of /proc that claims no size, is read on from here.
    return step < size ? step + ByteSource::skip(size - step) : step;
  }
  [[nodiscard]] bool is_live() const override { return live_; }
  [[nodiscard]] bool would_wait() const override {
    if (!live_) return false;
    pollfd ready{fd_, POLLIN, 0};
    return ::poll(&ready, 1, 0) == 0;
  }

 private:
  void release() noexcept {
    if (owned_ && fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }
  [[noreturn]] void fail(const char* action, int code) {
    release();
    throw system_error(name(), action, code);
  }

  int fd_;
  bool owned_;
  bool live_ = false, regular_ = false;
};

class MemorySource : public ByteSource {
 public:
  MemorySource(std::string_view data, std::string name)
      : ByteSource(std::move(name)), rest_(data) {}
  std::size_t read(char* data, std::size_t size) override {
    const std::size_t n = std::min(size, rest_.size());
    if (n > 0) std::memcpy(data, rest_.data(), n);
    rest_.remove_prefix(n);
    return n;
  }
  std::uint64_t skip(std::uint64_t size) override {
    const std::uint64_t n = std::min<std::uint64_t>(size, rest_.size());
    rest_.remove_prefix(static_cast<std::size_t>(n));
    return n;
  }

 private:
  std::string_view rest_;
};

}  // namespace

std::uint64_t ByteSource::skip(std::uint64_t size) {
  std::vector<char> dropped(static_cast<std::size_t>(std::min<std::uint64_t>(size, kSkipBlock)));
  std::uint64_t done = 0;
  while (done < size) {
    const std::uint64_t wanted = std::min<std::uint64_t>(size - done, dropped.size());
    const std::size_t got = read(dropped.data(), static_cast<std::size_t>(wanted));
    if (got == 0) break;
    done += got;
  }
  return done;
}

std::unique_ptr<ByteSource> open_raw_input(const std::string& path) {
  if (path == "-") return std::make_unique<FdSource>(STDIN_FILENO, "stdin", false);
  return std::make_unique<FdSource>(open_for_reading(path), path, true);
}

std::unique_ptr<ByteSource> open_input(const std::string& path) {
  return decode_input(open_raw_input(path), path.ends_with(".zst"));
}

std::unique_ptr<ByteSource> memory_input(std::string_view data, std::string name) {
  const bool named_zst = name.ends_with(".zst");
  return decode_input(std::make_unique<MemorySource>(data, std::move(name)), named_zst);
}

std::string read_all(ByteSource& source, std::uint64_t limit) {
  std::string text;
  std::size_t used = 0;
  for (;;) {
    // One byte past the limit is enough to know that there is more.
    const std::uint64_t room = limit - used < kReadBlock ? limit - used + 1 : kReadBlock;
    const std::size_t wanted = used + static_cast<std::size_t>(room);
    if (wanted > text.capacity()) text.reserve(std::max(wanted, 2 * text.capacity()));
    text.resize(wanted);
    const std::size_t got = source.read(text.data() + used, static_cast<std::size_t>(room));
    used += got;
    if (got == 0) break;
    if (used > limit) {
      throw input_error({source.name(), {}, {}}, "larger than " + std::to_string(limit) + " bytes");
    }
  }
  text.resize(used);
  return text;
}

std::string read_file(const std::string& path, std::uint64_t limit) {
  const auto source = open_input(path);
  return read_all(*source, limit);
}

bool read_exact(ByteSource& source, void* data, std::size_t size) {
  auto* out = static_cast<char*>(data);
  while (size > 0) {
    const std::size_t got = source.read(out, size);
    if (got == 0) return false;
    out += got;
    size -= got;
  }
  return true;
}

FileReader::FileReader(const std::string& path) : path_(path), fd_(open_for_reading(path)) {
  struct stat info {};
  const int code = ::fstat(fd_, &info) != 0 ? errno : S_ISDIR(info.st_mode) ? EISDIR : 0;
  if (code == 0 && S_ISREG(info.st_mode)) {
    size_ = static_cast<std::uint64_t>(info.st_size);
    return;
  }
  ::close(std::exchange(fd_, -1));
  if (code != 0) throw system_error(path_, "read", code);
  throw environment_error(path_ + ": not a regular file, and this needs random access");
}

FileReader::FileReader(FileReader&& other) noexcept
    : path_(std::move(other.path_)), fd_(std::exchange(other.fd_, -1)), size_(other.size_) {}

FileReader::~FileReader() {
  if (fd_ >= 0) ::close(fd_);
}

void FileReader::read_at(std::uint64_t offset, void* data, std::size_t size) const {
  auto* out = static_cast<char*>(data);
  while (size > 0) {
    if (offset > static_cast<std::uint64_t>(INT64_MAX)) {
      throw input_error({path_, {}, offset}, "past the end of the file");
    }
    const ssize_t got = ::pread(fd_, out, size, static_cast<off_t>(offset));
    if (got < 0) {
      if (errno != EINTR) throw system_error(path_, "read", errno);
      check_stop();
      continue;
    }
    if (got == 0) {
      throw input_error({path_, {}, offset},
                        "the file ends here, " + std::to_string(size) + " bytes too early");
    }
    out += got;
    offset += static_cast<std::uint64_t>(got);
    size -= static_cast<std::size_t>(got);
  }
}

}  // namespace stateutils::core
