#include "statesmix/scan/scan.hpp"

#include <algorithm>
#include <numeric>

namespace stateutils::statesmix {
namespace {

// h = a h + x b^T.
template <class Real>
void step(Real a, const Real* b, const Real* x, std::size_t states, std::size_t channels, Real* h) {
  for (std::size_t p = 0; p < channels; ++p) {
    for (std::size_t n = 0; n < states; ++n)
      h[p * states + n] = a * h[p * states + n] + x[p] * b[n];
  }
}

template <class Real>
Real dot(const Real* u, const Real* v, std::size_t n) {
  Real sum = 0;
  for (std::size_t i = 0; i < n; ++i) sum += u[i] * v[i];
  return sum;
}

// One chunk: y_i = (prod_{k<=i} a_k) h C_i + sum_{j<=i} (C_i . B_j) (prod_{k=j+1..i} a_k) x_j.
template <class Real>
void dual_chunk(const ScanRows<Real>& in, Real* h, Real* y) {
  const std::size_t n = in.states, p = in.channels;
  Real product = 1;
  for (std::size_t i = 0; i < in.rows; ++i) {
    product *= in.a[i];
    const Real* c = in.c + i * n;
    Real* out = y + i * p;
    for (std::size_t q = 0; q < p; ++q) out[q] = product * dot(h + q * n, c, n);
    Real decay = 1;
    for (std::size_t j = i + 1; j-- > 0;) {
      const Real weight = decay * dot(c, in.b + j * n, n);
      for (std::size_t q = 0; q < p; ++q) out[q] += weight * in.x[j * p + q];
      decay *= in.a[j];
    }
  }
  for (std::size_t i = 0; i < p * n; ++i) h[i] *= product;
  Real decay = 1;
  for (std::size_t j = in.rows; j-- > 0;) {
    for (std::size_t q = 0; q < p; ++q) {
      const Real weight = decay * in.x[j * p + q];
      for (std::size_t k = 0; k < n; ++k) h[q * n + k] += weight * in.b[j * n + k];
    }
    decay *= in.a[j];
  }
}

}  // namespace

template <class Real>
void scan_recurrent(const ScanRows<Real>& in, Real* h, Real* y) {
  const std::size_t n = in.states, p = in.channels;
  for (std::size_t t = 0; t < in.rows; ++t) {
    step(in.a[t], in.b + t * n, in.x + t * p, n, p, h);
    for (std::size_t q = 0; q < p; ++q) y[t * p + q] = dot(h + q * n, in.c + t * n, n);
  }
}

template <class Real>
void scan_chunked(const ScanRows<Real>& in, std::size_t chunk, Real* h, Real* y) {
  for (std::size_t first = 0; first < in.rows; first += chunk) {
    const std::size_t last = std::min(in.rows, first + chunk);
    dual_chunk(in.part(first, last), h, y + first * in.channels);
  }
}

template <class Real>
ScanSummary<Real> summarise(const ScanRows<Real>& in) {
  ScanSummary<Real> s;
  s.state.assign(in.states * in.channels, 0);
  for (std::size_t t = 0; t < in.rows; ++t) {
    s.decay *= in.a[t];
    step(in.a[t], in.b + t * in.states, in.x + t * in.channels, in.states, in.channels,
         s.state.data());
  }
  return s;
}

template <class Real>
void fold(const ScanSummary<Real>& summary, Real* h) {
  for (std::size_t i = 0; i < summary.state.size(); ++i)
    h[i] = summary.decay * h[i] + summary.state[i];
}

template <class Real>
void scan_split(const ScanRows<Real>& in, std::size_t ranks, Real* h, Real* y) {
  for (std::size_t r = 0; r < ranks; ++r) {
    // floor(T r / R) without overflow.
    const std::size_t first = in.rows / ranks * r + in.rows % ranks * r / ranks;
    const std::size_t last = in.rows / ranks * (r + 1) + in.rows % ranks * (r + 1) / ranks;
    const ScanRows<Real> part = in.part(first, last);
    const ScanSummary<Real> summary = summarise(part);
    std::vector<Real> local(h, h + in.states * in.channels);
    scan_recurrent(part, local.data(), y + first * in.channels);
    fold(summary, h);
  }
}

template <class Real>
void add_prefix(std::size_t rows, std::size_t states, std::size_t channels, const Real* pb,
                const Real* px, Real* h) {
  for (std::size_t j = 0; j < rows; ++j)
    step(Real(1), pb + j * states, px + j * channels, states, channels, h);
}

template <class Real>
void scan_bidirectional(const ScanRows<Real>& in, Real* h, Real* y) {
  const std::size_t n = in.states, p = in.channels;
  std::vector<Real> back(in.rows * p), state(n * p, 0);
  for (std::size_t t = in.rows; t-- > 0;) {
    step(in.a[t], in.b + t * n, in.x + t * p, n, p, state.data());
    for (std::size_t q = 0; q < p; ++q)
      back[t * p + q] = dot(state.data() + q * n, in.c + t * n, n);
  }
  scan_recurrent(in, h, y);
  for (std::size_t i = 0; i < back.size(); ++i) y[i] += back[i];
}

std::vector<std::size_t> ascending_order(std::span<const double> key) {
  std::vector<std::size_t> order(key.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return key[a] < key[b]; });
  return order;
}

template void scan_recurrent(const ScanRows<float>&, float*, float*);
template void scan_recurrent(const ScanRows<double>&, double*, double*);
template void scan_chunked(const ScanRows<float>&, std::size_t, float*, float*);
template void scan_chunked(const ScanRows<double>&, std::size_t, double*, double*);
template ScanSummary<float> summarise(const ScanRows<float>&);
template ScanSummary<double> summarise(const ScanRows<double>&);
template void fold(const ScanSummary<float>&, float*);
template void fold(const ScanSummary<double>&, double*);
template void scan_split(const ScanRows<float>&, std::size_t, float*, float*);
template void scan_split(const ScanRows<double>&, std::size_t, double*, double*);
template void add_prefix(std::size_t, std::size_t, std::size_t, const float*, const float*, float*);
template void add_prefix(std::size_t, std::size_t, std::size_t, const double*, const double*,
                         double*);
template void scan_bidirectional(const ScanRows<float>&, float*, float*);
template void scan_bidirectional(const ScanRows<double>&, double*, double*);

}  // namespace stateutils::statesmix
