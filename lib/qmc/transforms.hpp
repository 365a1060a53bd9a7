// Fast orthonormal transforms of 2^m values: Walsh-Hadamard in natural order, and Fourier with
// input in bit-reversed and output in natural order (and its inverse).
#pragma once

#include <complex>
#include <cstdint>
#include <span>
#include <vector>

#include "core/isa.hpp"

namespace stateutils::qmc {

// y <- H y / sqrt(n), its own inverse.
void fwht(std::span<double> y);

// Twiddle factors of a complex transform of n values, in the order the passes use them.
class FftPlan {
 public:
  explicit FftPlan(std::size_t n);  // a power of two

  [[nodiscard]] std::size_t size() const { return n_; }
  // Unscaled; separate real and imaginary parts. Forward: bit-reversed in, natural out, factors
  // exp(-2 pi i j k / n). Backward: natural in, bit-reversed out, factors exp(+2 pi i j k / n).
  void forward(double* re, double* im) const;
  void backward(double* re, double* im) const;

 private:
  std::size_t n_;
  std::vector<double> cos_, sin_;  // of pi k / L for k < L, for L = 1, 2, 4, ... in turn
};

// Fourier transforms of n real values, and back.
class FftBr {
 public:
  explicit FftBr(std::size_t n);
  [[nodiscard]] std::size_t size() const { return n_; }
  // out[k] = (1/sqrt n) sum_j y[j'] exp(-2 pi i j k / n) for k <= n/2, j' the reversed bits of j;
  // the rest is conjugate. `re` and `im` hold n/2 + 1 values each.
  void forward(std::span<const double> y, std::span<double> re, std::span<double> im) const;
  // The inverse of forward for a conjugate-symmetric spectrum.
  void backward(std::span<const double> re, std::span<const double> im, std::span<double> y) const;

 private:
  std::size_t n_;
  FftPlan half_;
  std::vector<double> cos_, sin_;  // of 2 pi k / n for k <= n/4
};

// All n values of the spectrum, and the inverse of that for any spectrum.
[[nodiscard]] std::vector<std::complex<double>> fftbr(std::span<const double> y);
[[nodiscard]] std::vector<std::complex<double>> ifftbr(std::span<const std::complex<double>> x);

// The loops, one set per instruction set; differences are in speed only.
struct TransformKernels {
  void (*hadamard)(double* y, std::size_t n, double scale);
  void (*forward)(double* re, double* im, std::size_t n, const double* cos, const double* sin);
  void (*backward)(double* re, double* im, std::size_t n, const double* cos, const double* sin);
};
[[nodiscard]] const TransformKernels& transform_kernels(core::Isa isa);
extern const TransformKernels kTransformsScalar, kTransformsAvx2, kTransformsAvx512;

}  // namespace stateutils::qmc
