// Access logs of any form as a sequence of operations.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "core/error.hpp"
#include "core/input.hpp"
#include "sbus/mapping.hpp"
#include "sbus/op_record.hpp"

namespace stateutils::sbus {

enum class LogFormat : std::uint8_t { kAuto, kJsonl, kClf, kHar, kMcp, kWal };
[[nodiscard]] LogFormat log_format_by_name(std::string_view name);

struct OpSourceOptions {
  LogFormat format = LogFormat::kAuto;
  bool tail = false;
  bool skip_bad = false;             // count malformed records instead of throwing
  const Mapping* mapping = nullptr;  // --map; clf and mcp need one
  std::function<void()> on_idle;
};

class OpSource {
 public:
  OpSource() = default;
  OpSource(const OpSource&) = delete;
  OpSource& operator=(const OpSource&) = delete;
  virtual ~OpSource() = default;

  // The next operation; its text lives until the next call. Malformed input is kInput.
  virtual bool next(OpRecord& out) = 0;
  [[nodiscard]] virtual std::uint64_t bytes_read() const = 0;
  [[nodiscard]] std::uint64_t skipped() const { return skipped_; }
  [[nodiscard]] std::uint64_t unmatched() const { return unmatched_; }

 protected:
  std::uint64_t skipped_ = 0;    // malformed, with skip_bad
  std::uint64_t unmatched_ = 0;  // no rule is for them
};

// Opens a log; kAuto looks at its first bytes. `format` returns what it was.
[[nodiscard]] std::unique_ptr<OpSource> open_log(core::ByteSource& source,
                                                 const OpSourceOptions& options,
                                                 LogFormat* format = nullptr);

// The single forms, for open_log().
[[nodiscard]] std::unique_ptr<OpSource> clf_source(std::unique_ptr<core::ByteSource> source,
                                                   const OpSourceOptions& options);
[[nodiscard]] std::unique_ptr<OpSource> har_source(std::unique_ptr<core::ByteSource> source,
                                                   const OpSourceOptions& options);
[[nodiscard]] std::unique_ptr<OpSource> mcp_source(std::unique_ptr<core::ByteSource> source,
                                                   const OpSourceOptions& options);

}  // namespace stateutils::sbus
