#include "core/lock.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>

#include "core/error.hpp"
#include "core/signals.hpp"

namespace stateutils::core {

FileLock::FileLock(const std::string& path)
    : fd_(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666)) {
  if (fd_ < 0) throw system_error(path, "open the lock", errno);
  while (::flock(fd_, LOCK_EX | LOCK_NB) != 0) {
    const int code = errno;
    if (code == EINTR) {
      check_stop();
      continue;
    }
    ::close(fd_);
    if (code == EWOULDBLOCK) throw environment_error(path + ": locked by another run");
    throw system_error(path, "lock", code);
  }
}

FileLock::~FileLock() {
  ::close(fd_);
}

}  // namespace stateutils::core
