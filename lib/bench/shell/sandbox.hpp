// Where an agent's commands run: a bubblewrap sandbox, or weaker means when asked.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "core/subprocess.hpp"

namespace stateutils::bench {

// bwrap: own namespaces, read-only system, nothing of the user's files, no network. rlimit: one
// user's rights cut down (no new privileges, Landlock where the kernel has it, resource limits).
// none: limits only.
enum class SandboxKind { kBwrap, kRlimit, kUnconfined };

struct SandboxOptions {
  SandboxKind kind = SandboxKind::kBwrap;
  bool network = false;
  std::vector<std::string> show;  // further host paths, read-only
};
[[nodiscard]] const char* sandbox_name(SandboxKind kind);

// The host side of a run's sandboxes: a private folder with the program that plays the verbs. As
// root, agents get the rights of nobody, so that process limits hold.
class SandboxHost {
 public:
  // kEnvironment when the kind asked for does not work here.
  SandboxHost(SandboxOptions options, core::Nursery& nursery);
  ~SandboxHost();
  SandboxHost(const SandboxHost&) = delete;
  SandboxHost& operator=(const SandboxHost&) = delete;

  // A fresh room for one trial: a work folder for the agent and links for the commands.
  struct Room {
    std::string folder;  // on this side
    std::string work, bin, socket;
    std::string inner_work, inner_bin, inner_socket;  // as the agent sees them
  };
  [[nodiscard]] Room make_room(const std::vector<std::string>& commands);
  void drop_room(const Room& room);
  // How to start `argv` in the room; descriptors beyond 0, 1, 2 are passed on as they are.
  [[nodiscard]] core::Spawn spawn(const Room& room, std::vector<std::string> argv) const;
  // Makes one file readable in there and returns its name inside.
  [[nodiscard]] std::string admit(const Room& room, const std::string& file) const;

  [[nodiscard]] const SandboxOptions& options() const { return options_; }

 private:
  [[nodiscard]] std::vector<std::string> bwrap_line(const Room& room) const;
  [[nodiscard]] bool probe(bool as_nobody);
  void own(const std::string& path) const;

  SandboxOptions options_;
  core::Nursery& nursery_;
  std::string folder_;
  bool drop_rights_ = false;
  std::uint64_t rooms_ = 0;
};

}  // namespace stateutils::bench
