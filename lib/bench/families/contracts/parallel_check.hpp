// A C function made parallel by OpenMP directives against the serial one: the same results, no
// race, and how long the slowest thread takes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bench/families/contracts/function_inputs.hpp"
#include "bench/judge/family_check.hpp"

namespace stateutils::bench {

// What a record says about its function.
struct ParallelSpec {
  std::string name, inputs, serial, solution;
  std::uint64_t seed = 0;  // of the inputs
};

// The program without its directives.
[[nodiscard]] std::string without_directives(const std::string& source);

class ParallelCheck : public FamilyCheck {
 public:
  // An answer may take this much more time than the solution.
  static constexpr double kSlack = 1.25;

  // kInput when the spec does not compile or its solution is not right.
  explicit ParallelCheck(ParallelSpec spec);

  [[nodiscard]] std::string_view name() const override { return "parallel"; }
  // 0 when it does not compile, differs from the serial function or races; else the time allowed
  // over the time taken, at most 1.
  [[nodiscard]] double quality(const Store& store, Id state,
                               std::string_view answer) const override;
  [[nodiscard]] bool is_right(const Store& store, Id state, std::string_view answer) const override;
  [[nodiscard]] std::vector<std::vector<std::string>> plans() const override;
  [[nodiscard]] std::vector<WrongAnswer> wrong_answers() const override;

 private:
  // An input, what the serial function makes of it, and the solution's time.
  struct Sample {
    FunctionInput before, after;
    std::int64_t result = 0;
    std::uint64_t time = 0;
  };
  [[nodiscard]] std::vector<Sample> draw(std::uint64_t stream, std::size_t count) const;
  // Time allowed over time taken on all samples; nothing when some end is wrong.
  [[nodiscard]] std::optional<double> speed(const mini_c::Program& program,
                                            const std::vector<Sample>& samples) const;

  ParallelSpec spec_;
  mini_c::Program serial_, solution_;
  FunctionInputs drawing_;
  std::vector<Sample> samples_;
};

}  // namespace stateutils::bench
