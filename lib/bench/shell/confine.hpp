// What a child gives up between fork and exec. System calls only.
#pragma once

#include <string>
#include <vector>

#include "core/subprocess.hpp"

namespace stateutils::bench {

struct Confinement {
  bool drop_rights = false;  // root becomes nobody
  bool no_new_privileges = false;
  int landlock = -1;              // a ruleset, or -1
  std::uint64_t processes = 256;  // beyond those that the user has already
  std::uint64_t memory = 4ull << 30, file = 256ull << 20, open_files = 256, cpu_seconds = 600;
  [[nodiscard]] bool apply() const;
};

// Processes of the user that the child will be, for its limit.
[[nodiscard]] std::uint64_t processes_of(unsigned uid);

// A Landlock ruleset: reading below `readable`, anything below `writable`, nothing elsewhere. An
// empty core::Fd where the kernel has none.
[[nodiscard]] core::Fd landlock_rules(const std::vector<std::string>& readable,
                                      const std::vector<std::string>& writable);

inline constexpr unsigned kNobody = 65534;

}  // namespace stateutils::bench
