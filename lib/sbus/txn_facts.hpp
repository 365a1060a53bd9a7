// What a history says for certain: who committed, who read from whom, which anomalies need no
// cycle, and in which order the values of a list were appended.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "sbus/dep_graph.hpp"
#include "sbus/txn_history.hpp"

namespace stateutils::sbus {

struct ExternalRead {
  std::uint32_t txn, key, writer;  // writer kInit: the initial state
};

struct TxnFacts {
  static constexpr std::uint32_t kInit = UINT32_MAX;

  std::vector<bool> committed;                       // ok, or info and observed
  std::vector<std::vector<std::uint32_t>> sessions;  // committed txns in session order
  std::vector<std::uint32_t> place;                  // position of a txn in its session
  std::vector<ExternalRead> reads;                   // by txn, in program order
  std::vector<std::vector<std::uint32_t>> writers;   // per key: committed txns
  std::vector<Dep> deps;                             // ww (lists), wr, rw (lists)
  std::map<std::string, std::uint64_t> anomalies;    // without cycles
};

// Refuses a (key, value) written twice (kInput) unless `allow_dup`, which drops the key.
[[nodiscard]] TxnFacts find_facts(const TxnHistory& history, bool allow_dup,
                                  const std::string& file);

}  // namespace stateutils::sbus
