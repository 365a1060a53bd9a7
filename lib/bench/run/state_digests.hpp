// What a step's state_sha256 is.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "bench/world/state.hpp"
#include "core/hash.hpp"

namespace stateutils::bench {

// SHA-256 over the sorted digests of the entries that differ from the base: canonical
// ["TABLE",{row}] for rows of the state, ["TABLE",{"key":K},null] for base rows that are gone. Rows
// and states are hashed once as long as their ids mean the same.
class StateDigests {
 public:
  using Hex = std::array<char, 64>;
  // States are asked about from here on that live in `store` and differ from `base`.
  void follow(const Store& store, Id base);
  // Valid until the next question.
  [[nodiscard]] std::string_view of(Id state);

 private:
  struct KnownRow {
    Id table = kNone;
    core::Sha256Digest digest{};
  };
  void forget();
  void step_to(Id state);
  void replace(const Change& change);
  // Of the entry that a row (kNone: none) makes where the base has `base_row`; empty where both are
  // the same.
  [[nodiscard]] const core::Sha256Digest* entry(Id table, Id key, Id row, Id base_row);
  [[nodiscard]] const core::Sha256Digest& row_digest(Id table, Id row);

  const Store* store_ = nullptr;
  std::uint64_t epoch_ = 0;
  Id base_ = kNone, at_ = kNone;            // at_: the state whose entries are at hand
  std::vector<core::Sha256Digest> sorted_;  // of its entries
  std::vector<KnownRow> rows_;              // by id
  std::vector<std::uint32_t> places_;       // by state: 1 + its place in hexes_
  std::vector<Hex> hexes_;
  std::vector<Change> changes_;
  core::Sha256Digest gone_{};
  std::string text_;
};

}  // namespace stateutils::bench
