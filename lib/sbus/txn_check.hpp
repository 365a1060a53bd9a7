// Isolation levels of transactional histories.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sbus/dep_graph.hpp"
#include "sbus/txn_history.hpp"

namespace stateutils::sbus {

enum class Level : std::uint8_t { kRc, kRa, kCc, kRyw, kMr, kMw, kWfr, kPc, kSi, kSer, kStrict };
[[nodiscard]] std::optional<Level> level_by_name(std::string_view name);
[[nodiscard]] std::string_view level_name(Level level);

struct TxnOptions {
  Level level = Level::kSer;
  bool sessions = false;           // si and ser keep the order of sessions
  bool sequential_keys = false;    // assume it of each register on its own
  bool linearizable_keys = false;  // likewise
  bool solve = true;               // search where the order of writes is open
  bool allow_dup = false;          // drop keys with a value written twice instead of refusing
  std::uint64_t budget = 1'000'000'000;
  std::size_t max_cycles = 8;
};

struct CycleStep {
  std::uint32_t txn = 0;  // position in the history
  DepKind kind = DepKind::kWw;
  std::string key;
  std::string why;
};
struct Cycle {
  std::string type;
  std::vector<CycleStep> steps;
};

struct TxnResult {
  Verdict verdict = Verdict::kValid;
  std::map<std::string, std::uint64_t> anomalies;
  std::vector<Cycle> cycles;
  std::vector<Level> holds, fails;  // settled by this run
};

[[nodiscard]] TxnResult check_txns(const TxnHistory& history, const TxnOptions& options,
                                   const std::string& file);

}  // namespace stateutils::sbus
