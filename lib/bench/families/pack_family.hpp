// Tasks from a pack's scenarios: twins that share instruction and slots, and the shortcuts that
// must fail on both.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "bench/pack/pack.hpp"
#include "bench/task/record.hpp"

namespace stateutils::bench {

struct PackOptions {
  std::string family;
  std::uint64_t seed = 0;
  std::string difficulty = "medium";
  std::optional<std::string> scenario, variant, branch;  // --param
};

// One draw: two twins (or one or two single tasks), and what is needed to solve the shortcuts.
struct Draw {
  std::vector<TaskRecord> tasks;
  std::optional<TaskRecord> clean, complete;
  bool twins = false;
};

class PackFamily {
 public:
  PackFamily(const Pack& pack, PackOptions options);
  // Pair j covers the indices 2j and 2j+1; `round` redraws a pair that was rejected. Without
  // `shortcuts` the branches that they are solved on are left out.
  [[nodiscard]] Draw draw(std::uint64_t pair, std::uint64_t round, bool shortcuts = true) const;
  // Pairs of one full schedule, in which each scenario comes as often as its count says.
  [[nodiscard]] std::uint64_t schedule_pairs() const { return schedule_.size(); }

 private:
  struct Place {
    std::size_t scenario;
    std::uint64_t turn;  // how many earlier places this scenario had
  };
  // Where a scenario's hole gets its value from: one of its ids, or one of its slots.
  struct Source {
    std::size_t hole, index;
    bool id;
  };
  using Values = std::vector<std::string>;  // by hole, JSON-escaped
  struct Overlay;
  [[nodiscard]] static std::vector<Source> find_sources(const Pack& pack, const Scenario& s);
  [[nodiscard]] Values draw_values(const Scenario& s, std::uint64_t pair, std::uint64_t round,
                                   std::size_t* instruction) const;
  [[nodiscard]] Overlay overlay(const Scenario& s, const Branch* branch, const Values& v) const;
  [[nodiscard]] std::string init_json(const Overlay& here) const;
  [[nodiscard]] static std::string contract_json(const Scenario& s, const Branch* branch,
                                                 const Values& v);
  [[nodiscard]] static std::string evidence_json(const Overlay& here, const Overlay& there);
  // `there`: what lies in the twin's first state, null where there is no twin.
  [[nodiscard]] TaskRecord record(const Scenario& s, const Branch* branch, const Overlay& here,
                                  const Overlay* there, const Values& v, std::size_t instruction,
                                  std::uint64_t index) const;

  const Pack& pack_;
  PackOptions options_;
  std::vector<Place> schedule_;
  std::vector<std::vector<Source>> sources_;  // by scenario
};

}  // namespace stateutils::bench
