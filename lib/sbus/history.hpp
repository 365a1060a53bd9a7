// Histories of operations on shared state: what was called when, and what came back.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sbus/value.hpp"

namespace stateutils::sbus {

enum class Status : std::uint8_t { kOk, kFail, kInfo };

// A call and its completion. Positions are line numbers or nanoseconds, only their order counts.
struct Call {
  static constexpr std::int64_t kNever = INT64_MAX;
  std::string process;
  std::string f;
  Value argument;  // of the invocation
  Value result;    // of the completion
  Value key;       // of operations on one key
  Status status = Status::kInfo;
  std::int64_t start = 0, end = kNever;
  std::uint64_t line = 0;
};

// Jepsen operations (EDN maps, one after the other or in one list; or a JSON array or JSON lines of
// the same), paired by process. A completion without its invocation is taken as instantaneous.
[[nodiscard]] std::vector<Call> calls_from_edn(std::string_view text, const std::string& file);
[[nodiscard]] std::vector<Call> calls_from_json(std::string_view text, const std::string& file);
// "INFO jepsen.util - PROCESS :invoke|:ok|:fail|:info :f VALUE", tab separated.
[[nodiscard]] std::vector<Call> calls_from_log(std::string_view text, const std::string& file);

}  // namespace stateutils::sbus
