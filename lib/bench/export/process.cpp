#include "bench/export/process.hpp"

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>

#include "core/error.hpp"
#include "core/signals.hpp"

namespace stateutils::bench {
namespace {

constexpr std::int64_t kPatienceMs = 60'000;

}  // namespace

int run_to_end(core::Nursery& nursery, const core::Spawn& spawn, const std::string& what) {
  const pid_t child = nursery.start(spawn);
  const std::int64_t deadline = core::now_ms() + kPatienceMs;
  std::optional<int> status;
  while (!(status = nursery.ended(child)) && core::now_ms() < deadline) {
    core::check_stop();
    ::poll(nullptr, 0, 1);
  }
  (void)nursery.end(child);
  if (!status) throw core::environment_error(what + ": takes more than a minute");
  return core::shell_status(*status);
}

ScratchFolder::ScratchFolder() {
  const char* place = std::getenv("TMPDIR");
  path_ = std::string(place != nullptr && *place != 0 ? place : "/tmp") + "/gen-bench.XXXXXX";
  if (::mkdtemp(path_.data()) == nullptr) throw core::system_error(path_, "create", errno);
}

ScratchFolder::~ScratchFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::vector<std::string> git_environment(const std::string& home) {
  const char* path = std::getenv("PATH");
  return {"PATH=" + std::string(path != nullptr ? path : "/usr/local/bin:/usr/bin:/bin"),
          "HOME=" + home, "LANG=C.UTF-8", "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null"};
}

}  // namespace stateutils::bench
