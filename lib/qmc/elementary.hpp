// Elementary functions of single values: the same bits on every instruction set and with every C
// library, unlike those of <cmath>; see elementary_impl.hpp for their errors.
#pragma once

namespace stateutils::qmc {

[[nodiscard]] double own_exp(double x);
[[nodiscard]] double own_expm1(double x);
[[nodiscard]] double own_log(double x);
[[nodiscard]] double own_log1p(double x);
[[nodiscard]] double own_sin(double x);
[[nodiscard]] double own_cos(double x);
[[nodiscard]] double own_sinh(double x);
[[nodiscard]] double own_pow(double x, double y);

}  // namespace stateutils::qmc
