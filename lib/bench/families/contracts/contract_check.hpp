// A C function against its contract: drawn inputs, the function run on them, the verdict of `post`.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "bench/families/contracts/function_inputs.hpp"
#include "bench/judge/family_check.hpp"

namespace stateutils::bench {

// What a record says about its function.
struct ContractSpec {
  std::string name, prototype, inputs, pre, post;  // whole functions of C
  std::string solution;
  std::uint64_t seed = 0;  // of the inputs
  bool several = false;    // results other than the solution's may be right
};

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
  using Input = FunctionInput;
  using Edge = FunctionInputs::Edge;
  [[nodiscard]] bool fulfils(Input& input) const;
  [[nodiscard]] std::vector<Input> draw(std::uint64_t stream, std::size_t count) const;
  // Whether `post` holds after the function ran; `after` is the input it left behind.
  [[nodiscard]] bool holds(const mini_c::Program& program, const Input& input, Input& after,
                           mini_c::Outcome& outcome) const;

  ContractSpec spec_;
  mini_c::Program contract_, solution_;
  FunctionInputs drawing_;
  std::vector<Input> inputs_;
};

// Every operator mutant of a function's text that compiles.
[[nodiscard]] std::vector<FamilyCheck::WrongAnswer> mutate_function(const std::string& source);

}  // namespace stateutils::bench
