// Formulas as directed acyclic graphs: parsed once, constants folded, equal parts shared,
// evaluated over blocks of points.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

namespace stateutils::qmc {

class Formula {
 public:
  // kUsage naming the place of what is not understood.
  Formula(std::string_view text, std::size_t d);

  // Values at `rows` points of d coordinates, row by row.
  void evaluate(const double* x, std::size_t rows, double* y) const;
  [[nodiscard]] std::size_t size() const { return nodes_.size(); }

 private:
  friend class FormulaParser;
  enum class Op : std::uint8_t {
    kConstant,
    kVariable,
    kAdd,
    kSubtract,
    kMultiply,
    kDivide,
    kPower,
    kNegate,
    kLess,
    kLessEqual,
    kGreater,
    kGreaterEqual,
    kEqual,
    kNotEqual,
    kMin,
    kMax,
    kAbs,
    kFloor,
    kSqrt,
    kExp,
    kLog,
    kSin,
    kCos,
    kTan,
    kAsin,
    kAcos,
    kAtan,
    kSinh,
    kCosh,
    kTanh
  };
  struct Node {
    Op op;
    std::uint32_t a, b;  // operands; of a variable, its column
    double value;        // of a constant
  };

  std::uint32_t add(Op op, std::uint32_t a, std::uint32_t b, double value = 0);
  [[nodiscard]] bool constant(std::uint32_t node, double value) const;
  static double apply(Op op, double a, double b);
  void drop_unused();

  std::size_t d_;
  std::vector<Node> nodes_;  // operands before users
  std::uint32_t result_ = 0;
  std::map<std::tuple<Op, std::uint32_t, std::uint32_t, std::uint64_t>, std::uint32_t> known_;
};

}  // namespace stateutils::qmc
