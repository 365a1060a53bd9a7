#include "qmc/elementary.hpp"

#include "qmc/formula_kernels.hpp"

namespace stateutils::qmc {
namespace {

double value_of(FormulaOp op, double x, double y = 0) {
  double out = 0;
  formula_kernels(core::active_isa())[op](&x, &y, 1, &out);
  return out;
}

}  // namespace

double own_exp(double x) {
  return value_of(FormulaOp::kExp, x);
}

// After Kahan: what rounding did to y = exp(x), ln y undoes.
double own_expm1(double x) {
  const double y = own_exp(x);
  if (y == 1) return x;
  if (y - 1 == -1) return -1;
  return (y - 1) * x / own_log(y);
}

double own_log(double x) {
  return value_of(FormulaOp::kLog, x);
}

// Likewise, y = 1 + x.
double own_log1p(double x) {
  const double y = 1 + x;
  return y == 1 ? x : own_log(y) * x / (y - 1);
}

double own_sin(double x) {
  return value_of(FormulaOp::kSin, x);
}
double own_cos(double x) {
  return value_of(FormulaOp::kCos, x);
}
double own_sinh(double x) {
  return value_of(FormulaOp::kSinh, x);
}
double own_pow(double x, double y) {
  return value_of(FormulaOp::kPower, x, y);
}

}  // namespace stateutils::qmc
