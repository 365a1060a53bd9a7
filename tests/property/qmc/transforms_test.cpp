// Fast transforms against their definitions, for every size and instruction set.
#include "qmc/transforms.hpp"

#include <doctest.h>

#include <bit>
#include <cmath>
#include <numbers>

#include "core/rng.hpp"
#include "qmc/sequences.hpp"

namespace stateutils::qmc {
namespace {

std::vector<double> noise(std::size_t n, std::uint64_t stream) {
  core::Rng rng(5, stream);
  std::vector<double> y(n);
  for (double& value : y) value = rng.unit() - 0.5;
  return y;
}

}  // namespace

TEST_CASE("Walsh-Hadamard by definition") {
  for (std::size_t n = 1; n <= 512; n *= 2) {
    const auto y = noise(n, n);
    auto fast = y;
    fwht(fast);
    for (std::size_t k = 0; k < n; ++k) {
      double sum = 0;
      for (std::size_t i = 0; i < n; ++i) sum += std::popcount(i & k) % 2 == 0 ? y[i] : -y[i];
      CHECK(std::abs(fast[k] - sum / std::sqrt(static_cast<double>(n))) < 1e-12);
    }
  }
}

TEST_CASE("Fourier of bit-reversed input by definition") {
  for (std::size_t n = 1; n <= 256; n *= 2) {
    const int bits = std::countr_zero(n);
    const auto y = noise(n, n);
    const auto fast = fftbr(y);
    for (std::size_t k = 0; k < n; ++k) {
      std::complex<double> sum = 0;
      for (std::size_t j = 0; j < n; ++j) {
        const std::size_t at = bits == 0 ? 0 : reverse_bits(j) >> (64 - bits);
        const double angle =
            -2 * std::numbers::pi * static_cast<double>(j * k % n) / static_cast<double>(n);
        sum += y[at] * std::polar(1.0, angle);
      }
      CHECK(std::abs(fast[k] - sum / std::sqrt(static_cast<double>(n))) < 1e-12);
    }
  }
}

TEST_CASE("large transforms come back, and halves merge") {
  for (const std::size_t n : {std::size_t{1} << 12, std::size_t{1} << 13, std::size_t{1} << 15}) {
    const auto y = noise(n, 3);
    auto w = y;
    fwht(w);
    std::vector<double> first(y.begin(), y.begin() + static_cast<std::ptrdiff_t>(n / 2));
    std::vector<double> second(y.begin() + static_cast<std::ptrdiff_t>(n / 2), y.end());
    const auto x = fftbr(y), x1 = fftbr(first), x2 = fftbr(second);
    fwht(first);
    fwht(second);
    const double root = std::sqrt(0.5);
    for (std::size_t k = 0; k < n / 2; ++k) {
      CHECK(std::abs(w[k] - (first[k] + second[k]) * root) < 1e-12);
      const auto omega =
          std::polar(1.0, -2 * std::numbers::pi * static_cast<double>(k) / static_cast<double>(n));
      CHECK(std::abs(x[k] - (x1[k] + omega * x2[k]) * root) < 1e-12);
      CHECK(std::abs(x[k + n / 2] - (x1[k] - omega * x2[k]) * root) < 1e-12);
    }
    FftBr fft(n);
    std::vector<double> re(n / 2 + 1), im(n / 2 + 1), back(n);
    fft.forward(y, re, im);
    fft.backward(re, im, back);
    for (std::size_t i = 0; i < n; ++i) CHECK(std::abs(back[i] - y[i]) < 1e-12);
  }
}

TEST_CASE("instruction sets give the same bits") {
  for (const std::size_t n : {std::size_t{32}, std::size_t{4096}, std::size_t{1} << 14}) {
    const auto y = noise(n, 8), z = noise(n, 9);
    const FftPlan plan(n);
    const auto expected = [&](core::Isa isa) {
      auto a = y, re = y, im = z;
      transform_kernels(isa).hadamard(a.data(), n, 0.25);
      a.insert(a.end(), re.begin(), re.end());
      return a;
    };
    for (const core::Isa isa : core::available_isas()) {
      CHECK(expected(isa) == expected(core::Isa::kScalar));
    }
  }
}

}  // namespace stateutils::qmc
