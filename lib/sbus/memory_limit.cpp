#include "sbus/memory_limit.hpp"

#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <string>

namespace stateutils::sbus {
namespace {

// A number from a one-line file; `otherwise` when the file is absent or says "max".
std::uint64_t number_in(const std::string& path, std::uint64_t otherwise) {
  std::ifstream file(path);
  std::uint64_t value = 0;
  return file >> value ? value : otherwise;
}

// The least memory.max of this process's cgroup (version 2) and those above it.
std::uint64_t cgroup_limit(std::uint64_t most) {
  std::ifstream file("/proc/self/cgroup");
  std::string line;
  std::uint64_t limit = number_in("/sys/fs/cgroup/memory/memory.limit_in_bytes", most);
  while (std::getline(file, line)) {
    if (!line.starts_with("0::/")) continue;
    std::string group = line.substr(3);
    while (true) {
      limit = std::min(limit, number_in("/sys/fs/cgroup" + group + "/memory.max", most));
      const std::size_t slash = group.rfind('/');
      if (slash == std::string::npos) break;
      group.resize(slash);
    }
  }
  return std::min(limit, most);
}

}  // namespace

std::uint64_t default_memory_limit() {
  const long pages = ::sysconf(_SC_PHYS_PAGES), page = ::sysconf(_SC_PAGESIZE);
  const std::uint64_t machine =
      pages > 0 && page > 0 ? static_cast<std::uint64_t>(pages) * static_cast<std::uint64_t>(page)
                            : std::uint64_t{1} << 32;
  return std::min<std::uint64_t>(8ull << 30, cgroup_limit(machine) / 10 * 8);
}

}  // namespace stateutils::sbus
