// A C function against its contract: drawn inputs, the function run on them, the verdict of `post`.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bench/families/contracts/mini_c.hpp"
#include "bench/judge/family_check.hpp"
#include "core/rng.hpp"

namespace stateutils::bench {

// What a record says about its function.
struct ContractSpec {
  std::string name, prototype, inputs, pre, post;  // whole functions of C
  std::string solution;
  std::uint64_t seed = 0;  // of the inputs
  bool several = false;    // results other than the solution's may be right
};

// One parameter and what it is drawn from.
struct InputRange {
  std::string name, length;  // length: the parameter that says how many cells; empty: a number
  std::int64_t low = 0, high = 0;
  bool sorted = false;
};
// "n=1..8 a[n]=-9..9<"; nothing when it is malformed.
[[nodiscard]] std::optional<std::vector<InputRange>> parse_ranges(std::string_view text);

class ContractCheck : public FamilyCheck {
 public:
  // kInput when the spec does not compile, or no input fulfils `pre`.
  explicit ContractCheck(ContractSpec spec);

  [[nodiscard]] std::string_view name() const override { return "post"; }
  [[nodiscard]] double quality(const Store& store, Id state,
                               std::string_view answer) const override;
  [[nodiscard]] bool is_right(const Store& store, Id state, std::string_view answer) const override;
  [[nodiscard]] std::vector<std::vector<std::string>> plans() const override;
  [[nodiscard]] std::vector<WrongAnswer> wrong_answers() const override;

 private:
  struct Input {
    std::vector<std::int64_t> numbers;              // of every parameter; arrays have none
    std::vector<std::vector<std::int64_t>> arrays;  // of every parameter; numbers have none
  };
  enum class Edge : std::uint8_t { kFree, kLow, kHigh };  // of the ranges of numbers
  [[nodiscard]] Input draw_one(core::Rng& rng, Edge edge) const;
  [[nodiscard]] bool fulfils(Input& input) const;
  [[nodiscard]] std::vector<Input> draw(std::uint64_t stream, std::size_t count) const;
  [[nodiscard]] std::optional<mini_c::Program> candidate(std::string_view answer) const;
  // Whether `post` holds after the function ran; `after` is the input it left behind.
  [[nodiscard]] bool holds(const mini_c::Program& program, const Input& input, Input& after,
                           mini_c::Outcome& outcome) const;

  ContractSpec spec_;
  std::vector<InputRange> ranges_;
  mini_c::Program contract_, solution_;
  std::vector<mini_c::Parameter> parameters_;
  std::vector<Input> inputs_;
};

// Every operator mutant of a function's text that compiles.
[[nodiscard]] std::vector<FamilyCheck::WrongAnswer> mutate_function(const std::string& source);

}  // namespace stateutils::bench
