// The operations of formulas over columns of values, one set per instruction set; every set gives
// the same bits.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/isa.hpp"

namespace stateutils::qmc {

enum class FormulaOp : std::uint8_t {
  kConstant,
  kVariable,
  kAdd,
  kSubtract,
  kMultiply,
  kDivide,
  kPower,
  kLess,
  kLessEqual,
  kGreater,
  kGreaterEqual,
  kEqual,
  kNotEqual,
  kMin,
  kMax,
  kNegate,  // one operand from here on
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
inline constexpr std::size_t kFormulaOps = static_cast<std::size_t>(FormulaOp::kTanh) + 1;

[[nodiscard]] constexpr bool is_leaf(FormulaOp op) {
  return op <= FormulaOp::kVariable;
}
[[nodiscard]] constexpr bool is_unary(FormulaOp op) {
  return op >= FormulaOp::kNegate;
}

// out[k] = op(a[k], b[k]); `out` overlaps neither, `b` is not read by operations of one operand.
using FormulaKernel = void (*)(const double* a, const double* b, std::size_t count, double* out);

// out[k] = from[k stride]
using TakeKernel = void (*)(const double* from, std::size_t stride, std::size_t count, double* out);

struct FormulaKernels {
  FormulaKernel run[kFormulaOps];  // none for leaves
  TakeKernel take;
  [[nodiscard]] FormulaKernel operator[](FormulaOp op) const {
    return run[static_cast<std::size_t>(op)];
  }
};
[[nodiscard]] const FormulaKernels& formula_kernels(core::Isa isa);

extern const FormulaKernels kFormulaScalar, kFormulaAvx2, kFormulaAvx512;

}  // namespace stateutils::qmc
