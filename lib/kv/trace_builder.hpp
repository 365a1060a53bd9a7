// Collects raw records of any format, checks them and makes a Trace.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"
#include "kv/trace.hpp"

namespace stateutils::kv {

// Ids as they stand in the file; count 1 for a lone id.
struct RawRun {
  std::uint64_t first = 0, count = 1;
};

// One record as read; views live until add() returns. Times in ns.
struct RawRecord {
  std::uint64_t line = 0;
  std::optional<std::string_view> id, session, agent, tool, model, stop, tenant, steps;
  std::optional<std::int64_t> t, gap, api, slo_ttft, slo_tpot;
  std::optional<std::uint32_t> turn;
  std::optional<bool> last;
  std::optional<double> prio;
  std::uint64_t in = 0, out = 0;
  std::optional<std::uint64_t> block;
  std::optional<std::string_view> scope;
  bool has_blocks = false;
  bool opaque_ids = false;  // any 64 bits, no successor: not bound to 2^63
  std::vector<RawRun> runs;
  std::vector<std::string_view> parents;
  void clear();
};

struct TraceOptions {
  std::string from = "auto";
  bool sort = false, lenient = false;
  std::optional<std::string> scope;            // --scope global|session
  std::optional<std::uint64_t> block;          // --block N
  std::string prefix = "none";                 // --prefix none|session
  std::optional<std::string> session_arrival;  // fixed:30 | poisson:RATE
  std::uint64_t seed = 0;
  std::uint64_t limit = 0;  // the first N records; 0 = all
  std::uint64_t max_line = 64ull << 20;
};

class TraceBuilder {
 public:
  TraceBuilder(std::string file, TraceOptions options);
  ~TraceBuilder();
  TraceBuilder(const TraceBuilder&) = delete;
  TraceBuilder& operator=(const TraceBuilder&) = delete;

  void add(const RawRecord& record);
  [[nodiscard]] bool full() const;  // the limit is reached
  void drop() { ++dropped_; }
  void skip_line() { ++skipped_lines_; }
  [[nodiscard]] const TraceOptions& options() const { return options_; }
  [[nodiscard]] Trace finish(const std::string& format);

 private:
  struct State;
  [[noreturn]] void fail(std::uint64_t line, const std::string& message) const;
  void add_names(const RawRecord& record);
  void define(std::uint64_t line, std::uint32_t request, std::string_view text);
  void add_chain(const RawRecord& record);
  void take_rules(const RawRecord& record);
  void check_count(const RawRecord& record);
  void link_parents(Trace& trace);
  void arrange(Trace& trace);

  std::string file_;
  TraceOptions options_;
  std::uint64_t dropped_ = 0, skipped_lines_ = 0;
  std::unique_ptr<State> state_;
};

// "fixed:30" or "poisson:RATE": the start of each of `sessions` sessions in ns.
[[nodiscard]] std::vector<std::int64_t> session_starts(const std::string& text,
                                                       std::uint32_t sessions, std::uint64_t seed);
// Seconds to ns, rounded; kUsage-free: empty when negative, not finite or past 292 years.
[[nodiscard]] std::optional<std::int64_t> nanoseconds(double seconds);

}  // namespace stateutils::kv
