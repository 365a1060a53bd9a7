#include "core/usage.hpp"

#include <sys/resource.h>

#include <chrono>

namespace stateutils::core {
namespace {

double seconds(const timeval& t) {
  return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
}

}  // namespace

Usage process_usage() {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return {seconds(used.ru_utime) + seconds(used.ru_stime),
          std::chrono::duration<double>(now).count(),
          static_cast<std::uint64_t>(used.ru_maxrss) * 1024};
}

}  // namespace stateutils::core
