// A contract says which final states and answers are right: clauses that must hold, and a frame
// that denies every change nobody asked for.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "bench/judge/family_check.hpp"
#include "bench/world/state.hpp"

namespace stateutils::bench {

enum class CountOp : std::uint8_t { kEq, kGe, kLe };

struct Clause {
  std::string id;
  double weight = 1;
  Id table = 0;
  Id key = kNone;  // rows of this key only
  Fields match;    // equalities
  CountOp op = CountOp::kGe;
  std::int64_t count = 1;
};

enum class AnswerType : std::uint8_t { kEnum, kInteger, kNumber, kText, kSet, kList, kJson };
struct Answer {
  AnswerType type = AnswerType::kText;
  std::string value;  // canonical JSON
  double tolerance = 0;
};

struct Allow {
  Id table = 0;
  ChangeKind op = ChangeKind::kInsert;
  Id key = kNone;
  std::optional<std::vector<Id>> fields;  // the only ones an update may change
  Fields match;
  std::int64_t max = 1;
};

// One way to be right: the contract itself, or one of its alternatives.
struct Option {
  std::vector<Clause> require;
  std::optional<Answer> answer;
  std::vector<Allow> allow;
  bool deny = true;                          // frame.default
  std::shared_ptr<const FamilyCheck> check;  // of some families; counts like an answer
};

struct Contract {
  std::vector<Option> options;  // at least one; any may hold
};

// Unknown keys and ops are kInput.
[[nodiscard]] Contract read_contract(const Cursor& json, Store& store);

// Whether an answer (canonical JSON, empty = none given) is the one asked for.
[[nodiscard]] bool answer_holds(const Answer& wanted, std::string_view given);

}  // namespace stateutils::bench
