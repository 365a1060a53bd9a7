// The SSM's passes, written once over a vector type V of 16 lanes and instantiated per
// instruction set; V::kBlock vectors are what its registers hold beside the operands. Names follow
// the equations of the model:
//   x_hat = g x / rms(x);  u, z = W_in x_hat;  s = conv4(u);  v = silu(s)
//   [B, C, r] = W_x v;  B = B / rms(B);  C = C / (2 rms(C));  dt = softplus(W_dt r + b_dt)
//   a = exp(-dt exp(A_log));  h = a h + (dt v) B^T;  y = h C + D v;  x += W_out (y silu(z))
// Shapes of the sums are those of math.hpp; a comment names the one in use.
#pragma once

#include <cstring>

#include "statesmix/ssm/kernels.hpp"
#include "statesmix/ssm/math.hpp"

namespace stateutils::statesmix {

template <class V, int D>
struct SsmPasses {
  using Real = typename V::Real;
  using Acts = SsmActivations<Real>;
  using Layer = typename Acts::Layer;
  static constexpr int kInner = 2 * D;
  static constexpr int kLanes = 16;

  static Real root(Real x) {
    Real out[kLanes];
    V::sqrt(V::set(x)).store(out);
    return out[0];
  }

  // ---- building blocks ----

  // out[Cols] = sum over k of in[k] * w[k][Cols], broadcast shape; `Block` vectors of outputs are
  // held in registers at a time.
  template <int K, int Cols, int Block>
  static void mat_vec(const Real* w, const Real* in, Real* out) {
    static_assert(Cols % (Block * kLanes) == 0);
    for (int c = 0; c < Cols; c += Block * kLanes) {
      V acc[Block];
      for (int j = 0; j < Block; ++j) acc[j] = V::set(0);
      for (int k = 0; k < K; ++k) {
        const V x = V::set(in[k]);
        const Real* row = w + k * Cols + c;
        for (int j = 0; j < Block; ++j) acc[j] = acc[j] + x * V::load(row + j * kLanes);
      }
      for (int j = 0; j < Block; ++j) acc[j].store(out + c + j * kLanes);
    }
  }

  // out[r][t] = sum over k of w[r][k] * in[k][t], bytes in lanes, broadcast shape.
  template <int Rows, int K, int Stride>
  static void mat_chunk(const Real* w, const Real* in, Real* out) {
    constexpr int kBlock = V::kBlock;
    static_assert(Rows % kBlock == 0);
    for (int r = 0; r < Rows; r += kBlock) {
      V acc[kBlock];
      for (int j = 0; j < kBlock; ++j) acc[j] = V::set(0);
      const Real* rows = w + r * Stride;
      for (int k = 0; k < K; ++k) {
        const V x = V::load(in + k * kLanes);
        for (int j = 0; j < kBlock; ++j) acc[j] = acc[j] + V::set(rows[j * Stride + k]) * x;
      }
      for (int j = 0; j < kBlock; ++j) acc[j].store(out + (r + j) * kLanes);
    }
  }

  // dw[r][Cols] = sum over t of a[t][r] * g[t][Cols], t ascending, broadcast shape.
  template <int Rows, int Cols>
  static void outer_chunk(const Real* a, const Real* g, Real* dw) {
    constexpr int kBlock = V::kBlock;
    for (int c = 0; c < Cols; c += kLanes) {
      for (int r = 0; r < Rows; r += kBlock) {
        V acc[kBlock];
        for (int j = 0; j < kBlock; ++j) acc[j] = V::set(0);
        for (int t = 0; t < kChunk; ++t) {
          const V x = V::load(g + t * Cols + c);
          const Real* row = a + t * Rows + r;
          for (int j = 0; j < kBlock; ++j) acc[j] = acc[j] + V::set(row[j]) * x;
        }
        for (int j = 0; j < kBlock; ++j) acc[j].store(dw + (r + j) * Cols + c);
      }
    }
  }

  // in[16][cols] to out[cols][16].
  static void transpose(const Real* in, int cols, Real* out) {
    for (int c = 0; c < cols; ++c) {
      for (int t = 0; t < kChunk; ++t) out[c * kLanes + t] = in[t * cols + c];
    }
  }
  static void transpose_back(const Real* in, int cols, Real* out) {
    for (int t = 0; t < kChunk; ++t) {
      for (int c = 0; c < cols; ++c) out[t * cols + c] = in[c * kLanes + t];
    }
  }

  // 1 / sqrt(mean x^2 + e), reduction shape.
  template <int Width>
  static Real inverse_rms(const Real* x, Real e) {
    V sum = V::set(0);
    for (int i = 0; i < Width; i += kLanes) sum = sum + V::load(x + i) * V::load(x + i);
    return Real(1) / root(sum.reduce() * (Real(1) / Width) + e);
  }

  static V silu(V x) { return x * sigmoid_of(x); }
  // d silu = s + x s (1 - s)
  static V silu_slope(V x) {
    const V s = sigmoid_of(x);
    return s + x * s * (V::set(1) - s);
  }

  // ---- forward ----

  static void forward(const SsmLayout& layout, const Real* params, Acts& acts, int t,
                      bool recurrence) {
    for (int l = 0; l < layout.layers; ++l) {
      const Real* w = params + static_cast<std::size_t>(l) * layout.layer_size;
      Real* out = (l + 1 < layout.layers ? acts.layer[l + 1].x : acts.x_out) + t * D;
      if (recurrence) {
        forward_layer(layout, w, acts.layer[l], acts.exp_a + l * kInner, t, out);
      } else {
        std::memcpy(out, acts.layer[l].x + t * D, sizeof(Real) * D);
      }
    }
    const Real* x = acts.x_out + t * D;
    const Real inv = inverse_rms<D>(x, Real(1e-5));
    acts.inv_out[t] = inv;
    Real* x_hat = acts.x_out_hat + t * D;
    for (int i = 0; i < D; i += kLanes) {
      (V::load(params + layout.gain_out + i) * (V::load(x + i) * V::set(inv))).store(x_hat + i);
    }
    nibble(params + layout.head, x_hat, acts.p + t * kNibble);
  }

  static void forward_second(const SsmLayout& layout, const Real* params, Acts& acts, int t,
                             std::uint32_t first_nibble) {
    nibble(params + layout.second(first_nibble), acts.x_out_hat + t * D,
           acts.p_second + t * kNibble);
  }

  // Softmax of a group of the head. Logit = bias + sum over k of x[k] * w[k] in four parts, of the
  // k that leave 0, 1, 2 and 3 when divided by 4, each ascending: (bias + part 0 + part 1) +
  // (part 2 + part 3). The rest in reduction shape.
  static void nibble(const Real* group, const Real* x, Real* p) {
    V part[4] = {V::load(group), V::set(0), V::set(0), V::set(0)};
    for (int k = 0; k < D; k += 4) {
      const Real* rows = group + (k + 1) * kNibble;
      for (int j = 0; j < 4; ++j)
        part[j] = part[j] + V::set(x[k + j]) * V::load(rows + j * kNibble);
    }
    const V logits = (part[0] + part[1]) + (part[2] + part[3]);
    const V e = exp_of(logits - V::set(logits.reduce_max()));
    (e * V::set(Real(1) / e.reduce())).store(p);
  }

  static void forward_layer(const SsmLayout& o, const Real* w, Layer& a, const Real* exp_a, int t,
                            Real* out) {
    const Real* x = a.x + t * D;
    const Real inv = inverse_rms<D>(x, Real(1e-5));
    a.inv[t] = inv;
    Real* x_hat = a.x_hat + t * D;
    for (int i = 0; i < D; i += kLanes) {
      (V::load(w + o.gain + i) * (V::load(x + i) * V::set(inv))).store(x_hat + i);
    }
    Real uz[2 * kInner];
    mat_vec<D, 2 * kInner, V::kBlock>(w + o.w_in, x_hat, uz);
    Real* u = a.u + (t + kConv - 1) * kInner;  // three rows of the previous chunk come first
    std::memcpy(u, uz, sizeof(Real) * kInner);
    Real* z = a.z + t * kInner;
    std::memcpy(z, uz + kInner, sizeof(Real) * kInner);
    Real* v = a.v + t * kInner;
    for (int i = 0; i < kInner; i += kLanes) {
      V s = V::set(0);
      for (int k = 0; k < kConv; ++k) {
        s = s + V::load(w + o.conv + k * kInner + i) * V::load(a.u + (t + k) * kInner + i);
      }
      s.store(a.s + t * kInner + i);
      silu(s).store(v + i);
    }
    Real* proj = a.proj + t * kProjection;
    mat_vec<kInner, kProjection, 3>(w + o.w_x, v, proj);
    a.inv_b[t] = inverse_rms<kStates>(proj, Real(1e-3));
    a.inv_c[t] = inverse_rms<kStates>(proj + kStates, Real(1e-3));
    Real* b = a.b + t * kStates;
    Real* c = a.c + t * kStates;
    (V::load(proj) * V::set(a.inv_b[t])).store(b);
    (V::load(proj + kStates) * V::set(a.inv_c[t] * Real(0.5))).store(c);
    scan_step(o, w, a, exp_a, t);
    mat_vec<kInner, D, 2>(w + o.w_out, a.q + t * kInner, out);
    for (int i = 0; i < D; i += kLanes) (V::load(x + i) + V::load(out + i)).store(out + i);
  }

  // Step size, decay, state and output of one byte; channels in lanes, states ascending.
  static void scan_step(const SsmLayout& o, const Real* w, Layer& a, const Real* exp_a, int t) {
    const Real* r = a.proj + t * kProjection + 2 * kStates;
    const Real* b = a.b + t * kStates;
    const Real* c = a.c + t * kStates;
    const Real* h0 = a.h + t * kStates * kInner;
    Real* h1 = a.h + (t + 1) * kStates * kInner;
    for (int i = 0; i < kInner; i += kLanes) {
      V pre = V::load(w + o.b_dt + i);
      for (int k = 0; k < kRank; ++k)
        pre = pre + V::set(r[k]) * V::load(w + o.w_dt + k * kInner + i);
      const V dt = softplus_of(pre);
      const V decay = exp_of(V::set(0) - dt * V::load(exp_a + i));
      const V v = V::load(a.v + t * kInner + i);
      const V dtv = dt * v;
      pre.store(a.dt_pre + t * kInner + i);
      dt.store(a.dt + t * kInner + i);
      decay.store(a.a + t * kInner + i);
      V y = V::set(0);
      for (int n = 0; n < kStates; ++n) {
        const V h = V::flush(decay * V::load(h0 + n * kInner + i) + dtv * V::set(b[n]));
        h.store(h1 + n * kInner + i);
        y = y + h * V::set(c[n]);
      }
      y = y + V::load(w + o.d_skip + i) * v;
      y.store(a.y + t * kInner + i);
      (y * silu(V::load(a.z + t * kInner + i))).store(a.q + t * kInner + i);
    }
  }

  // ---- backward ----

  static void backward(const SsmLayout& o, const Real* params, Real* grads, Acts& acts,
                       const std::uint8_t* target, bool recurrence) {
    head_backward(o, params, grads, acts, target);
    for (int i = 0; i < D * kLanes; ++i) acts.dx_t[i] = 0;
    norm_backward(params + o.gain_out, grads + o.gain_out, acts.x_out, acts.inv_out, acts);
    for (int l = o.layers - 1; l >= 0; --l) {
      Real* g = grads + static_cast<std::size_t>(l) * o.layer_size;
      if (recurrence) {
        backward_layer(o, params + static_cast<std::size_t>(l) * o.layer_size, g, acts.layer[l],
                       acts.exp_a + l * kInner, acts);
      } else {
        std::memset(g, 0, sizeof(Real) * o.layer_size);
      }
    }
    transpose_back(acts.dx_t, D, acts.dx);
  }

  // Cross-entropy of both nibbles; leaves the gradient at the head's input in acts.t1 [D][t].
  static void head_backward(const SsmLayout& o, const Real* params, Real* grads, Acts& acts,
                            const std::uint8_t* target) {
    std::memcpy(acts.dl, acts.p, sizeof(Real) * kChunk * kNibble);
    std::memcpy(acts.dl_second, acts.p_second, sizeof(Real) * kChunk * kNibble);
    for (int t = 0; t < kChunk; ++t) {
      Real& first = acts.dl[t * kNibble + (target[t] >> 4)];
      Real& second = acts.dl_second[t * kNibble + (target[t] & 15)];
      first = first - Real(1);
      second = second - Real(1);
    }
    transpose(acts.dl, kNibble, acts.dl_t);
    V sum = V::set(0);
    for (int t = 0; t < kChunk; ++t) sum = sum + V::load(acts.dl + t * kNibble);
    sum.store(grads + o.head);
    outer_chunk<D, kNibble>(acts.x_out_hat, acts.dl, grads + o.head + kNibble);
    mat_chunk<D, kNibble, kNibble>(params + o.head + kNibble, acts.dl_t, acts.t1);
    std::uint32_t met = 0;
    for (int t = 0; t < kChunk; ++t) {
      const std::uint32_t first = target[t] >> 4;
      Real* g = grads + o.second(first);
      if ((met >> first & 1) == 0) std::memset(g, 0, sizeof(Real) * o.group_size);
      met |= 1u << first;
      second_backward(params + o.second(first), g, acts, t);
    }
  }

  // Byte t's share of its group's gradient (bytes ascending, broadcast shape) and of acts.t1
  // (outputs in reduction shape).
  static void second_backward(const Real* group, Real* g, Acts& acts, int t) {
    const V dl = V::load(acts.dl_second + t * kNibble);
    const Real* x = acts.x_out_hat + t * D;
    (V::load(g) + dl).store(g);
    for (int k = 0; k < D; ++k) {
      Real* row = g + (k + 1) * kNibble;
      (V::load(row) + V::set(x[k]) * dl).store(row);
      Real& at = acts.t1[k * kLanes + t];
      at = at + (V::load(group + (k + 1) * kNibble) * dl).reduce();
    }
  }

  // acts.t1 [D][t] is the gradient at g x inv; adds that at x to acts.dx_t. Bytes in lanes, sums
  // over the width ascending; the gain's gradient sums its lanes in reduction shape.
  static void norm_backward(const Real* gain, Real* dgain, const Real* x, const Real* inv,
                            Acts& acts) {
    Real x_t[D * kLanes];
    transpose(x, D, x_t);
    const V r = V::load(inv);
    V along = V::set(0);
    for (int i = 0; i < D; ++i) {
      const V d = V::load(acts.t1 + i * kLanes);
      const V xi = V::load(x_t + i * kLanes);
      dgain[i] = (d * (xi * r)).reduce();
      along = along + (d * V::set(gain[i])) * xi;
    }
    const V pull = along * (r * r) * V::set(Real(1) / D);
    for (int i = 0; i < D; ++i) {
      const V d = V::load(acts.t1 + i * kLanes) * V::set(gain[i]);
      const V dx = r * (d - V::load(x_t + i * kLanes) * pull);
      (V::load(acts.dx_t + i * kLanes) + dx).store(acts.dx_t + i * kLanes);
    }
  }

  static void backward_layer(const SsmLayout& o, const Real* w, Real* g, Layer& a,
                             const Real* exp_a, Acts& acts) {
    transpose_back(acts.dx_t, D, acts.dx);
    outer_chunk<kInner, D>(a.q, acts.dx, g + o.w_out);
    mat_chunk<kInner, D, D>(w + o.w_out, acts.dx_t, acts.t1);
    transpose_back(acts.t1, kInner, acts.dq);
    gate_backward(o, w, g, a, acts);
    scan_backward(o, w, g, a, exp_a, acts);
    transpose(acts.dproj, kProjection, acts.dproj_t);
    outer_chunk<kInner, kProjection>(a.v, acts.dproj, g + o.w_x);
    mat_chunk<kInner, 2 * kStates + kRank, kProjection>(w + o.w_x, acts.dproj_t, acts.t1);
    transpose_back(acts.t1, kInner, acts.t2);
    conv_backward(o, w, g, a, acts);
    transpose(acts.duz, 2 * kInner, acts.duz_t);
    outer_chunk<D, 2 * kInner>(a.x_hat, acts.duz, g + o.w_in);
    mat_chunk<D, 2 * kInner, 2 * kInner>(w + o.w_in, acts.duz_t, acts.t1);
    norm_backward(w + o.gain, g + o.gain, a.x, a.inv, acts);
  }

  // q = y silu(z); y = ... + D v.
  static void gate_backward(const SsmLayout& o, const Real* w, Real* g, Layer& a, Acts& acts) {
    for (int i = 0; i < kInner; i += kLanes) {
      V skip = V::set(0);
      for (int t = 0; t < kChunk; ++t) {
        const int at = t * kInner + i;
        const V dq = V::load(acts.dq + at);
        const V z = V::load(a.z + at);
        const V dy = dq * silu(z);
        const V v = V::load(a.v + at);
        dy.store(acts.dy + at);
        (dq * V::load(a.y + at) * silu_slope(z)).store(acts.duz + t * 2 * kInner + kInner + i);
        (dy * V::load(w + o.d_skip + i)).store(acts.dv + at);
        skip = skip + dy * v;
      }
      skip.store(g + o.d_skip + i);
    }
  }

  // Exact backpropagation through the chunk's recurrence, byte T-1 first.
  static void scan_backward(const SsmLayout& o, const Real* w, Real* g, Layer& a, const Real* exp_a,
                            Acts& acts) {
    std::memset(acts.dh, 0, sizeof(Real) * kStates * kInner);
    for (std::size_t i = 0; i < kInner; ++i) g[o.b_dt + i] = g[o.a_log + i] = 0;
    for (std::size_t i = 0; i < kRank * kInner; ++i) g[o.w_dt + i] = 0;
    for (int t = kChunk - 1; t >= 0; --t) {
      V db[kStates], dc[kStates], dr[kRank];
      for (int n = 0; n < kStates; ++n) db[n] = dc[n] = V::set(0);
      for (int k = 0; k < kRank; ++k) dr[k] = V::set(0);
      const Real* b = a.b + t * kStates;
      const Real* c = a.c + t * kStates;
      const Real* h0 = a.h + t * kStates * kInner;
      const Real* h1 = a.h + (t + 1) * kStates * kInner;
      const Real* r = a.proj + t * kProjection + 2 * kStates;
      for (int i = 0; i < kInner; i += kLanes) {
        const int at = t * kInner + i;
        const V dy = V::load(acts.dy + at), dt = V::load(a.dt + at), v = V::load(a.v + at);
        const V decay = V::load(a.a + at), dtv = dt * v;
        V d_dtv = V::set(0), d_decay = V::set(0);
        for (int n = 0; n < kStates; ++n) {
          Real* dh_at = acts.dh + n * kInner + i;
          const V dh = V::load(dh_at) + dy * V::set(c[n]);
          dc[n] = dc[n] + dy * V::load(h1 + n * kInner + i);
          db[n] = db[n] + dh * dtv;
          d_dtv = d_dtv + dh * V::set(b[n]);
          d_decay = d_decay + dh * V::load(h0 + n * kInner + i);
          V::flush(dh * decay).store(dh_at);
        }
        const V ea = V::load(exp_a + i);
        const V slope = d_decay * decay;  // d/d(-dt exp A)
        const V d_dt = d_dtv * v - slope * ea;
        (V::load(acts.dv + at) + d_dtv * dt).store(acts.dv + at);
        (V::load(g + o.a_log + i) - slope * (dt * ea)).store(g + o.a_log + i);
        const V d_pre = d_dt * sigmoid_of(V::load(a.dt_pre + at));
        (V::load(g + o.b_dt + i) + d_pre).store(g + o.b_dt + i);
        for (int k = 0; k < kRank; ++k) {
          Real* gw = g + o.w_dt + k * kInner + i;
          (V::load(gw) + V::set(r[k]) * d_pre).store(gw);
          dr[k] = dr[k] + d_pre * V::load(w + o.w_dt + k * kInner + i);
        }
      }
      projection_backward(a, acts, t, db, dc, dr);
    }
  }

  // Through the normalisations of B and C (C carries the factor 1/2): reductions over channels.
  static void projection_backward(Layer& a, Acts& acts, int t, const V* db, const V* dc,
                                  const V* dr) {
    Real* out = acts.dproj + t * kProjection;
    const Real* proj = a.proj + t * kProjection;
    Real rows[2][kStates];
    for (int n = 0; n < kStates; ++n) rows[0][n] = db[n].reduce();
    for (int n = 0; n < kStates; ++n) rows[1][n] = dc[n].reduce() * Real(0.5);
    for (int half = 0; half < 2; ++half) {
      const V d = V::load(rows[half]), x = V::load(proj + half * kStates);
      const Real inv = half == 0 ? a.inv_b[t] : a.inv_c[t];
      const Real pull = (d * x).reduce() * (inv * inv) * (Real(1) / kStates);
      (V::set(inv) * (d - x * V::set(pull))).store(out + half * kStates);
    }
    V::set(0).store(out + 2 * kStates);
    for (int k = 0; k < kRank; ++k) out[2 * kStates + k] = dr[k].reduce();
  }

  // v = silu(s), s = conv4(u): within the chunk only, the cut is at its edge.
  static void conv_backward(const SsmLayout& o, const Real* w, Real* g, Layer& a, Acts& acts) {
    for (int i = 0; i < kInner; i += kLanes) {
      for (int t = 0; t < kChunk; ++t) {
        const int at = t * kInner + i;
        const V dv = V::load(acts.dv + at) + V::load(acts.t2 + at);
        (dv * silu_slope(V::load(a.s + at))).store(acts.ds + at);
      }
      for (int k = 0; k < kConv; ++k) {
        V sum = V::set(0);
        for (int t = 0; t < kChunk; ++t) {
          sum = sum + V::load(acts.ds + t * kInner + i) * V::load(a.u + (t + k) * kInner + i);
        }
        sum.store(g + o.conv + k * kInner + i);
      }
      for (int t = 0; t < kChunk; ++t) {
        V du = V::set(0);
        for (int k = kConv - 1; k >= 0; --k) {
          const int later = t + kConv - 1 - k;
          if (later >= kChunk) continue;
          du = du + V::load(w + o.conv + k * kInner + i) * V::load(acts.ds + later * kInner + i);
        }
        du.store(acts.duz + t * 2 * kInner + i);
      }
    }
  }

  // ---- the rest ----

  static void carry(const SsmLayout& layout, Acts& acts) {
    for (int l = 0; l < layout.layers; ++l) {
      Layer& a = acts.layer[l];
      std::memmove(a.h, a.h + kChunk * kStates * kInner, sizeof(Real) * kStates * kInner);
      std::memmove(a.u, a.u + kChunk * kInner, sizeof(Real) * (kConv - 1) * kInner);
    }
  }

  static void derive(const SsmLayout& layout, const Real* params, Acts& acts) {
    for (int l = 0; l < layout.layers; ++l) {
      const Real* a_log = params + static_cast<std::size_t>(l) * layout.layer_size + layout.a_log;
      for (int i = 0; i < kInner; i += kLanes)
        exp_of(V::load(a_log + i)).store(acts.exp_a + l * kInner + i);
    }
  }

  // Reduction shape; n is a multiple of 16.
  static Real square_norm(const Real* g, std::size_t n) {
    V sum = V::set(0);
    for (std::size_t i = 0; i < n; i += kLanes) sum = sum + V::load(g + i) * V::load(g + i);
    return sum.reduce();
  }

  // Adam (Kingma and Ba 2015), b1 0.9, b2 0.999, on g * scale; eps 1e-5 stands below the root.
  static void adam(Real* w, Real* m, Real* v, const Real* g, std::size_t n, const SsmStep& step) {
    const V b1 = V::set(Real(0.9f)), b2 = V::set(Real(0.999f));
    const V c1 = V::set(Real(0.1f)), c2 = V::set(Real(0.001f));
    const V scale = V::set(step.scale), rate = V::set(step.learning_rate);
    const V bias2 = V::set(step.inverse_bias2), eps = V::set(Real(1e-10f));
    for (std::size_t i = 0; i < n; i += kLanes) {
      const V grad = V::load(g + i) * scale;
      const V m1 = V::flush(b1 * V::load(m + i) + c1 * grad);
      const V v1 = V::flush(b2 * V::load(v + i) + c2 * (grad * grad));
      m1.store(m + i);
      v1.store(v + i);
      (V::load(w + i) - rate * m1 * inverse_root_of(v1 * bias2 + eps)).store(w + i);
    }
  }

  static void row_step(Real* row, Real* acc, const Real* g, int width, float rate) {
    V sum = V::set(0);
    for (int i = 0; i < width; i += kLanes) sum = sum + V::load(g + i) * V::load(g + i);
    const Real mean = sum.reduce() / static_cast<Real>(width);
    *acc = Real(0.98f) * *acc + mean;
    if (*acc < Real(0x1p-100)) *acc = 0;
    const V step = V::set(Real(rate)) * inverse_root_of(V::set(*acc + Real(1e-8f)));
    for (int i = 0; i < width; i += kLanes)
      (V::load(row + i) - step * V::load(g + i)).store(row + i);
  }

  static void add_row(Real* sum, const Real* row, int width) {
    for (int i = 0; i < width; i += kLanes) (V::load(sum + i) + V::load(row + i)).store(sum + i);
  }

  static void quantise(const Real* p, std::uint32_t* q) {
    std::int32_t v[kLanes];
    V::to_int(V::load(p) * V::set(Real(4194304)), v);
    for (int j = 0; j < kLanes; ++j) q[j] = static_cast<std::uint32_t>(v[j]) + 1;
  }
};

// The passes for one vector type, by width.
template <class V>
SsmKernels<typename V::Real> make_ssm_kernels(int width) {
  const auto table = []<int D>() {
    using P = SsmPasses<V, D>;
    return SsmKernels<typename V::Real>{P::forward, P::forward_second, P::backward, P::carry,
                                        P::derive,  P::square_norm,    P::adam,     P::row_step,
                                        P::add_row, P::quantise};
  };
  if (width == 96) return table.template operator()<96>();
  return width == 64 ? table.template operator()<64>() : table.template operator()<32>();
}

[[nodiscard]] SsmKernels<float> ssm_kernels_scalar(int width);
[[nodiscard]] SsmKernels<float> ssm_kernels_sse2(int width);
[[nodiscard]] SsmKernels<float> ssm_kernels_avx2(int width);
[[nodiscard]] SsmKernels<float> ssm_kernels_avx512(int width);
[[nodiscard]] SsmKernels<float> ssm_kernels_neon(int width);

}  // namespace stateutils::statesmix
