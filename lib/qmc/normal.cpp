#include "qmc/normal.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "qmc/normal_impl.hpp"

namespace stateutils::qmc {
namespace {

// ln p without libm, in extended precision: p = m 2^e, ln m = 2 atanh((m - 1) / (m + 1)).
long double own_log(double p) {
  int e = 0;
  long double m = std::frexp(p, &e);  // [0.5, 1)
  if (m < 0.70710678118654752440L) {
    m *= 2;
    --e;
  }
  const long double s = (m - 1) / (m + 1), s2 = s * s;
  long double sum = 0;
  for (int k = 27; k >= 1; k -= 2) sum = sum * s2 + 1.0L / static_cast<long double>(k);
  return 2 * s * sum + static_cast<long double>(e) * 0.693147180559945309417232121458176568L;
}

template <std::size_t kCount>
long double polynomial(const long double (&c)[kCount], long double r) {
  long double value = c[kCount - 1];
  for (std::size_t k = kCount - 1; k-- > 0;) value = value * r + c[k];
  return value;
}

// AS 241, regions r <= 5 and r > 5 of r = sqrt(-ln min(u, 1 - u)).
double tail(double u) {
  static constexpr long double kC[] = {1.42343711074968357734e0L,  4.6303378461565452959e0L,
                                       5.7694972214606914055e0L,   3.64784832476320460504e0L,
                                       1.27045825245236838258e0L,  2.4178072517745061177e-1L,
                                       2.27238449892691845833e-2L, 7.7454501427834140764e-4L};
  static constexpr long double kD[] = {1.0L,
                                       2.05319162663775882187e0L,
                                       1.6763848301838038494e0L,
                                       6.8976733498510000455e-1L,
                                       1.4810397642748007459e-1L,
                                       1.51986665636164571966e-2L,
                                       5.475938084995344946e-4L,
                                       1.05075007164441684324e-9L};
  static constexpr long double kE[] = {6.6579046435011037772e0L,   5.4637849111641143699e0L,
                                       1.7848265399172913358e0L,   2.9656057182850489123e-1L,
                                       2.6532189526576123093e-2L,  1.2426609473880784386e-3L,
                                       2.71155556874348757815e-5L, 2.01033439929228813265e-7L};
  static constexpr long double kF[] = {1.0L,
                                       5.9983220655588793769e-1L,
                                       1.3692988092273580531e-1L,
                                       1.48753612908506148525e-2L,
                                       7.868691311456132591e-4L,
                                       1.8463183175100546818e-5L,
                                       1.4215117583164458887e-7L,
                                       2.04426310338993978564e-15L};
  const double p = u < 0.5 ? u : 1 - u;  // exact
  if (!(p > 0)) {
    const double infinite = std::numeric_limits<double>::infinity();
    return p == 0 ? (u < 0.5 ? -infinite : infinite) : std::numeric_limits<double>::quiet_NaN();
  }
  const long double r = std::sqrt(-own_log(p));
  const long double x = r <= 5 ? polynomial(kC, r - 1.6L) / polynomial(kD, r - 1.6L)
                               : polynomial(kE, r - 5) / polynomial(kF, r - 5);
  return static_cast<double>(u < 0.5 ? -x : x);
}

NormalMiddle kernel() {
#ifdef __x86_64__
  if (core::active_isa() == core::Isa::kAvx512) return normal_middle_avx512;
  if (core::active_isa() == core::Isa::kAvx2) return normal_middle_avx2;
#endif
  return normal_middle_scalar;
}

}  // namespace

void normal_middle_scalar(const double* u, std::size_t count, double* out) {
  middle_loop(u, count, out);
}

double normal_quantile(double u) {
  return std::abs(u - 0.5) <= 0.425 ? middle(u) : tail(u);
}

void normal_quantiles(double* u, std::size_t count) {
  constexpr std::size_t kPart = 1024;
  const NormalMiddle run = kernel();
  double made[kPart];
  for (std::size_t from = 0; from < count; from += kPart) {
    const std::size_t part = std::min(kPart, count - from);
    run(u + from, part, made);
    for (std::size_t i = 0; i < part; ++i) {
      const double v = u[from + i];
      u[from + i] = std::abs(v - 0.5) <= 0.425 ? made[i] : tail(v);
    }
  }
}

double normal_cdf(double x) {
  return 0.5 * std::erfc(-x * 0.70710678118654752440);
}

}  // namespace stateutils::qmc
