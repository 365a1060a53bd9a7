// One operation of an access log, in the terms of the audit, whatever format it came in.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace stateutils::sbus {

enum class Op : std::uint8_t { kCreate, kGet, kCommit, kRollback, kSession, kRegister, kExpire };
[[nodiscard]] std::string_view op_name(Op op);
[[nodiscard]] std::optional<Op> op_by_name(std::string_view name);

struct ReadItem {
  std::string_view key;
  std::int64_t version = 0;
};

// Text lives as long as the line it was read from.
struct OpRecord {
  Op op = Op::kGet;
  int status = 200;
  std::optional<std::int64_t> ts;          // completion, ns
  std::optional<std::int64_t> start, end;  // request interval, ns
  std::string_view agent, key, error;
  std::optional<std::int64_t> version;   // absent on success: inferred from the writes so far
  std::optional<std::int64_t> expected;  // of a commit; absent: inferred from the delivery log
  std::vector<ReadItem> read_set;
  bool whole_read_set = false;  // read_set is the effective one: the delivery log adds nothing
  std::vector<std::string_view> keys;  // of register
  std::uint64_t line = 0;
  std::uint32_t file = 0;

  [[nodiscard]] bool succeeded() const {
    return (status >= 200 && status < 300) || (status == 304 && op == Op::kGet);
  }
};

}  // namespace stateutils::sbus
