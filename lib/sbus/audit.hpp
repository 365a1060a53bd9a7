// The audit in log order: one pass over operations, memory independent of the log's length.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "sbus/op_record.hpp"

namespace stateutils::sbus {

struct AuditOptions {
  std::int64_t ttl_ns = 3600ll * 1'000'000'000;
  bool refresh_own_writes = true;         // a commit delivers its own new version to its agent
  std::size_t window = 16;                // writes remembered per key for witnesses; 0 = all
  std::uint64_t max_report = UINT64_MAX;  // violations for the sink; all are counted
};

enum class ViolationKind : std::uint8_t { kWw, kXs };

// A record of the log that proves something; without `line` it is inferred or out of reach.
struct WitnessRecord {
  std::optional<std::uint64_t> line;
  std::uint32_t file = 0;
  Op op = Op::kGet;
  std::optional<std::string_view> agent;
  std::string_view key;
  std::int64_t version = 0;
};

struct Violation {
  ViolationKind kind = ViolationKind::kWw;
  std::string_view agent, key;
  std::string_view stale_key;  // xs
  std::int64_t read_version = 0, current_version = 0;
  bool definite = true;
  bool inferred = false;  // versions were counted, not reported
  std::uint64_t line = 0;
  std::uint32_t file = 0;
  WitnessRecord read, overwrite, commit;
};

struct AuditSummary {
  std::uint64_t ops = 0, agents = 0, shards = 0, commits = 0, rejected = 0, ww = 0, xs_commits = 0,
                xs_pairs = 0, dup_versions = 0, version_gaps = 0, stale_get = 0, spurious_409 = 0,
                view_checked = 0, view_divergent = 0, blind_writes = 0;
};

// Names in a Violation live as long as the auditor.
using ViolationSink = std::function<void(const Violation&)>;

class Auditor {
 public:
  Auditor(const AuditOptions& options, ViolationSink sink);
  ~Auditor();

  // Applies one operation; true when it was an accepted commit that breaks isolation.
  bool apply(const OpRecord& record);
  [[nodiscard]] AuditSummary summary() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace stateutils::sbus
