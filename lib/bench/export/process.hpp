// Programs that an export runs: a shell, git.
#pragma once

#include <string>
#include <vector>

#include "core/subprocess.hpp"

namespace stateutils::bench {

// Runs a child to its end, at most a minute (kEnvironment); its exit code as a shell shows it.
[[nodiscard]] int run_to_end(core::Nursery& nursery, const core::Spawn& spawn,
                             const std::string& what);

// A folder of its own that goes with its owner.
class ScratchFolder {
 public:
  ScratchFolder();
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  ~ScratchFolder();
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// Environment of a git that no configuration of this machine reaches.
[[nodiscard]] std::vector<std::string> git_environment(const std::string& home);

}  // namespace stateutils::bench
