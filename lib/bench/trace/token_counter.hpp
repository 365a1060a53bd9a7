// A program that counts tokens: one JSON string a line in, one number a line out.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/subprocess.hpp"

namespace stateutils::bench {

class TokenCounter {
 public:
  // Starts `sh -c COMMAND`.
  explicit TokenCounter(std::string command);
  TokenCounter(const TokenCounter&) = delete;
  TokenCounter& operator=(const TokenCounter&) = delete;
  ~TokenCounter();
  // kEnvironment when the program ends, keeps silent for half a minute, or says no number.
  [[nodiscard]] std::uint64_t count(std::string_view text);

 private:
  void say(std::string_view line);
  [[nodiscard]] std::string hear();

  std::string command_, heard_;
  core::Nursery nursery_;
  pid_t child_ = -1;
  core::Fd in_, out_;
};

}  // namespace stateutils::bench
