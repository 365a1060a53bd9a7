// Arguments of a C function, drawn from ranges, and programs that come as answers.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bench/families/contracts/mini_c.hpp"
#include "bench/world/json.hpp"
#include "core/error.hpp"
#include "core/rng.hpp"

namespace stateutils::bench {

inline constexpr std::uint64_t kMaxCallSteps = 50'000;  // of a candidate on one input

// One parameter and what it is drawn from.
struct InputRange {
  std::string name, length;  // length: the parameter that says how many cells; empty: a number
  std::int64_t low = 0, high = 0;
  bool sorted = false;
};
// "n=1..8 a[n]=-9..9<"; nothing when it is malformed.
[[nodiscard]] std::optional<std::vector<InputRange>> parse_ranges(std::string_view text);

struct FunctionInput {
  std::vector<std::int64_t> numbers;              // of every parameter; arrays have none
  std::vector<std::vector<std::int64_t>> arrays;  // of every parameter; numbers have none
};

class FunctionInputs {
 public:
  FunctionInputs() = default;
  // kInput when the ranges are malformed or not of these parameters.
  FunctionInputs(std::string_view ranges, std::vector<mini_c::Parameter> parameters);

  enum class Edge : std::uint8_t { kFree, kLow, kHigh };  // of the ranges of numbers
  [[nodiscard]] FunctionInput draw(core::Rng& rng, Edge edge) const;
  // Views into `input`, whose arrays a call may change.
  [[nodiscard]] std::vector<mini_c::Argument> arguments(FunctionInput& input) const;
  [[nodiscard]] const std::vector<mini_c::Parameter>& parameters() const { return parameters_; }

 private:
  std::vector<InputRange> ranges_;
  std::vector<mini_c::Parameter> parameters_;
};

// What is wrong with a record's function.
[[nodiscard]] core::Error function_error(const std::string& what);
// The program, or function_error() with `what` in front.
[[nodiscard]] mini_c::Program must_compile(const std::string& what, const std::string& source);
// The answer's program, when it is a text that compiles and has a function of this form.
[[nodiscard]] std::optional<mini_c::Program> program_of_answer(std::string_view answer,
                                                               const mini_c::Function& wanted);
// The check that a record's function asks for; what is wrong with it is wrong with the record.
template <class Check, class Spec>
[[nodiscard]] std::shared_ptr<const Check> function_check(const Cursor& function, Spec spec) {
  try {
    return std::make_shared<const Check>(std::move(spec));
  } catch (const core::Error& e) {
    throw function.error(e.what());
  }
}
// "NAME_1f3a": a slug that no text of the past has, put in its place in the source.
[[nodiscard]] std::string rename_function(std::string_view slug, std::string& source,
                                          core::Rng& rng);

}  // namespace stateutils::bench
