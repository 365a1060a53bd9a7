#include "sbus/bench_wire.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "core/error.hpp"
#include "core/signals.hpp"

namespace stateutils::sbus {
namespace {

constexpr int kPatienceMs = 30'000;

void wait_for(int fd, short events, const std::string& name) {
  pollfd what{fd, events, 0};
  const int ready = ::poll(&what, 1, kPatienceMs);
  core::check_stop();
  if (ready == 0) throw core::environment_error(name + ": no answer");
}

}  // namespace

Wire::Wire(const HostPort& to)
    : name_(to.host + ":" + std::to_string(to.port)), fd_(connect_to(to)) {}

Wire::~Wire() {
  ::close(fd_);
}

void Wire::send(std::string_view text) {
  while (!text.empty()) {
    const ssize_t sent = ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
    if (sent >= 0) {
      text.remove_prefix(static_cast<std::size_t>(sent));
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      wait_for(fd_, POLLOUT, name_);
    } else if (errno != EINTR) {
      throw core::system_error(name_, "send", errno);
    }
  }
}

void Wire::receive(bool wait) {
  char block[16 << 10];
  while (true) {
    if (wait) wait_for(fd_, POLLIN, name_);
    const ssize_t got = ::recv(fd_, block, sizeof block, 0);
    if (got > 0) {
      in_.append(block, static_cast<std::size_t>(got));
      return;
    }
    if (got == 0) throw core::environment_error(name_ + ": the connection was closed");
    if ((errno == EAGAIN || errno == EWOULDBLOCK) && !wait) return;
    if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) {
      throw core::system_error(name_, "receive", errno);
    }
  }
}

void Wire::take(std::size_t size) {
  taken_ += size;
  if (taken_ == in_.size()) {
    in_.clear();
    taken_ = 0;
  }
}

}  // namespace stateutils::sbus
