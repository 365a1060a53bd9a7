#include "bench/trace/token_counter.hpp"

#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "core/error.hpp"
#include "core/json_string.hpp"
#include "core/signals.hpp"
#include "core/units.hpp"

namespace stateutils::bench {
namespace {

constexpr std::int64_t kCountingMs = 30'000;
constexpr std::size_t kMaxAnswer = 64;

}  // namespace

TokenCounter::TokenCounter(std::string command) : command_(std::move(command)) {
  core::Pipe in, out;
  core::Spawn spawn;
  spawn.argv = {"/bin/sh", "-c", command_};
  spawn.descriptors = {{in.read.get(), 0}, {out.write.get(), 1}};
  child_ = nursery_.start(spawn);
  core::set_nonblocking(in.write.get());
  core::set_nonblocking(out.read.get());
  in_ = std::move(in.write);
  out_ = std::move(out.read);
}

TokenCounter::~TokenCounter() {
  in_.close();
  (void)nursery_.end(child_);
}

void TokenCounter::say(std::string_view line) {
  const std::int64_t deadline = core::now_ms() + kCountingMs;
  while (!line.empty()) {
    core::check_stop();
    const ssize_t n = ::write(in_.get(), line.data(), line.size());
    if (n > 0) {
      line.remove_prefix(static_cast<std::size_t>(n));
    } else if (n < 0 && errno == EAGAIN && core::now_ms() < deadline) {
      pollfd waiting{in_.get(), POLLOUT, 0};
      ::poll(&waiting, 1, 100);
    } else if (n >= 0 || errno != EINTR) {
      throw core::environment_error(command_ + ": takes no more texts");
    }
  }
}

std::string TokenCounter::hear() {
  const std::int64_t deadline = core::now_ms() + kCountingMs;
  std::array<char, 4096> block;
  for (;;) {
    const std::size_t end = heard_.find('\n');
    if (end != std::string::npos) {
      std::string line = heard_.substr(0, end);
      heard_.erase(0, end + 1);
      return line;
    }
    core::check_stop();
    if (core::now_ms() >= deadline || heard_.size() > kMaxAnswer) return heard_;
    pollfd waiting{out_.get(), POLLIN, 0};
    ::poll(&waiting, 1, 100);
    if (waiting.revents == 0) continue;
    const ssize_t n = ::read(out_.get(), block.data(), block.size());
    if (n == 0) throw core::environment_error(command_ + ": ended before it counted");
    if (n > 0) heard_.append(block.data(), static_cast<std::size_t>(n));
  }
}

std::uint64_t TokenCounter::count(std::string_view text) {
  std::string line;
  core::append_json_string(line, text);
  say(line + "\n");
  const std::string answer = hear();
  const auto number = core::parse_i64(answer);
  if (!number || *number < 0) {
    throw core::environment_error(command_ + ": said " + core::quoted(answer) +
                                  " where a number of tokens was wanted");
  }
  return static_cast<std::uint64_t>(*number);
}

}  // namespace stateutils::bench
