// Advisory locks for cron: flock on an open file, freed by the kernel on any death.
#pragma once

#include <string>

namespace stateutils::core {

class FileLock {
 public:
  // Takes flock(LOCK_EX|LOCK_NB) on `path`, made when missing; busy is kEnvironment, one line.
  explicit FileLock(const std::string& path);
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;
  ~FileLock();

 private:
  int fd_ = -1;
};

}  // namespace stateutils::core
