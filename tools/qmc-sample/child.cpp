#include "child.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "core/error.hpp"
#include "core/npy.hpp"
#include "core/signals.hpp"
#include "core/units.hpp"

namespace stateutils::tools {

Child::Child(const std::string& command, bool text) : text_(text) {
  int to[2], from[2];
  if (::pipe2(to, O_CLOEXEC) != 0 || ::pipe2(from, O_CLOEXEC) != 0) {
    throw core::system_error("--exec", "open a pipe", errno);
  }
  pid_ = ::fork();
  if (pid_ < 0) throw core::system_error("--exec", "fork", errno);
  if (pid_ == 0) {
    core::reset_signals_in_child();
    ::dup2(to[0], STDIN_FILENO);
    ::dup2(from[1], STDOUT_FILENO);
    ::execl("/bin/sh", "sh", "-c", command.c_str(), static_cast<char*>(nullptr));
    ::_exit(127);
  }
  ::close(to[0]);
  ::close(from[1]);
  in_ = to[1];
  out_ = from[0];
  for (const int fd : {in_, out_}) ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
}

Child::~Child() {
  if (in_ >= 0) ::close(in_);
  if (out_ >= 0) ::close(out_);
  if (pid_ > 0) {
    ::kill(pid_, SIGTERM);
    while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
    }
  }
}

void Child::fail(const std::string& message) const {
  throw core::input_error({"--exec"}, "batch " + std::to_string(batch_) + ": " + message);
}

std::string Child::batch_bytes(const double* x, std::size_t rows, std::size_t d) const {
  if (!text_) {
    const std::uint64_t shape[] = {rows, d};
    std::string bytes = core::npy_header_bytes(core::NpyType::kF8, shape);
    bytes.append(reinterpret_cast<const char*>(x), rows * d * sizeof(double));
    return bytes;
  }
  std::string lines;
  for (std::size_t i = 0; i < rows; ++i) {
    for (std::size_t j = 0; j < d; ++j) {
      lines += core::format_double(x[i * d + j]);
      lines += j + 1 < d ? ',' : '\n';
    }
  }
  return lines;
}

// Whole arrays only: false until all of it has come.
bool Child::take_array(std::size_t rows, double* y) {
  if (buffer_.size() < 12) return false;
  const auto byte = [&](std::size_t i) {
    return std::size_t{static_cast<unsigned char>(buffer_[i])};
  };
  const std::size_t header_bytes = buffer_[6] == 1 ? 10 + (byte(8) | byte(9) << 8)
                                                   : 12 + (byte(8) | byte(9) << 8 | byte(10) << 16);
  if (buffer_.size() < header_bytes) return false;
  const auto source = core::memory_input(buffer_, "--exec");
  const core::NpyHeader header = core::read_npy_header(*source);
  if (header.items() != rows) {
    fail(std::to_string(header.items()) + " values for " + std::to_string(rows) + " points");
  }
  const std::size_t bytes = header_bytes + rows * core::item_size(header.type);
  if (buffer_.size() < bytes) return false;
  const auto whole = core::memory_input(buffer_, "--exec");
  const core::NpyArray array = core::read_npy(*whole);
  std::copy(array.values.begin(), array.values.end(), y);
  buffer_.erase(0, bytes);
  return true;
}

bool Child::take_lines(std::size_t rows, double* y) {
  std::size_t from = 0;
  for (; lines_ < rows; ++lines_) {
    const std::size_t end = buffer_.find('\n', from);
    if (end == std::string::npos) break;
    std::string_view line(buffer_.data() + from, end - from);
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.remove_suffix(1);
    const auto value = core::parse_double(line);
    if (!value) fail("row " + std::to_string(lines_) + ": " + core::quoted(line) + " is no number");
    y[lines_] = *value;
    from = end + 1;
  }
  buffer_.erase(0, from);
  return lines_ == rows;
}

bool Child::take_values(std::size_t rows, double* y) {
  return text_ ? take_lines(rows, y) : take_array(rows, y);
}

// One round of poll: sends what fits, reads what is there.
void Child::exchange(const std::string& out, std::size_t& sent) {
  pollfd ends[3] = {{out_, POLLIN, 0}, {core::stop_fd(), POLLIN, 0}, {in_, POLLOUT, 0}};
  const nfds_t count = sent < out.size() ? 3 : 2;
  if (::poll(ends, count, -1) < 0 && errno != EINTR)
    throw core::system_error("--exec", "poll", errno);
  core::check_stop();
  if (count == 3 && ends[2].revents != 0) {
    const ssize_t n = ::write(in_, out.data() + sent, out.size() - sent);
    if (n > 0) sent += static_cast<std::size_t>(n);
    if (n < 0 && errno == EPIPE) fail("the command stopped reading");
  }
  if (ends[0].revents != 0) {
    char part[65536];
    const ssize_t n = ::read(out_, part, sizeof part);
    if (n == 0) fail("the command ended before its values");
    if (n > 0) buffer_.append(part, static_cast<std::size_t>(n));
  }
}

void Child::evaluate(const double* x, std::size_t rows, std::size_t d, double* y) {
  const std::string out = batch_bytes(x, rows, d);
  lines_ = 0;
  for (std::size_t sent = 0; sent < out.size() || !take_values(rows, y);) exchange(out, sent);
  ++batch_;
}

void Child::finish() {
  ::close(in_);
  in_ = -1;
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0) {
    if (errno != EINTR) throw core::system_error("--exec", "wait", errno);
    core::check_stop();
  }
  pid_ = -1;
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    fail(WIFEXITED(status) ? "the command exited with " + std::to_string(WEXITSTATUS(status))
                           : "the command died by signal " + std::to_string(WTERMSIG(status)));
  }
}

}  // namespace stateutils::tools
