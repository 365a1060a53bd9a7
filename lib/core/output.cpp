#include "core/output.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "core/error.hpp"
#include "core/signals.hpp"

namespace stateutils::core {

// Link-time hooks: a test defines stronger ones that write 1..n bytes, since a kernel rarely
// shows short writes on demand.
__attribute__((weak)) ssize_t raw_write(int fd, const void* data, std::size_t size) {
  return ::write(fd, data, size);
}
__attribute__((weak)) ssize_t raw_pwrite(int fd, const void* data, std::size_t size, off_t offset) {
  return ::pwrite(fd, data, size, offset);
}

namespace {

constexpr int kOutputPipeBytes = 1 << 20;

// What to do about a failed write: returns to retry, throws otherwise.
void handle_write_error(int fd, const std::string& name) {
  switch (errno) {
    case EINTR:
      check_stop();
      return;
    case EAGAIN: {
      pollfd ready{fd, POLLOUT, 0};
      ::poll(&ready, 1, -1);
      check_stop();
      return;
    }
    case EPIPE:
      throw ClosedPipe{};
    default:
      throw system_error(name, "write", errno);
  }
}

}  // namespace

void write_fully(int fd, const char* data, std::size_t size, const std::string& name) {
  while (size > 0) {
    const ssize_t written = raw_write(fd, data, size);
    if (written < 0) {
      handle_write_error(fd, name);
      continue;
    }
    data += written;
    size -= static_cast<std::size_t>(written);
  }
}

void lend_fully(int fd, const char* data, std::size_t size, const std::string& name) {
  while (size > 0) {
    const iovec part{const_cast<char*>(data), size};
    const ssize_t lent = ::vmsplice(fd, &part, 1, 0);
    if (lent < 0) {
      handle_write_error(fd, name);
      continue;
    }
    data += lent;
    size -= static_cast<std::size_t>(lent);
  }
}

void pwrite_fully(int fd, const char* data, std::size_t size, std::uint64_t offset,
                  const std::string& name) {
  while (size > 0) {
    const ssize_t written = raw_pwrite(fd, data, size, static_cast<off_t>(offset));
    if (written < 0) {
      handle_write_error(fd, name);
      continue;
    }
    data += written;
    offset += static_cast<std::uint64_t>(written);
    size -= static_cast<std::size_t>(written);
  }
}

Output::Output() : buffer_(new char[kBlockBytes]) {}
Output::~Output() = default;

void Output::write(const void* data, std::size_t size) {
  const char* bytes = static_cast<const char*>(data);
  while (size > 0) {
    if (size >= kBlockBytes) {
      // One short delivery (a header, say) costs less than copying every block behind it.
      flush();
      const std::size_t whole = size - size % kBlockBytes;
      deliver(bytes, whole);
      delivered_ += whole;
      bytes += whole;
      size -= whole;
      continue;
    }
    const std::size_t part = std::min(size, kBlockBytes - used_);
    std::memcpy(buffer_.get() + used_, bytes, part);
    used_ += part;
    bytes += part;
    size -= part;
    if (used_ == kBlockBytes) flush();
  }
}

void Output::flush() {
  const std::size_t size = used_;
  if (size == 0) return;
  used_ = 0;  // before delivery: a failed block must not be written again by a later flush
  deliver(buffer_.get(), size);
  delivered_ += size;
}

void Output::commit() {
  flush();
}

FdOutput::FdOutput(int fd, std::string name) : fd_(fd), name_(std::move(name)) {
  (void)::fcntl(fd_, F_SETPIPE_SZ, kOutputPipeBytes);  // refused for files and by limits: no matter
}
FdOutput::~FdOutput() = default;

void FdOutput::deliver(const char* data, std::size_t size) {
  write_fully(fd_, data, size, name_);
}

const std::string& MemoryOutput::text() {
  flush();
  return text_;
}

}  // namespace stateutils::core
