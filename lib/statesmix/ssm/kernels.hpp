// The arithmetic of the online SSM: forward pass of one byte, backward pass of a chunk, optimiser.
// IEEE 754 binary32, + - * / sqrt only, every sum in one of two written shapes (math.hpp), so that
// each instruction set gives the same bits.
#pragma once

#include <cstddef>
#include <cstdint>

#include "statesmix/isa.hpp"

namespace stateutils::statesmix {

inline constexpr int kChunk = 16;       // T: bytes between updates, and the lanes of a vector
inline constexpr int kStates = 16;      // N
inline constexpr int kRank = 4;         // R, of the step size's projection
inline constexpr int kProjection = 48;  // B, C and r, padded to whole vectors
inline constexpr int kConv = 4;
inline constexpr int kSymbols = 256;
// The head says a byte in two nibbles: 16 outputs for the first, and 16 more, from weights of its
// own, after each value of the first. A byte then costs 32 outputs instead of 256.
inline constexpr int kNibble = 16;

// Offsets in the flat array of dense parameters of one layer and of the head; matrices are
// input-major: row k holds what input k adds to each output.
struct SsmLayout {
  int width, layers;
  std::size_t gain, w_in, conv, w_x, w_dt, b_dt, a_log, d_skip, w_out, layer_size;
  // Group 0 of the head is the first nibble's, group 1 + h the second's after h; a group is 16
  // biases, then one row of 16 for each of the width's inputs.
  std::size_t gain_out, head, group_size, size;

  SsmLayout(int width_, int layers_);
  [[nodiscard]] std::size_t second(std::uint32_t first_nibble) const {
    return head + (1 + first_nibble) * group_size;
  }
};

// Everything the backward pass needs, one row per byte of the chunk. Real is float in the codec
// and double in the gradient check.
template <class Real>
struct SsmActivations {
  struct Layer {
    Real *x, *x_hat, *u, *z, *s, *v, *proj, *b, *c, *dt_pre, *dt, *a, *h, *y, *q;
    Real *inv, *inv_b, *inv_c;
  };
  Layer layer[2];
  Real *x_out, *x_out_hat, *inv_out, *p, *p_second;
  // Scratch of the backward pass.
  Real *dl, *dl_t, *dl_second, *dx, *dx_t, *t1, *t2, *dq, *dy, *dz, *dv, *ds, *duz, *duz_t, *dproj,
      *dproj_t, *dh;
  Real* exp_a;  // exp(A_log) by layer, renewed with the parameters

  // Floats needed for a width and a number of layers; carve() hands them out.
  static std::size_t floats(int width, int layers);
  void carve(Real* memory, int width, int layers);
};

struct SsmStep {
  float learning_rate;  // already divided by 1 - b1^s
  float inverse_bias2;  // 1 / (1 - b2^s)
  float scale;          // of the summed gradient: clip / T
};

template <class Real>
struct SsmKernels {
  // Byte t of the chunk: layer[0].x row t holds the input. Fills row t of everything, p last, but
  // p_second, which forward_second fills when the byte's first nibble is known.
  void (*forward)(const SsmLayout&, const Real* params, SsmActivations<Real>&, int t,
                  bool recurrence);
  void (*forward_second)(const SsmLayout&, const Real* params, SsmActivations<Real>&, int t,
                         std::uint32_t first_nibble);
  // Gradients of the summed cross-entropy of `target`; dx row t: the gradient at byte t's input.
  // Groups of the head that no target chose keep what their gradients were.
  void (*backward)(const SsmLayout&, const Real* params, Real* grads, SsmActivations<Real>&,
                   const std::uint8_t* target, bool recurrence);
  // Carries state and conv history over to the next chunk.
  void (*carry)(const SsmLayout&, SsmActivations<Real>&);
  void (*derive)(const SsmLayout&, const Real* params, SsmActivations<Real>&);
  Real (*square_norm)(const Real* g, std::size_t n);
  void (*adam)(Real* w, Real* m, Real* v, const Real* g, std::size_t n, const SsmStep&);
  // One step of a row of a sparse table; acc is its one number of memory.
  void (*row_step)(Real* row, Real* acc, const Real* g, int width, float rate);
  // sum += row.
  void (*add_row)(Real* sum, const Real* row, int width);
  // q[o] = int(p[o] * 2^22) + 1, of a nibble's 16 outputs
  void (*quantise)(const Real* p, std::uint32_t* q);
};

[[nodiscard]] SsmKernels<float> ssm_kernels(Isa isa, int width);

}  // namespace stateutils::statesmix
