#include "bench/shell/confine.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/units.hpp"

#if __has_include(<linux/landlock.h>)
#include <linux/landlock.h>
#endif

namespace stateutils::bench {
namespace {

bool limit(__rlimit_resource_t what, std::uint64_t most) {
  rlimit now{};
  if (::getrlimit(what, &now) != 0) return false;
  const rlim_t value = now.rlim_max != RLIM_INFINITY && now.rlim_max < most
                           ? now.rlim_max
                           : static_cast<rlim_t>(most);
  const rlimit wanted{value, value};
  return ::setrlimit(what, &wanted) == 0;
}

}  // namespace

bool Confinement::apply() const {
  ::prctl(PR_SET_PDEATHSIG, 9, 0, 0, 0);
  bool ok = limit(RLIMIT_CPU, cpu_seconds) && limit(RLIMIT_AS, memory) &&
            limit(RLIMIT_FSIZE, file) && limit(RLIMIT_NOFILE, open_files) &&
            limit(RLIMIT_NPROC, processes) && limit(RLIMIT_CORE, 0);
  if (drop_rights) {
    ok = ok && ::setgroups(0, nullptr) == 0 && ::setresgid(kNobody, kNobody, kNobody) == 0 &&
         ::setresuid(kNobody, kNobody, kNobody) == 0;
    ::prctl(PR_SET_PDEATHSIG, 9, 0, 0, 0);  // changing the user clears it
  }
  if (no_new_privileges || landlock >= 0) ok = ok && ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
#ifdef SYS_landlock_restrict_self
  if (landlock >= 0) ok = ok && ::syscall(SYS_landlock_restrict_self, landlock, 0) == 0;
#endif
  return ok;
}

std::uint64_t processes_of(unsigned uid) {
  DIR* folder = ::opendir("/proc");
  if (folder == nullptr) return 0;
  std::uint64_t n = 0;
  while (const dirent* entry = ::readdir(folder)) {
    if (!core::parse_i64(entry->d_name)) continue;
    struct stat info {};
    const std::string path = "/proc/" + std::string(entry->d_name) + "/task";
    if (::stat(path.c_str(), &info) == 0 && info.st_uid == uid) {
      n += info.st_nlink > 2 ? info.st_nlink - 2 : 1;  // one folder per thread
    }
  }
  ::closedir(folder);
  return n;
}

#if defined(SYS_landlock_create_ruleset) && __has_include(<linux/landlock.h>)
core::Fd landlock_rules(const std::vector<std::string>& readable,
                        const std::vector<std::string>& writable) {
  constexpr std::uint64_t kRead =
      LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
  constexpr std::uint64_t kFile =
      LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE;
  constexpr std::uint64_t kAll =
      kRead | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR |
      LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_DIR |
      LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO |
      LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM;
  landlock_ruleset_attr attributes{};
  attributes.handled_access_fs = kAll;
  const core::Fd made(static_cast<int>(
      ::syscall(SYS_landlock_create_ruleset, &attributes, sizeof attributes.handled_access_fs, 0)));
  if (!made.open()) return {};
  // Above the low numbers, where the child puts descriptors of its own.
  constexpr int kFirstFree = 64;
  core::Fd rules(::fcntl(made.get(), F_DUPFD_CLOEXEC, kFirstFree));
  if (!rules.open()) return rules;
  const auto allow = [&](const std::string& path, std::uint64_t access) {
    const core::Fd place(::open(path.c_str(), O_PATH | O_CLOEXEC));
    struct stat info {};
    if (!place.open() || ::fstat(place.get(), &info) != 0) return;
    landlock_path_beneath_attr rule{};
    rule.allowed_access = S_ISDIR(info.st_mode) ? access : access & kFile;
    rule.parent_fd = place.get();
    ::syscall(SYS_landlock_add_rule, rules.get(), LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
  };
  for (const std::string& path : readable) allow(path, kRead);
  for (const std::string& path : writable) allow(path, kAll);
  return rules;
}
#else
core::Fd landlock_rules(const std::vector<std::string>&, const std::vector<std::string>&) {
  return {};
}
#endif

}  // namespace stateutils::bench
