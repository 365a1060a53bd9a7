#include "core/log.hpp"

#include <unistd.h>

#include <array>

namespace stateutils::core {

void Log::line(LogLevel level, std::string_view text) const {
  constexpr std::array<std::string_view, 4> kNames{"error", "warning", "note", "debug"};
  if (level > level_) return;
  std::string out = prefix_;
  // An error line is "tool subcommand: place: what"; the other levels name themselves.
  if (level != LogLevel::kError) out.append(": ").append(kNames[static_cast<std::size_t>(level)]);
  out.append(": ").append(text).append("\n");
  if (sink_ != nullptr) {
    *sink_ += out;
    return;
  }
  // One write a line, so that lines of several processes do not mix. Nobody is left to hear about
  // a stderr that fails.
  [[maybe_unused]] const ssize_t ignored = ::write(STDERR_FILENO, out.data(), out.size());
}

}  // namespace stateutils::core
