#include "bench/shell/shell_surface.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "bench/world/text.hpp"
#include "core/error.hpp"
#include "core/hash.hpp"
#include "core/output.hpp"
#include "core/signals.hpp"
#include "core/units.hpp"
#include "core/utf8.hpp"

namespace stateutils::bench {
namespace {

// Reads command lines ended by NUL from descriptor 9 and tells each exit code on 8; the lines
// themselves have neither.
constexpr const char* kDriver =
    "while IFS= builtin read -r -d '' -u 9 GB_LINE; do eval \"$GB_LINE\" 8>&- 9<&- </dev/null; "
    "builtin printf '%s\\n' \"$?\" >&8; done";
constexpr const char* kDone = "gb-done";

bool starts_character(char c) {
  return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
}

std::string join(const std::vector<std::string>& words) {
  std::string line;
  for (const std::string& word : words) line += (line.empty() ? "" : " ") + quote_word(word);
  return line;
}

}  // namespace

std::string valid_utf8(std::string_view bytes) {
  if (core::is_valid_utf8(bytes)) return std::string(bytes);
  std::string out;
  while (!bytes.empty()) {
    std::size_t n = 1;
    while (n < bytes.size() && n < 4 && !starts_character(bytes[n])) ++n;
    while (n > 1 && !core::is_valid_utf8(bytes.substr(0, n))) --n;
    out += core::is_valid_utf8(bytes.substr(0, n)) ? bytes.substr(0, n) : "\xEF\xBF\xBD";
    bytes.remove_prefix(n);
  }
  return out;
}

struct CappedOutput::Hash {
  core::Sha256 sha;
};

CappedOutput::CappedOutput(std::size_t limit) : limit_(limit) {}
CappedOutput::~CappedOutput() = default;
CappedOutput::CappedOutput(CappedOutput&&) noexcept = default;
CappedOutput& CappedOutput::operator=(CappedOutput&&) noexcept = default;

void CappedOutput::add(std::string_view bytes) {
  if (!hash_) hash_ = std::make_unique<Hash>();
  hash_->sha.update(bytes.data(), bytes.size());
  bytes_ += bytes.size();
  const std::size_t room = limit_ - std::min(limit_, head_.size());
  head_ += bytes.substr(0, room);
  tail_ += bytes.substr(std::min(room, bytes.size()));
  if (tail_.size() > 2 * limit_) tail_.erase(0, tail_.size() - limit_);
}

std::string CappedOutput::text() const {
  std::string out = valid_utf8(head_ + tail_);
  truncate(out, limit_);
  return out;
}

std::string CappedOutput::sha256() {
  if (!hash_) return core::sha256_hex("");
  const core::Sha256Digest digest = hash_->sha.digest();
  return core::hex(digest.data(), digest.size());
}

std::vector<std::string> command_names(const World& world) {
  std::vector<std::string> out = {kDone};
  for (const Verb& verb : world.verbs) {
    const std::string name = verb.name.substr(0, verb.name.find(' '));
    if (name.find('/') != std::string::npos || name.empty() || name[0] == '.') {
      throw core::Error(core::Category::kInput,
                        "verb " + core::quoted(verb.name) + " names no command");
    }
    if (std::find(out.begin(), out.end(), name) == out.end()) out.push_back(name);
  }
  return out;
}

struct ShellSurface::Process {
  pid_t pid = -1;
  core::Fd requests, status, out, err;
  CappedOutput printed, complained;
  std::string code;        // of the step, once it has ended
  bool program = false;    // a program that works alone instead of a shell
  bool exhausted = false;  // and asks for more steps than it has

  explicit Process(std::size_t limit) : printed(limit), complained(limit) {}
};

ShellSurface::ShellSurface(SandboxHost& host, core::Nursery& nursery, const Task& task, bool reset)
    : host_(host),
      nursery_(nursery),
      task_(task),
      reset_(reset),
      trial_deadline_(core::now_ms() + task.limits.episode_timeout_ms),
      room_(host.make_room(command_names(*task.world))) {
  server_ = std::make_unique<WorldServer>(room_.socket);
}

ShellSurface::~ShellSurface() {
  stop();
  server_.reset();
  host_.drop_room(room_);
}

void ShellSurface::leave(const std::string& name, const std::string& text) const {
  const std::string path = room_.work + "/" + name;
  const core::Fd out(
      ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644));
  if (!out.open()) throw core::system_error(path, "create", errno);
  core::write_fully(out.get(), text.data(), text.size(), path);
}

void ShellSurface::start(std::vector<std::string> argv) {
  const bool program = !argv.empty();
  if (!program) argv = {"/bin/bash", "--noprofile", "--norc", "-c", kDriver};
  core::Spawn spawn = host_.spawn(room_, std::move(argv));
  core::Pipe requests, status, out, err;
  process_ = std::make_unique<Process>(static_cast<std::size_t>(task_.limits.output_bytes));
  const core::Pipe nothing;  // a read end whose write end is closed at once
  spawn.descriptors = {{nothing.read.get(), 0}, {out.write.get(), 1}, {err.write.get(), 2}};
  if (!program) {
    spawn.descriptors.emplace_back(requests.read.get(), 9);
    spawn.descriptors.emplace_back(status.write.get(), 8);
  }
  process_->pid = nursery_.start(spawn);
  process_->program = program;
  for (core::Fd* fd : {&out.read, &err.read, &status.read, &requests.write})
    core::set_nonblocking(fd->get());
  process_->requests = std::move(requests.write);
  process_->status = std::move(status.read);
  process_->out = std::move(out.read);
  process_->err = std::move(err.read);
}

void ShellSurface::stop() {
  if (!process_) return;
  process_->requests.close();
  (void)nursery_.end(process_->pid);
  process_.reset();
}

void ShellSurface::take_output() {
  std::array<char, 65536> block;
  const auto drain = [&](core::Fd& fd, auto&& take) {
    // A bounded share each time: a program that prints without end must not starve the clock.
    for (int turn = 0; fd.open() && turn < 16; ++turn) {
      const ssize_t n = ::read(fd.get(), block.data(), block.size());
      if (n == 0) fd.close();
      if (n <= 0) return;
      take(std::string_view(block.data(), static_cast<std::size_t>(n)));
    }
  };
  Process& p = *process_;
  drain(p.status, [&](std::string_view bytes) { p.code += bytes.substr(0, 16); });
  drain(p.out, [&](std::string_view bytes) { p.printed.add(bytes); });
  drain(p.err, [&](std::string_view bytes) { p.complained.add(bytes); });
}

bool ShellSurface::pump(std::int64_t deadline, const WorldServer::Handler& handler) {
  Process& p = *process_;
  for (;;) {
    core::check_stop();
    const std::int64_t left = deadline - core::now_ms();
    if (left <= 0) return false;
    std::vector<pollfd> waiting;
    for (const core::Fd* fd : {&p.status, &p.out, &p.err})
      waiting.push_back({fd->get(), POLLIN, 0});
    waiting.push_back({core::stop_fd(), POLLIN, 0});
    const std::size_t first = waiting.size();
    server_->add_to(waiting);
    // A program that ends keeps no pipe to tell of it when its children hold them open.
    const std::int64_t nap = p.program || !p.status.open() ? 20 : 1000;
    if (::poll(waiting.data(), waiting.size(), static_cast<int>(std::min(left, nap))) < 0 &&
        errno != EINTR) {
      throw core::system_error("sandbox", "wait for", errno);
    }
    server_->serve(waiting, first, handler);
    take_output();
    if (p.exhausted) return true;
    if (!p.program && p.code.find('\n') != std::string::npos) return true;
    if ((p.program || !p.status.open()) && nursery_.ended(p.pid)) return true;
  }
}

void ShellSurface::finish(Observation& seen, StepRecord& record) {
  take_output();  // what was in the pipes when the step ended
  Process& p = *process_;
  seen.out = p.printed.text();
  seen.error = p.complained.text();
  seen.truncated = p.printed.truncated() || p.complained.truncated();
  record.out = seen.out;
  record.out_bytes = p.printed.bytes();
  record.out_sha256 = p.printed.sha256();
  const auto limit = static_cast<std::size_t>(task_.limits.output_bytes);
  p.printed = CappedOutput(limit);
  p.complained = CappedOutput(limit);
  p.code.clear();
}

// False when the shell does not take the line in time.
bool ShellSurface::send(std::string_view line, std::int64_t deadline) {
  const std::string message = std::string(line) + '\0';
  for (std::size_t at = 0; at < message.size();) {
    const ssize_t n = ::write(process_->requests.get(), message.data() + at, message.size() - at);
    if (n > 0) at += static_cast<std::size_t>(n);
    if (n < 0 && errno == EPIPE) return true;  // it has ended: pump() will see that
    if (n < 0 && errno != EAGAIN && errno != EINTR) return false;
    if (n < 0 && core::now_ms() >= deadline) return false;
    pollfd waiting{process_->requests.get(), POLLOUT, 0};
    if (n < 0) ::poll(&waiting, 1, 50);
  }
  return true;
}

void ShellSurface::run(Episode& episode, std::string_view line, Observation& seen,
                       StepRecord& record) {
  const std::int64_t begin = core::now_ms();
  if (line.find('\0') != std::string_view::npos) {
    seen.exit = 2;
    seen.error = "a command has no NUL";
    return;
  }
  if (reset_) stop();
  if (!process_) start({});
  const std::int64_t deadline = std::min(begin + task_.limits.step_timeout_ms, trial_deadline_);
  const bool sent = send(line, deadline);
  const auto handler = [&](const std::vector<std::string>& words) {
    if (words[0] != kDone) return episode.apply(join(words));
    episode.answer_with(words.size() > 1 ? words[1] : "");
    return Observation{};
  };
  const bool ended = sent && pump(deadline, handler);
  if (!ended) {
    // The tree goes first: nothing may write between the verdict and the end.
    seen.exit = 124;
    finish(seen, record);
    stop();
    episode.stop("timeout");
  } else if (process_->code.empty()) {
    const auto status = nursery_.ended(process_->pid);
    seen.exit = status ? core::shell_status(*status) : 1;
    finish(seen, record);
    stop();  // `exit`: the next step gets a new shell, in the same work folder
  } else {
    seen.exit = static_cast<int>(
        core::parse_i64(process_->code.substr(0, process_->code.find('\n'))).value_or(1));
    finish(seen, record);
  }
  record.ms = core::now_ms() - begin;
}

std::string ShellSurface::run_program(Episode& episode, std::vector<std::string> argv) {
  start(std::move(argv));
  const auto handler = [&](const std::vector<std::string>& words) {
    if (words[0] == kDone) {
      if (!episode.done() && episode.steps_left() > 0) {
        (void)episode.step("done " + (words.size() > 1 ? words[1] : ""));
      }
      return Observation{};
    }
    if (episode.done() || episode.steps_left() <= 0) {
      process_->exhausted = true;
      return Observation{1, "", "no step is left", false};
    }
    return episode.step(join(words));
  };
  const bool ended = pump(trial_deadline_, handler);
  int status = 0;
  if (ended) status = nursery_.ended(process_->pid).value_or(0);
  stop();
  if (!ended) return "timeout";
  if (!episode.done() && episode.steps_left() <= 0) return "limit";
  return episode.done() || core::shell_status(status) == 0 ? "done" : "crash";
}

}  // namespace stateutils::bench
