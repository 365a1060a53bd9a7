#include "core/subprocess.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>

#include "core/error.hpp"
#include "core/signals.hpp"
#include "core/units.hpp"

extern char** environ;

namespace stateutils::core {
namespace {

constexpr std::int64_t kReapMs = 10'000;

// Parent of each process of the machine, from /proc/PID/stat: "pid (name) state ppid ...", where a
// name may hold anything.
std::map<pid_t, pid_t> parents() {
  std::map<pid_t, pid_t> out;
  DIR* folder = ::opendir("/proc");
  if (folder == nullptr) return out;
  while (const dirent* entry = ::readdir(folder)) {
    const auto pid = parse_i64(entry->d_name);
    if (!pid) continue;
    char text[512];
    const Fd fd(
        ::open(("/proc/" + std::string(entry->d_name) + "/stat").c_str(), O_RDONLY | O_CLOEXEC));
    const ssize_t size = fd.open() ? ::read(fd.get(), text, sizeof text) : 0;
    if (size <= 0) continue;
    const std::string_view stat(text, static_cast<std::size_t>(size));
    const std::size_t name_end = stat.rfind(") ");
    if (name_end == std::string_view::npos || name_end + 4 >= stat.size()) continue;
    const std::string_view rest = stat.substr(name_end + 4);
    const auto parent = parse_i64(rest.substr(0, rest.find(' ')));
    if (parent) out[static_cast<pid_t>(*pid)] = static_cast<pid_t>(*parent);
  }
  ::closedir(folder);
  return out;
}

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (const std::string& text : texts) out.push_back(const_cast<char*>(text.c_str()));
  out.push_back(nullptr);
  return out;
}

// Runs in the child; writes errno to `report` when the program does not start.
[[noreturn]] void become(const Spawn& spawn, char* const* argv, char* const* environment,
                         int report) {
  ::setsid();
  reset_signals_in_child();
  bool ready = spawn.folder.empty() || ::chdir(spawn.folder.c_str()) == 0;
  // A target may be the source of a later pair: move all out of the way first.
  int moved[16];
  const std::size_t n = std::min<std::size_t>(spawn.descriptors.size(), 16);
  for (std::size_t i = 0; i < n; ++i) {
    moved[i] = ::fcntl(spawn.descriptors[i].first, F_DUPFD_CLOEXEC, 64);
    ready = ready && moved[i] >= 0;
  }
  const int kept_report = ::fcntl(report, F_DUPFD_CLOEXEC, 64);
  for (std::size_t i = 0; ready && i < n; ++i) {
    ready = ::dup2(moved[i], spawn.descriptors[i].second) >= 0;
  }
  if (ready && (!spawn.confine || spawn.confine())) {
    environ = const_cast<char**>(environment);
    ::execvp(argv[0], argv);
  }
  const int code = errno;
  (void)!::write(kept_report, &code, sizeof code);
  ::_exit(127);
}

}  // namespace

Fd& Fd::operator=(Fd&& other) noexcept {
  if (this != &other) {
    close();
    fd_ = std::exchange(other.fd_, -1);
  }
  return *this;
}

void Fd::close() {
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

Pipe::Pipe() {
  int fds[2];
  if (::pipe2(fds, O_CLOEXEC) != 0) throw system_error("pipe", "open", errno);
  read = Fd(fds[0]);
  write = Fd(fds[1]);
}

void set_nonblocking(int fd) {
  ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
}

std::int64_t now_ms() {
  timespec t{};
  ::clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<std::int64_t>(t.tv_sec) * 1000 + t.tv_nsec / 1'000'000;
}

int shell_status(int wait_status) {
  return WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : 128 + WTERMSIG(wait_status);
}

Nursery::Nursery() {
  ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
}

Nursery::~Nursery() {
  while (!children_.empty()) (void)end(*children_.begin());
}

pid_t Nursery::start(const Spawn& spawn) {
  const std::vector<char*> argv = pointers(spawn.argv);
  const std::vector<char*> environment =
      spawn.environment ? pointers(*spawn.environment) : std::vector<char*>();
  Pipe report;
  const pid_t child = ::fork();
  if (child < 0) throw system_error(spawn.argv.front(), "start", errno);
  if (child == 0) {
    become(spawn, argv.data(), environment.empty() ? environ : environment.data(),
           report.write.get());
  }
  report.write.close();
  children_.insert(child);
  int code = 0;
  ssize_t size = 0;
  while ((size = ::read(report.read.get(), &code, sizeof code)) < 0 && errno == EINTR) {
  }
  if (size == sizeof code) {
    (void)end(child);
    throw system_error(spawn.argv.front(), "start", code);
  }
  return child;
}

// The child, what is below it, and orphans that came back to us: nobody else's.
std::vector<pid_t> Nursery::strays(pid_t child) const {
  const std::map<pid_t, pid_t> parent = parents();
  const pid_t self = ::getpid();
  const auto belongs = [&](pid_t pid) {
    for (std::size_t hops = 0; hops < parent.size(); ++hops) {
      if (pid == child) return true;
      if (children_.contains(pid)) return false;
      const auto up = parent.find(pid);
      if (up == parent.end()) return false;
      if (up->second == self) return true;
      pid = up->second;
    }
    return false;
  };
  std::vector<pid_t> out;
  for (const auto& [pid, up] : parent) {
    if (belongs(pid)) out.push_back(pid);
  }
  return out;
}

int Nursery::end(pid_t child) {
  const std::int64_t deadline = now_ms() + kReapMs;
  (void)ended(child);
  // Stopped processes make no more children; then the list is complete and can be killed.
  for (std::set<pid_t> stopped; now_ms() < deadline;) {
    bool more = false;
    for (const pid_t pid : strays(child)) {
      if (stopped.insert(pid).second) more = ::kill(pid, SIGSTOP) == 0 || more;
    }
    if (!more) break;
  }
  for (;;) {
    std::vector<pid_t> left = strays(child);
    for (const pid_t pid : left) ::kill(pid, SIGKILL);
    for (const pid_t pid : left) {
      int status = 0;
      if (::waitpid(pid, &status, WNOHANG) == pid && pid == child) {
        statuses_.emplace_back(child, status);
      }
    }
    if (left.empty() || now_ms() > deadline) break;
    const timespec pause{0, 500'000};
    ::nanosleep(&pause, nullptr);
  }
  int status = 0;
  for (const auto& [pid, known] : statuses_) {
    if (pid == child) status = known;
  }
  std::erase_if(statuses_, [&](const auto& s) { return s.first == child; });
  children_.erase(child);
  return status;
}

std::optional<int> Nursery::ended(pid_t child) {
  for (const auto& [pid, status] : statuses_) {
    if (pid == child) return status;
  }
  int status = 0;
  if (::waitpid(child, &status, WNOHANG) != child) return std::nullopt;
  statuses_.emplace_back(child, status);
  return status;
}

}  // namespace stateutils::core
