// Formulas as directed acyclic graphs: parsed once, constants folded, equal parts shared,
// run over blocks of points as a list of vector operations.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "qmc/formula_kernels.hpp"

namespace stateutils::qmc {

class Formula {
 public:
  // kUsage naming the place of what is not understood.
  Formula(std::string_view text, std::size_t d);

  // Values at `rows` points of d coordinates, row by row; the same bits on every instruction set.
  void evaluate(const double* x, std::size_t rows, double* y) const;
  [[nodiscard]] std::size_t size() const { return nodes_.size(); }

 private:
  friend class FormulaParser;
  using Op = FormulaOp;
  struct Node {
    Op op;
    std::uint32_t a, b;  // operands; of a variable, its column
    double value;        // of a constant
  };
  struct Step {
    Op op;
    std::uint32_t a, b, out;  // columns of values; of a variable, a is that of the point
    double value;             // of a constant
  };

  std::uint32_t add(Op op, std::uint32_t a, std::uint32_t b, double value = 0);
  std::optional<std::uint32_t> power(std::uint32_t base, std::uint32_t exponent);
  [[nodiscard]] bool constant(std::uint32_t node, double value) const;
  void drop_unused();
  void compile();

  std::size_t d_;
  std::vector<Node> nodes_;  // operands before users
  std::uint32_t result_ = 0;
  std::map<std::tuple<Op, std::uint32_t, std::uint32_t, std::uint64_t>, std::uint32_t> known_;
  std::vector<double> kept_;  // constants in the first columns
  std::vector<Step> steps_;   // the last one makes the result
  std::size_t columns_ = 0;   // of values, while a block of points is evaluated
};

}  // namespace stateutils::qmc
