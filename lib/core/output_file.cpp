#include "core/output_file.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>

#include "core/error.hpp"
#include "core/signals.hpp"
#include "core/units.hpp"

namespace stateutils::core {
namespace {

constexpr std::size_t kMaxName = 255;

struct Split {
  std::string folder, name;
};

// Folder and last component; a symbolic link is followed, so that the link itself survives.
Split split_path(const std::string& path) {
  std::string target = path;
  std::error_code failed;
  if (std::filesystem::is_symlink(path, failed)) {
    const auto resolved = std::filesystem::weakly_canonical(path, failed);
    if (!failed) target = resolved.string();
  }
  while (target.size() > 1 && target.ends_with('/')) target.pop_back();
  const auto slash = target.rfind('/');
  Split split = slash == std::string::npos
                    ? Split{".", target}
                    : Split{slash == 0 ? "/" : target.substr(0, slash), target.substr(slash + 1)};
  if (split.name.empty() || split.name == "." || split.name == "..") {
    throw environment_error(path + ": not a file name to write to");
  }
  return split;
}

std::string temporary_stem(const std::string& name, std::size_t suffix) {
  const std::size_t room = kMaxName - suffix - 1;
  return '.' + name.substr(0, std::min(name.size(), room)) + ".tmp.";
}

std::string temporary_name(const std::string& name) {
  const std::string pid = std::to_string(::getpid());
  return temporary_stem(name, pid.size() + 5) + pid;
}

// Whether the process that wrote under this number is gone. A number comes again: ours on another
// writer's leftover means that the other is dead, and a zombie nobody waits for writes no more.
bool writer_is_gone(pid_t pid) {
  if (pid == ::getpid()) return true;
  if (::kill(pid, 0) != 0) return errno == ESRCH;
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const auto name_end = text.rfind(") ");  // "pid (name) state ..."; the name may hold anything
  return name_end != std::string::npos && text.compare(name_end + 2, 1, "Z") == 0;
}

// A writer holds a lock on its temporary. In another container its number says nothing here, but
// the lock does; where the file system has no locks, the number decides alone.
bool is_held(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) return false;
  const bool held = ::flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
  ::close(fd);
  return held;
}

// Names that writers of NAME left behind.
std::vector<std::string> stale_names(const std::string& folder, const std::string& name) {
  std::vector<std::string> stale;
  DIR* listing = ::opendir(folder.c_str());
  if (listing == nullptr) return stale;
  while (const dirent* entry = ::readdir(listing)) {
    const std::string_view found = entry->d_name;
    const auto dot = found.rfind('.');
    if (dot == std::string_view::npos) continue;
    const auto pid = parse_u64(found.substr(dot + 1));
    if (!pid || *pid == 0 || *pid > 0x7fffffff) continue;
    const std::string expected =
        temporary_stem(name, found.size() - dot - 1 + 5) + std::string(found.substr(dot + 1));
    if (found != expected) continue;
    if (!writer_is_gone(static_cast<pid_t>(*pid))) continue;
    if (!is_held(folder + '/' + expected)) stale.push_back(expected);
  }
  ::closedir(listing);
  return stale;
}

int open_retrying(const std::string& path, int flags, mode_t mode) {
  while (true) {
    const int fd = ::open(path.c_str(), flags | O_CLOEXEC, mode);
    if (fd >= 0 || errno != EINTR) return fd;
    check_stop();
  }
}

template <class Call>
void retrying(const std::string& path, const char* action, Call&& call) {
  while (call() != 0) {
    if (errno != EINTR) throw system_error(path, action, errno);
    check_stop();
  }
}

void sync_folder(const std::string& folder) {
  const int fd = open_retrying(folder, O_RDONLY | O_DIRECTORY, 0);
  if (fd < 0) throw system_error(folder, "open", errno);
  int result = ::fsync(fd);
  while (result != 0 && errno == EINTR) result = ::fsync(fd);
  const int code = errno;
  ::close(fd);
  // Some file systems cannot sync a folder; they say EINVAL.
  if (result != 0 && code != EINVAL) throw system_error(folder, "sync", code);
}

}  // namespace

OutputFile::OutputFile(const std::string& path, OutputFileOptions options)
    : path_(path), options_(options) {
  struct stat found {};
  const bool exists = ::stat(path.c_str(), &found) == 0;
  if (exists && S_ISDIR(found.st_mode)) throw environment_error(path + ": is a directory");
  if (exists && !options_.replace) throw environment_error(path + ": already exists");
  if (exists && !S_ISREG(found.st_mode)) {
    direct_ = true;
    fd_ = open_retrying(path, O_WRONLY, 0);
    if (fd_ < 0) throw system_error(path, "open", errno);
    return;
  }
  const Split split = split_path(path);
  folder_ = split.folder;
  path_ = folder_ + '/' + split.name;
  for (const std::string& stale : stale_names(folder_, split.name)) {
    ::unlink((folder_ + '/' + stale).c_str());
  }
  temporary_ = folder_ + '/' + temporary_name(split.name);
  if (split.name.size() > kMaxName) throw system_error(path, "create", ENAMETOOLONG);
  fd_ = open_retrying(temporary_, O_RDWR | O_CREAT | O_EXCL, 0666);
  if (fd_ < 0) {
    const int code = errno;
    temporary_.clear();
    throw system_error(path, "create", code);
  }
  (void)::flock(fd_, LOCK_EX | LOCK_NB);  // see is_held; refused by some file systems
  if (exists) (void)::fchmod(fd_, found.st_mode & 07777);
}

OutputFile::~OutputFile() {
  discard();
  if (fd_ >= 0) ::close(fd_);
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

void OutputFile::deliver(const char* data, std::size_t size) {
  write_fully(fd_, data, size, path_);
}

void OutputFile::write_at(std::uint64_t offset, const void* data, std::size_t size) {
  flush();
  pwrite_fully(fd_, static_cast<const char*>(data), size, offset, path_);
}

void OutputFile::close_checked() {
  const int fd = fd_;
  fd_ = -1;  // Linux frees the descriptor whatever close returns; never close it twice
  if (::close(fd) != 0 && errno != EINTR) throw system_error(path_, "close", errno);
}

void OutputFile::prepare() {
  flush();
  if (options_.sync && !direct_) {
    retrying(path_, "sync", [this] { return ::fdatasync(fd_); });
  }
  close_checked();
}

void OutputFile::publish() {
  if (direct_) return;
  check_stop();
  retrying(path_, "rename", [this] { return std::rename(temporary_.c_str(), path_.c_str()); });
  temporary_.clear();
  if (options_.sync) sync_folder(folder_);
}

void OutputFile::commit() {
  prepare();
  publish();
}

void commit_together(std::vector<std::unique_ptr<OutputFile>>& files) {
  for (auto& file : files) file->prepare();
  for (std::size_t i = files.size(); i-- > 0;) files[i]->publish();
}

namespace {

// With one descriptor at a time, however deep the tree is: a writer that failed for want of
// descriptors has no more.
void remove_tree(const std::string& path) {
  std::error_code failed;
  std::vector<std::filesystem::path> entries;
  if (std::filesystem::is_directory(std::filesystem::symlink_status(path, failed))) {
    for (std::filesystem::directory_iterator i(path, failed), end; !failed && i != end;
         i.increment(failed)) {
      entries.push_back(i->path());
    }
  }
  for (const auto& entry : entries) remove_tree(entry);
  std::filesystem::remove(path, failed);
}

}  // namespace

OutputFolder::OutputFolder(const std::string& path, OutputFileOptions options) : options_(options) {
  const Split split = split_path(path);
  path_ = split.folder + '/' + split.name;
  std::error_code failed;
  if (!options_.replace && std::filesystem::exists(path_, failed) &&
      !(std::filesystem::is_directory(path_, failed) && std::filesystem::is_empty(path_, failed))) {
    throw environment_error(path + ": already exists");
  }
  for (const std::string& stale : stale_names(split.folder, split.name)) {
    remove_tree(split.folder + '/' + stale);
  }
  spare_ = open_retrying(split.folder, O_RDONLY | O_DIRECTORY, 0);
  if (spare_ < 0) throw system_error(path, "create", errno);
  temporary_ = split.folder + '/' + temporary_name(split.name);
  if (::mkdir(temporary_.c_str(), 0777) != 0) {
    const int code = errno;
    ::close(spare_);
    throw system_error(path, "create", code);
  }
}

OutputFolder::~OutputFolder() {
  ::close(spare_);
  if (!done_ && !temporary_.empty()) remove_tree(temporary_);
}

void OutputFolder::commit() {
  check_stop();
  if (options_.sync) sync_folder(temporary_);
  // A folder cannot be renamed over a full one: exchange the two names, then drop the old one.
  if (std::rename(temporary_.c_str(), path_.c_str()) != 0) {
    if (errno != ENOTEMPTY && errno != EEXIST && errno != ENOTDIR) {
      throw system_error(path_, "rename", errno);
    }
    retrying(path_, "replace", [this] {
      return ::renameat2(AT_FDCWD, temporary_.c_str(), AT_FDCWD, path_.c_str(), RENAME_EXCHANGE);
    });
    remove_tree(temporary_);
  }
  done_ = true;
  if (options_.sync) sync_folder(path_.substr(0, path_.rfind('/') + 1));
}

bool same_file(const std::string& a, const std::string& b) {
  struct stat first {
  }, second{};
  return ::stat(a.c_str(), &first) == 0 && ::stat(b.c_str(), &second) == 0 &&
         first.st_dev == second.st_dev && first.st_ino == second.st_ino;
}

}  // namespace stateutils::core
