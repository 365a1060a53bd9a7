#include "qmc/normal.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "qmc/normal_impl.hpp"

namespace stateutils::qmc {
namespace {

constexpr double kFar = 1.3887943864964021e-11;  // exp(-25)

// ln p without libm, in extended precision: p = m 2^e, ln m = 2 atanh((m - 1) / (m + 1)).
long double extended_log(double p) {
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

// AS 241, region r > 5 of r = sqrt(-ln p): one value in 10^10, or what is no probability.
double far_tail(double p) {
  static constexpr long double kE[] = {6.6579046435011037772e0L,   5.4637849111641143699e0L,
                                       1.7848265399172913358e0L,   2.96560571828504891230e-1L,
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
  if (!(p > 0)) {
    return p == 0 ? std::numeric_limits<double>::infinity()
                  : std::numeric_limits<double>::quiet_NaN();
  }
  const long double r = std::sqrt(-extended_log(p)) - 5;
  return static_cast<double>(polynomial(kE, r) / polynomial(kF, r));
}

// Negative outside the centre.
std::uint64_t room_bits(double u) {
  return std::bit_cast<std::uint64_t>(kCentreWidth - std::abs(u - 0.5));
}

const NormalKernels& kernels() {
#ifdef __x86_64__
  if (core::active_isa() == core::Isa::kAvx512) return kNormalAvx512;
  if (core::active_isa() == core::Isa::kAvx2) return kNormalAvx2;
#endif
  return kNormalScalar;
}

}  // namespace

const NormalKernels kNormalScalar = make_normal_kernels();

double normal_quantile(double u) {
  if (std::abs(u - 0.5) <= kCentreWidth) return central(u, stretched(u));
  const double p = std::min(u, 1 - u);  // exact
  const double x = p >= kFar ? tail(p) : far_tail(p);
  return u < 0.5 ? -x : x;
}

void normal_quantiles(double* u, std::size_t count) {
  constexpr std::size_t kLook = 8;  // values looked at together for one outside the centre
  const NormalKernels& run = kernels();
  constexpr std::size_t kLanes = 8;  // tails are filled up to whole vectors
  double p[kNormalPart + kLanes], x[kNormalPart + kLanes];
  std::uint32_t place[kNormalPart];
  bool upper[kNormalPart];
  for (std::size_t from = 0; from < count; from += kNormalPart) {
    const std::size_t part = std::min(kNormalPart, count - from);
    double* values = u + from;
    std::size_t outside = 0;
    const auto look = [&](std::size_t first, std::size_t some) {
      std::uint64_t signs = 0;
      for (std::size_t k = first; k < first + some; ++k) signs |= room_bits(values[k]);
      if (signs >> 63 == 0) return;
      for (std::size_t k = first; k < first + some; ++k) {
        place[outside] = static_cast<std::uint32_t>(k);
        upper[outside] = values[k] > 0.5;
        p[outside] = std::min(values[k], 1 - values[k]);  // exact
        outside += room_bits(values[k]) >> 63;
      }
    };
    std::size_t i = 0;
    for (; i + kLook <= part; i += kLook) look(i, kLook);
    look(i, part - i);
    run.centre(values, part);
    const std::size_t whole = (outside + kLanes - 1) / kLanes * kLanes;
    std::fill(p + outside, p + whole, 0.01);
    run.tail(p, whole, x);
    for (std::size_t k = 0; k < outside; ++k) {
      const double magnitude = p[k] >= kFar ? x[k] : far_tail(p[k]);
      values[place[k]] = upper[k] ? magnitude : -magnitude;
    }
  }
}

double normal_cdf(double x) {
  return 0.5 * std::erfc(-x * 0.70710678118654752440);
}

}  // namespace stateutils::qmc
