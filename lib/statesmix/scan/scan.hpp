// The scalar-decay selective scan on arrays, h_t = a_t h_{t-1} + x_t B_t^T, y_t = h_t C_t, in its
// recurrent, chunked (state-space duality, Dao and Gu 2024, section 6), split (LASP-2, Sun et al.
// 2025), prefix (JRT-RNN, Arora et al. 2024) and bidirectional (Graph Mamba, Behrouz and Hashemi
// 2024) forms. All arrays are row-major, float or double; nothing is checked and nothing fails:
// shapes are the caller's promise. Forms differ from the recurrence by rounding only (1e-12 in
// double, 1e-5 in float), and the bits of a form do not depend on the machine.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace stateutils::statesmix {

// Rows of a sequence: a (T), b and c (T, N), x (T, P).
template <class Real>
struct ScanRows {
  std::size_t rows = 0, states = 0, channels = 0;
  const Real *a = nullptr, *b = nullptr, *c = nullptr, *x = nullptr;

  [[nodiscard]] ScanRows part(std::size_t first, std::size_t last) const {
    return {
        last - first,        states, channels, a + first, b + first * states, c + first * states,
        x + first * channels};
  }
};

// Each takes the state h (P, N) before the first row, leaves the one after the last and writes y
// (T, P). Time T N P, memory of its own none but where said.
template <class Real>
void scan_recurrent(const ScanRows<Real>& in, Real* h, Real* y);
// Inside chunks of `chunk` >= 1 rows the dual (attention-like) form, one state between chunks. Time
// grows with the chunk.
template <class Real>
void scan_chunked(const ScanRows<Real>& in, std::size_t chunk, Real* h, Real* y);

// What a rank passes on: the product of its decays and its final state from zero.
template <class Real>
struct ScanSummary {
  Real decay = 1;
  std::vector<Real> state;
};
template <class Real>
[[nodiscard]] ScanSummary<Real> summarise(const ScanRows<Real>& in);
// h becomes the state after the rank: (P1,S1)*(P2,S2) = (P1 P2, P2 S1 + S2).
template <class Real>
void fold(const ScanSummary<Real>& summary, Real* h);
// `ranks` >= 1 parts, each from the fold of those before it; part r begins at row floor(T r /
// ranks).
template <class Real>
void scan_split(const ScanRows<Real>& in, std::size_t ranks, Real* h, Real* y);

// h += sum over j of px_j pb_j^T, pb (M, N) and px (M, P), rows = M: what a prefix of encoder pairs
// leaves behind.
template <class Real>
void add_prefix(std::size_t rows, std::size_t states, std::size_t channels, const Real* pb,
                const Real* px, Real* h);

// y_t = (h>_t + h<_t) C_t, h< the same recurrence over the reversed rows from zero. Memory T P.
template <class Real>
void scan_bidirectional(const ScanRows<Real>& in, Real* h, Real* y);
// Positions by ascending key, ties by index; no key may be NaN.
[[nodiscard]] std::vector<std::size_t> ascending_order(std::span<const double> key);

}  // namespace stateutils::statesmix
