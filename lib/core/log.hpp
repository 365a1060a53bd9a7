// Diagnostics on stderr: "tool: level: text", one line each.
#pragma once

#include <string>
#include <string_view>

namespace stateutils::core {

enum class LogLevel { kError = 0, kWarn = 1, kInfo = 2, kDebug = 3 };

class Log {
 public:
  Log() = default;
  Log(std::string prefix, LogLevel level) : prefix_(std::move(prefix)), level_(level) {}
  // Collects lines in memory instead of stderr, for tests.
  void capture(std::string* sink) { sink_ = sink; }

  void error(std::string_view text) const { line(LogLevel::kError, text); }
  void warn(std::string_view text) const { line(LogLevel::kWarn, text); }
  void info(std::string_view text) const { line(LogLevel::kInfo, text); }
  void debug(std::string_view text) const { line(LogLevel::kDebug, text); }
  [[nodiscard]] LogLevel level() const { return level_; }

 private:
  void line(LogLevel level, std::string_view text) const;

  std::string prefix_;
  LogLevel level_ = LogLevel::kInfo;
  std::string* sink_ = nullptr;
};

}  // namespace stateutils::core
