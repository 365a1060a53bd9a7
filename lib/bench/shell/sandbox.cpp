#include "bench/shell/sandbox.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <memory>

#include "bench/shell/confine.hpp"
#include "core/error.hpp"
#include "core/input.hpp"
#include "core/output.hpp"
#include "core/signals.hpp"

namespace stateutils::bench {
namespace {

namespace fs = std::filesystem;

constexpr const char* kInside = "/run/gb";
constexpr const char* kInnerWork = "/work";
constexpr const char* kProgram = "world-exec";

void make_folder(const std::string& path, mode_t mode) {
  if (::mkdir(path.c_str(), mode) != 0) throw core::system_error(path, "create", errno);
  ::chmod(path.c_str(), mode);  // whatever the umask says
}

void copy_program(const std::string& from, const std::string& to) {
  const auto source = core::open_raw_input(from);
  const core::Fd out(::open(to.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755));
  if (!out.open()) throw core::system_error(to, "create", errno);
  std::string block(core::kBlockBytes, '\0');
  while (const std::size_t n = source->read(block.data(), block.size())) {
    core::write_fully(out.get(), block.data(), n, to);
  }
  ::fchmod(out.get(), 0755);
}

std::vector<std::string> environment(const SandboxHost::Room& room) {
  return {"PATH=" + room.inner_bin + ":/usr/local/bin:/usr/bin:/bin",
          "HOME=" + room.inner_work,
          "TMPDIR=" + room.inner_work,
          "LANG=C.UTF-8",
          "TERM=dumb",
          "GEN_BENCH_SOCKET=" + room.inner_socket};
}

}  // namespace

const char* sandbox_name(SandboxKind kind) {
  return kind == SandboxKind::kBwrap ? "bwrap" : kind == SandboxKind::kRlimit ? "rlimit" : "none";
}

SandboxHost::SandboxHost(SandboxOptions options, core::Nursery& nursery)
    : options_(std::move(options)), nursery_(nursery) {
  const char* place = std::getenv("TMPDIR");
  std::string path =
      std::string(place != nullptr && *place != 0 ? place : "/tmp") + "/gen-bench.XXXXXX";
  if (::mkdtemp(path.data()) == nullptr) throw core::system_error(path, "create", errno);
  folder_ = path;
  ::chmod(folder_.c_str(), 0711);
  // Root of a user namespace may have nobody to give a folder to.
  drop_rights_ = ::geteuid() == 0 && ::chown(folder_.c_str(), kNobody, kNobody) == 0;
  if (drop_rights_ && ::chown(folder_.c_str(), 0, 0) != 0) drop_rights_ = false;
  try {
    copy_program("/proc/self/exe", folder_ + "/" + kProgram);
    if (options_.kind == SandboxKind::kBwrap) {
      // Some systems give user namespaces to root alone.
      if (!probe(drop_rights_) && !(drop_rights_ && probe(drop_rights_ = false))) {
        throw core::environment_error(
            "bubblewrap (bwrap) is not installed or may not make namespaces here; --sandbox "
            "rlimit isolates less and marks every trial weak_isolation");
      }
    } else {
      ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);  // agents of the same user may not read our memory
    }
  } catch (...) {
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
    throw;
  }
}

SandboxHost::~SandboxHost() {
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
}

bool SandboxHost::probe(bool as_nobody) {
  const bool before = std::exchange(drop_rights_, as_nobody);
  const Room room = make_room({});
  bool works = false;
  try {
    core::Spawn attempt = spawn(room, {"true"});
    const core::Fd nowhere(::open("/dev/null", O_WRONLY | O_CLOEXEC));
    attempt.descriptors = {{nowhere.get(), 2}};  // why it fails is told once, by us
    const pid_t child = nursery_.start(attempt);
    const std::int64_t deadline = core::now_ms() + 5000;
    while (!works && core::now_ms() < deadline) {
      core::check_stop();
      if (const auto status = nursery_.ended(child)) {
        works = core::shell_status(*status) == 0;
        break;
      }
      ::poll(nullptr, 0, 2);
    }
    (void)nursery_.end(child);
  } catch (const core::Error&) {
    works = false;  // no such program
  }
  drop_room(room);
  drop_rights_ = before;
  return works;
}

void SandboxHost::own(const std::string& path) const {
  if (drop_rights_ && ::chown(path.c_str(), kNobody, kNobody) != 0) {
    throw core::system_error(path, "give away", errno);
  }
}

SandboxHost::Room SandboxHost::make_room(const std::vector<std::string>& commands) {
  Room room;
  room.folder = folder_ + "/" + std::to_string(rooms_++);
  room.work = room.folder + "/work";
  room.bin = room.folder + "/bin";
  room.socket = room.folder + "/socket";
  const bool inside = options_.kind == SandboxKind::kBwrap;
  room.inner_work = inside ? kInnerWork : room.work;
  room.inner_bin = inside ? std::string(kInside) + "/bin" : room.bin;
  room.inner_socket = inside ? std::string(kInside) + "/socket" : room.socket;
  make_folder(room.folder, 0711);
  make_folder(room.work, 0700);
  make_folder(room.bin, 0755);
  const std::string program =
      inside ? std::string(kInside) + "/" + kProgram : folder_ + "/" + kProgram;
  for (const std::string& name : commands) {
    const std::string link = room.bin + "/" + name;
    if (::symlink(program.c_str(), link.c_str()) != 0 && errno != EEXIST) {
      throw core::system_error(link, "create", errno);
    }
  }
  own(room.work);
  return room;
}

void SandboxHost::drop_room(const Room& room) {
  // An agent may have left folders without permissions; root and owners can open them again.
  std::error_code ignored;
  for (fs::recursive_directory_iterator at(room.work, ignored), end; at != end && !ignored;
       at.increment(ignored)) {
    if (at->is_directory(ignored) && !at->is_symlink(ignored)) {
      fs::permissions(at->path(), fs::perms::owner_all, fs::perm_options::add, ignored);
    }
  }
  fs::remove_all(room.folder, ignored);
}

std::string SandboxHost::admit(const Room& room, const std::string& file) const {
  std::string name = fs::path(file).filename().string();
  const std::string copy = room.bin + "/" + name;
  copy_program(file, copy);
  return room.inner_bin + "/" + name;
}

std::vector<std::string> SandboxHost::bwrap_line(const Room& room) const {
  std::vector<std::string> line = {
      "bwrap",      "--unshare-all", "--unshare-user", "--new-session", "--die-with-parent",
      "--cap-drop", "ALL",           "--hostname",     "sandbox",       "--uid",
      "1000",       "--gid",         "1000",           "--clearenv",    "--ro-bind",
      "/usr",       "/usr"};
  const auto add = [&](std::initializer_list<std::string> words) {
    line.insert(line.end(), words.begin(), words.end());
  };
  if (options_.network) add({"--share-net"});
  for (const char* path : {"/bin", "/sbin", "/lib", "/lib32", "/lib64"}) {
    std::error_code ignored;
    if (fs::is_symlink(path, ignored)) {
      add({"--symlink", fs::read_symlink(path, ignored).string(), path});
    } else if (fs::exists(path, ignored)) {
      add({"--ro-bind", path, path});
    }
  }
  std::vector<std::string> settings = {"/etc/alternatives", "/etc/ld.so.cache", "/etc/ld.so.conf",
                                       "/etc/ld.so.conf.d", "/etc/localtime"};
  if (options_.network) {
    settings.insert(settings.end(),
                    {"/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf", "/etc/ssl"});
  }
  for (const std::string& path : settings) add({"--ro-bind-try", path, path});
  add({"--proc", "/proc", "--dev", "/dev", "--size", "67108864", "--tmpfs", "/tmp"});
  add({"--bind", room.work, kInnerWork, "--ro-bind", room.bin, room.inner_bin});
  add({"--ro-bind", folder_ + "/" + kProgram, std::string(kInside) + "/" + kProgram});
  add({"--ro-bind-try", room.socket, room.inner_socket});
  for (const std::string& path : options_.show) add({"--ro-bind", path, path});
  for (const std::string& setting : environment(room)) {
    const std::size_t equals = setting.find('=');
    add({"--setenv", setting.substr(0, equals), setting.substr(equals + 1)});
  }
  add({"--remount-ro", "/", "--chdir", kInnerWork});
  return line;
}

core::Spawn SandboxHost::spawn(const Room& room, std::vector<std::string> argv) const {
  core::Spawn out;
  Confinement confinement;
  confinement.drop_rights = drop_rights_ && options_.kind != SandboxKind::kUnconfined;
  confinement.processes += processes_of(confinement.drop_rights ? kNobody : ::geteuid());
  // Kept open by the function below until the child has started.
  auto rules = std::make_shared<core::Fd>();
  if (options_.kind == SandboxKind::kBwrap) {
    out.argv = bwrap_line(room);
    // Its own environment could be read in /proc/1 of the sandbox.
    out.environment = {"PATH=/usr/local/bin:/usr/bin:/bin"};
    out.argv.insert(out.argv.end(), argv.begin(), argv.end());
  } else {
    out.argv = std::move(argv);
    out.folder = room.work;
    out.environment = environment(room);
    confinement.no_new_privileges = options_.kind == SandboxKind::kRlimit;
    if (confinement.no_new_privileges) {
      std::vector<std::string> readable = {"/usr", "/bin",   "/sbin",  "/lib",
                                           "/etc", "/lib64", room.bin, folder_ + "/" + kProgram};
      readable.insert(readable.end(), options_.show.begin(), options_.show.end());
      *rules = landlock_rules(readable, {room.work, "/dev"});
    }
  }
  out.confine = [confinement, rules]() mutable {
    confinement.landlock = rules->get();
    return confinement.apply();
  };
  return out;
}

}  // namespace stateutils::bench
