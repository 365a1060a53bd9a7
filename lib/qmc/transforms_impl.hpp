// Loops of the transforms, compiled once per instruction set; included by those files only.
// Everything has internal linkage (see block_kernels_impl.hpp).
#pragma once

#ifdef __AVX2__
#include <immintrin.h>
#endif

#include <algorithm>
#include <cstddef>

#include "qmc/transforms.hpp"

#ifdef __clang__
#pragma clang diagnostic ignored "-Wunknown-pragmas"  // GCC ivdep: only GCC needs it
#endif

namespace stateutils::qmc {
namespace {

// Parts of this many values stay in the first-level cache and are finished before the next.
constexpr std::size_t kInCache = 2048;

// Neighbours that stay in registers: the finest levels.
constexpr std::size_t kInRegisters = 32;

#ifdef __AVX2__
// Distances 16, 8 and 4 between vectors; 2 and 1 inside them, where a product with signs turns a
// sum into sum and difference: exact, and beside the units that add.
inline void hadamard_finest(double* y, std::size_t n, double scale) {
  constexpr std::size_t kVectors = kInRegisters / 4;
  const __m256d pairs = _mm256_setr_pd(1, -1, 1, -1), halves = _mm256_setr_pd(1, 1, -1, -1);
  const __m256d factor = _mm256_set1_pd(scale);
  for (std::size_t i = 0; i < n; i += kInRegisters) {
    __m256d row[kVectors];
    for (std::size_t k = 0; k < kVectors; ++k) row[k] = _mm256_loadu_pd(y + i + 4 * k);
    for (std::size_t h = kVectors / 2; h > 0; h /= 2) {
      for (std::size_t k = 0; k < kVectors; ++k) {
        if ((k & h) != 0) continue;
        const __m256d sum = _mm256_add_pd(row[k], row[k + h]);
        row[k + h] = _mm256_sub_pd(row[k], row[k + h]);
        row[k] = sum;
      }
    }
    for (std::size_t k = 0; k < kVectors; ++k) {
      const __m256d crossed = _mm256_permute2f128_pd(row[k], row[k], 1);
      const __m256d two = _mm256_fmadd_pd(row[k], halves, crossed);
      const __m256d one = _mm256_fmadd_pd(two, pairs, _mm256_permute_pd(two, 5));
      _mm256_storeu_pd(y + i + 4 * k, _mm256_mul_pd(one, factor));
    }
  }
}
#else
inline void hadamard_finest(double* y, std::size_t n, double scale) {
  for (std::size_t i = 0; i < n; i += kInRegisters) {
    for (std::size_t h = kInRegisters / 2; h > 0; h /= 2) {
      for (std::size_t k = 0; k < kInRegisters; ++k) {
        if ((k & h) != 0) continue;
        const double a = y[i + k], b = y[i + k + h];
        y[i + k] = a + b;
        y[i + k + h] = a - b;
      }
    }
    for (std::size_t k = 0; k < kInRegisters; ++k) y[i + k] *= scale;
  }
}
#endif

// Levels of distance 4q, 2q and q in one pass over 8q values.
inline void hadamard_pass8(double* __restrict y, std::size_t q) {
#pragma GCC ivdep
  for (std::size_t i = 0; i < q; ++i) {
    const double a0 = y[i] + y[i + 4 * q], a4 = y[i] - y[i + 4 * q];
    const double a1 = y[i + q] + y[i + 5 * q], a5 = y[i + q] - y[i + 5 * q];
    const double a2 = y[i + 2 * q] + y[i + 6 * q], a6 = y[i + 2 * q] - y[i + 6 * q];
    const double a3 = y[i + 3 * q] + y[i + 7 * q], a7 = y[i + 3 * q] - y[i + 7 * q];
    const double b0 = a0 + a2, b2 = a0 - a2, b1 = a1 + a3, b3 = a1 - a3;
    const double b4 = a4 + a6, b6 = a4 - a6, b5 = a5 + a7, b7 = a5 - a7;
    y[i] = b0 + b1;
    y[i + q] = b0 - b1;
    y[i + 2 * q] = b2 + b3;
    y[i + 3 * q] = b2 - b3;
    y[i + 4 * q] = b4 + b5;
    y[i + 5 * q] = b4 - b5;
    y[i + 6 * q] = b6 + b7;
    y[i + 7 * q] = b6 - b7;
  }
}

// Distances 2q and q.
inline void hadamard_pass4(double* __restrict y, std::size_t q) {
#pragma GCC ivdep
  for (std::size_t i = 0; i < q; ++i) {
    const double a0 = y[i] + y[i + 2 * q], a2 = y[i] - y[i + 2 * q];
    const double a1 = y[i + q] + y[i + 3 * q], a3 = y[i + q] - y[i + 3 * q];
    y[i] = a0 + a1;
    y[i + q] = a0 - a1;
    y[i + 2 * q] = a2 + a3;
    y[i + 3 * q] = a2 - a3;
  }
}

inline void hadamard_pass2(double* __restrict y, std::size_t h) {
#pragma GCC ivdep
  for (std::size_t i = 0; i < h; ++i) {
    const double a = y[i], b = y[i + h];
    y[i] = a + b;
    y[i + h] = a - b;
  }
}

// Three levels at a time from the coarsest, then each eighth on its own; level by level inside the
// cache.
void hadamard(double* y, std::size_t n, double scale) {
  if (n > kInCache) {
    hadamard_pass8(y, n / 8);
    for (std::size_t part = 0; part < 8; ++part) hadamard(y + part * (n / 8), n / 8, scale);
    return;
  }
  std::size_t h = n;  // levels below this distance remain
  const std::size_t end = n >= kInRegisters ? kInRegisters : 1;
  for (; h >= 8 * end; h /= 8) {
    for (std::size_t i = 0; i < n; i += h) hadamard_pass8(y + i, h / 8);
  }
  for (; h >= 4 * end; h /= 4) {
    for (std::size_t i = 0; i < n; i += h) hadamard_pass4(y + i, h / 4);
  }
  for (; h > end; h /= 2) {
    for (std::size_t i = 0; i < n; i += h) hadamard_pass2(y + i, h / 2);
  }
  if (end > 1) {
    hadamard_finest(y, n, scale);
  } else {
    for (std::size_t i = 0; i < n; ++i) y[i] *= scale;
  }
}

// Butterflies of two levels: spans of L become spans of 4 L. Tables of a level start at offset L-1
// with cos and sin of pi k / L.
inline void forward_pass4(double* __restrict re, double* __restrict im, std::size_t n,
                          std::size_t span, const double* __restrict cos,
                          const double* __restrict sin) {
  const double* c1 = cos + span - 1;
  const double* s1 = sin + span - 1;
  const double* c2 = cos + 2 * span - 1;
  const double* s2 = sin + 2 * span - 1;
  for (std::size_t base = 0; base < n; base += 4 * span) {
    double* r0 = re + base;
    double* i0 = im + base;
#pragma GCC ivdep
    for (std::size_t k = 0; k < span; ++k) {
      // First level: (0, 1) and (2, 3) with w = exp(-i pi k / span).
      const double br = r0[k + span] * c1[k] + i0[k + span] * s1[k];
      const double bi = i0[k + span] * c1[k] - r0[k + span] * s1[k];
      const double dr = r0[k + 3 * span] * c1[k] + i0[k + 3 * span] * s1[k];
      const double di = i0[k + 3 * span] * c1[k] - r0[k + 3 * span] * s1[k];
      const double e0r = r0[k] + br, e0i = i0[k] + bi, e1r = r0[k] - br, e1i = i0[k] - bi;
      const double f0r = r0[k + 2 * span] + dr, f0i = i0[k + 2 * span] + di;
      const double f1r = r0[k + 2 * span] - dr, f1i = i0[k + 2 * span] - di;
      // Second level: w = exp(-i pi k / (2 span)), and that times -i for k + span.
      const double gr = f0r * c2[k] + f0i * s2[k], gi = f0i * c2[k] - f0r * s2[k];
      const double hr = f1r * c2[k] + f1i * s2[k], hi = f1i * c2[k] - f1r * s2[k];
      r0[k] = e0r + gr;
      i0[k] = e0i + gi;
      r0[k + 2 * span] = e0r - gr;
      i0[k + 2 * span] = e0i - gi;
      r0[k + span] = e1r + hi;
      i0[k + span] = e1i - hr;
      r0[k + 3 * span] = e1r - hi;
      i0[k + 3 * span] = e1i + hr;
    }
  }
}

inline void forward_pass2(double* __restrict re, double* __restrict im, std::size_t n,
                          std::size_t span, const double* __restrict cos,
                          const double* __restrict sin) {
  const double* c = cos + span - 1;
  const double* s = sin + span - 1;
  for (std::size_t base = 0; base < n; base += 2 * span) {
    double* r0 = re + base;
    double* i0 = im + base;
#pragma GCC ivdep
    for (std::size_t k = 0; k < span; ++k) {
      const double br = r0[k + span] * c[k] + i0[k + span] * s[k];
      const double bi = i0[k + span] * c[k] - r0[k + span] * s[k];
      r0[k + span] = r0[k] - br;
      i0[k + span] = i0[k] - bi;
      r0[k] += br;
      i0[k] += bi;
    }
  }
}

// The first two levels, whose factors are 1 and -i.
inline void forward_first4(double* __restrict re, double* __restrict im, std::size_t n) {
  for (std::size_t i = 0; i < n; i += 4) {
    const double ar = re[i] + re[i + 1], ai = im[i] + im[i + 1];
    const double br = re[i] - re[i + 1], bi = im[i] - im[i + 1];
    const double cr = re[i + 2] + re[i + 3], ci = im[i + 2] + im[i + 3];
    const double dr = re[i + 2] - re[i + 3], di = im[i + 2] - im[i + 3];
    re[i] = ar + cr;
    im[i] = ai + ci;
    re[i + 2] = ar - cr;
    im[i + 2] = ai - ci;
    re[i + 1] = br + di;
    im[i + 1] = bi - dr;
    re[i + 3] = br - di;
    im[i + 3] = bi + dr;
  }
}

void fft_forward(double* re, double* im, std::size_t n, const double* cos, const double* sin) {
  if (n > kInCache) {  // quarters first, each while it is in the cache
    const std::size_t quarter = n / 4;
    for (std::size_t part = 0; part < 4; ++part) {
      fft_forward(re + part * quarter, im + part * quarter, quarter, cos, sin);
    }
    forward_pass4(re, im, n, quarter, cos, sin);
    return;
  }
  if (n < 4) {
    if (n == 2) forward_pass2(re, im, n, 1, cos, sin);
    return;
  }
  forward_first4(re, im, n);
  std::size_t span = 4;
  for (; span * 4 <= n; span *= 4) forward_pass4(re, im, n, span, cos, sin);
  if (span < n) forward_pass2(re, im, n, span, cos, sin);
}

// The forward passes undone in opposite order, without their factor 2 each.
inline void backward_pass2(double* __restrict re, double* __restrict im, std::size_t n,
                           std::size_t span, const double* __restrict cos,
                           const double* __restrict sin) {
  const double* c = cos + span - 1;
  const double* s = sin + span - 1;
  for (std::size_t base = 0; base < n; base += 2 * span) {
    double* r0 = re + base;
    double* i0 = im + base;
#pragma GCC ivdep
    for (std::size_t k = 0; k < span; ++k) {
      const double dr = r0[k] - r0[k + span], di = i0[k] - i0[k + span];
      r0[k] += r0[k + span];
      i0[k] += i0[k + span];
      r0[k + span] = dr * c[k] - di * s[k];
      i0[k + span] = di * c[k] + dr * s[k];
    }
  }
}

void fft_backward(double* re, double* im, std::size_t n, const double* cos, const double* sin) {
  if (n < 2) return;
  if (n > kInCache) {
    backward_pass2(re, im, n, n / 2, cos, sin);
    fft_backward(re, im, n / 2, cos, sin);
    fft_backward(re + n / 2, im + n / 2, n / 2, cos, sin);
    return;
  }
  for (std::size_t span = n / 2; span >= 1; span /= 2) backward_pass2(re, im, n, span, cos, sin);
}

constexpr TransformKernels make_transform_kernels() {
  return {hadamard, fft_forward, fft_backward};
}

}  // namespace
}  // namespace stateutils::qmc
