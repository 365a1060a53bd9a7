#include "qmc/transforms.hpp"

#include <cmath>
#include <numbers>

#include "qmc/sequences.hpp"
#include "qmc/transforms_impl.hpp"

namespace stateutils::qmc {
namespace {

// cos and sin of pi k / count, exact where they are 0, 1 or equal: octants from one libm call each.
void rotation(std::size_t k, std::size_t count, double& c, double& s) {
  if (4 * k > count) {
    if (2 * k > count) {  // pi - angle
      rotation(count - k, count, c, s);
      c = -c;
      return;
    }
    const double angle = std::numbers::pi * static_cast<double>(count - 2 * k) /
                         (2 * static_cast<double>(count));  // pi/2 - angle
    c = std::sin(angle);
    s = std::cos(angle);
    return;
  }
  const double angle = std::numbers::pi * static_cast<double>(k) / static_cast<double>(count);
  c = std::cos(angle);
  s = std::sin(angle);
}

}  // namespace

const TransformKernels kTransformsScalar = make_transform_kernels();

const TransformKernels& transform_kernels(core::Isa isa) {
#ifdef __x86_64__
  if (isa == core::Isa::kAvx512) return kTransformsAvx512;
  if (isa == core::Isa::kAvx2) return kTransformsAvx2;
#endif
  (void)isa;
  return kTransformsScalar;
}

void fwht(std::span<double> y) {
  if (y.empty()) return;
  transform_kernels(core::active_isa())
      .hadamard(y.data(), y.size(), 1 / std::sqrt(static_cast<double>(y.size())));
}

FftPlan::FftPlan(std::size_t n) : n_(n), cos_(n), sin_(n) {
  for (std::size_t span = 1; span < n; span *= 2) {
    for (std::size_t k = 0; k < span; ++k) {
      rotation(k, span, cos_[span - 1 + k], sin_[span - 1 + k]);
    }
  }
}

void FftPlan::forward(double* re, double* im) const {
  transform_kernels(core::active_isa()).forward(re, im, n_, cos_.data(), sin_.data());
}
void FftPlan::backward(double* re, double* im) const {
  transform_kernels(core::active_isa()).backward(re, im, n_, cos_.data(), sin_.data());
}

FftBr::FftBr(std::size_t n) : n_(n), half_(n < 2 ? 1 : n / 2), cos_(n / 4 + 1), sin_(n / 4 + 1) {
  for (std::size_t k = 0; k < cos_.size() && n >= 2; ++k) rotation(2 * k, n, cos_[k], sin_[k]);
}

// Bit-reversed order puts the even entries y_2j into the first half and the odd ones into the
// second, both in bit-reversed order again: together they are the complex z_j = y_2j + i y_2j+1.
// Its transform Z gives X_k = (Z_k + conj Z_-k)/2 - i w^k (Z_k - conj Z_-k)/2, w = exp(-2 pi i/n).
void FftBr::forward(std::span<const double> y, std::span<double> re, std::span<double> im) const {
  const double scale = 1 / std::sqrt(static_cast<double>(n_));
  if (n_ == 1) {
    re[0] = y[0];
    im[0] = 0;
    return;
  }
  const std::size_t half = n_ / 2;
  for (std::size_t i = 0; i < half; ++i) {
    re[i] = y[i] * scale;
    im[i] = y[i + half] * scale;
  }
  half_.forward(re.data(), im.data());
  const double r = re[0], i = im[0];
  re[0] = r + i;
  im[0] = 0;
  re[half] = r - i;
  im[half] = 0;
  for (std::size_t k = 1; k <= half - k; ++k) {
    const std::size_t m = half - k;
    const double er = 0.5 * (re[k] + re[m]), ei = 0.5 * (im[k] - im[m]);
    const double odd_r = 0.5 * (im[k] + im[m]), odd_i = 0.5 * (re[m] - re[k]);
    const double tr = odd_r * cos_[k] + odd_i * sin_[k], ti = odd_i * cos_[k] - odd_r * sin_[k];
    re[k] = er + tr;
    im[k] = ei + ti;
    re[m] = er - tr;
    im[m] = ti - ei;
  }
}

void FftBr::backward(std::span<const double> re, std::span<const double> im,
                     std::span<double> y) const {
  if (n_ == 1) {
    y[0] = re[0];
    return;
  }
  const std::size_t half = n_ / 2;
  const double scale = 1 / std::sqrt(static_cast<double>(n_));
  double* zr = y.data();
  double* zi = y.data() + half;
  zr[0] = (re[0] + re[half]) * scale;
  zi[0] = (re[0] - re[half]) * scale;
  for (std::size_t k = 1; k <= half - k; ++k) {
    const std::size_t m = half - k;
    const double er = re[k] + re[m], ei = im[k] - im[m];
    const double tr = re[k] - re[m], ti = im[k] + im[m];
    const double odd_r = tr * cos_[k] - ti * sin_[k], odd_i = ti * cos_[k] + tr * sin_[k];
    zr[k] = (er - odd_i) * scale;
    zi[k] = (ei + odd_r) * scale;
    zr[m] = (er + odd_i) * scale;
    zi[m] = (odd_r - ei) * scale;
  }
  half_.backward(zr, zi);
}

std::vector<std::complex<double>> fftbr(std::span<const double> y) {
  const std::size_t n = y.size();
  std::vector<std::complex<double>> out(n);
  if (n == 0) return out;
  std::vector<double> re(n / 2 + 1), im(n / 2 + 1);
  FftBr(n).forward(y, re, im);
  for (std::size_t k = 0; k < n; ++k) {
    out[k] = k <= n / 2 ? std::complex(re[k], im[k]) : std::complex(re[n - k], -im[n - k]);
  }
  return out;
}

std::vector<std::complex<double>> ifftbr(std::span<const std::complex<double>> x) {
  const std::size_t n = x.size();
  std::vector<std::complex<double>> out(n);
  if (n == 0) return out;
  std::vector<double> re(n), im(n);
  const double scale = 1 / std::sqrt(static_cast<double>(n));
  for (std::size_t k = 0; k < n; ++k) {
    re[k] = x[k].real() * scale;
    im[k] = x[k].imag() * scale;
  }
  FftPlan(n).backward(re.data(), im.data());
  for (std::size_t k = 0; k < n; ++k) out[k] = {re[k], im[k]};
  return out;
}

}  // namespace stateutils::qmc
