// The middle part of the normal quantile, included by one file per instruction set. Fused
// multiply-adds are written out, so that every set rounds the same; the last steps of both
// polynomials carry their rounding errors along.
#pragma once

#include <cmath>
#include <cstddef>

namespace stateutils::qmc {
namespace {

struct Pair {
  double high, low;
};

// a + r (high + low), the error of the product and of the sum kept.
inline Pair horner(double a, double r, Pair p) {
  const double product = r * p.high;
  const double product_error = __builtin_fma(r, p.high, -product);
  const double sum = a + product;
  const double back = sum - a;
  const double sum_error = (a - (sum - back)) + (product - back);
  return {sum, sum_error + __builtin_fma(r, p.low, product_error)};
}

inline double middle(double u) {
  const double q = u - 0.5;
  const double r = __builtin_fma(-q, q, 0.180625);
  double a = 2509.0809287301226727;
  a = __builtin_fma(a, r, 33430.575583588128105);
  a = __builtin_fma(a, r, 67265.770927008700853);
  double b = 5226.495278852545925;
  b = __builtin_fma(b, r, 28729.085735721942674);
  b = __builtin_fma(b, r, 39307.89580009271061);
  Pair top{a, 0}, bottom{b, 0};
  top = horner(45921.953931549871457, r, top);
  bottom = horner(21213.794301586595867, r, bottom);
  top = horner(13731.693765509461125, r, top);
  bottom = horner(5394.1960214247511077, r, bottom);
  top = horner(1971.5909503065514427, r, top);
  bottom = horner(687.1870074920579083, r, bottom);
  top = horner(133.14166789178437745, r, top);
  bottom = horner(42.313330701600911252, r, bottom);
  top = horner(3.387132872796366608, r, top);
  bottom = horner(1.0, r, bottom);
  // q (top / bottom), with the remainder of the division and the low parts to first order.
  const double ratio = top.high / bottom.high;
  const double rest = __builtin_fma(-ratio, bottom.high, top.high);
  const double ratio_low = (rest + top.low - ratio * bottom.low) / bottom.high;
  return __builtin_fma(q, ratio, q * ratio_low);
}

void middle_loop(const double* __restrict u, std::size_t count, double* __restrict out) {
  for (std::size_t i = 0; i < count; ++i) out[i] = middle(u[i]);
}

}  // namespace
}  // namespace stateutils::qmc
