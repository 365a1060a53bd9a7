// What the subcommands share: reading task streams, headers, batches over threads.
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "bench/task/task.hpp"
#include "core/cli.hpp"
#include "core/io.hpp"
#include "core/jsonl.hpp"

namespace stateutils::tools {

// Options that every record-writing subcommand has.
struct StreamOptions {
  std::string output = "-";
  bool no_frame = false;
};
void stream_options(core::Command& cmd, StreamOptions& options);

// {"tool":..., "tool_version":..., "seed":..., ...} of a frame header.
void identify(core::JsonWriter& json, const core::Io& io, const std::string& slice,
              const std::string& options_text);

// --shared-base FILE of the commands that read tasks: what generate moved out of the records.
void shared_base_option(core::Command& cmd, std::string& path);
void add_shared_base(bench::Library& library, const std::string& path);

// The --json summary of a command that wrote its result to `output`. A bare --json adds nothing
// when that was stdout; --json=FILE always writes.
void summarize(const core::Io& io, const std::string& output,
               std::initializer_list<std::pair<const char*, std::uint64_t>> counts);

// The same for values that a library call has as a JSON object already.
void summarize_json(const core::Io& io, const std::string& output, const std::string& json);

// A file of `text`, whole or not at all.
void write_text(core::Io& io, const std::string& path, const std::string& text);

// A record as a cursor for the bench library; both are as short-lived as the record.
class RecordCursor {
 public:
  explicit RecordCursor(const core::Record& record);
  [[nodiscard]] const bench::Cursor& cursor() const { return cursor_; }

 private:
  bench::JsonSource source_;
  bench::Cursor cursor_;
};

// "k=v" options.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> parse_params(
    const std::vector<std::string>& params);

}  // namespace stateutils::tools
