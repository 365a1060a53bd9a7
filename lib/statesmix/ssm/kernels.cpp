#include "statesmix/ssm/kernels.hpp"

#include "statesmix/ssm/kernels_impl.hpp"
#include "statesmix/ssm/vec_scalar.hpp"

namespace stateutils::statesmix {

SsmLayout::SsmLayout(int width_, int layers_) : width(width_), layers(layers_) {
  const auto d = static_cast<std::size_t>(width_);
  const std::size_t inner = 2 * d;
  std::size_t at = 0;
  const auto take = [&at](std::size_t n) {
    const std::size_t here = at;
    at += n;
    return here;
  };
  gain = take(d);
  w_in = take(d * 2 * inner);
  conv = take(kConv * inner);
  w_x = take(inner * kProjection);
  w_dt = take(kRank * inner);
  b_dt = take(inner);
  a_log = take(inner);
  d_skip = take(inner);
  w_out = take(inner * d);
  layer_size = at;
  at *= static_cast<std::size_t>(layers_);
  gain_out = take(d);
  group_size = (d + 1) * kNibble;
  head = take((1 + kNibble) * group_size);
  size = at;
}

namespace {

// Calls visit(pointer, count) for every array, in one order for measuring and for carving.
template <class Acts, class F>
void visit_arrays(Acts& a, int width, int layers, F visit) {
  const auto d = static_cast<std::size_t>(width);
  const std::size_t inner = 2 * d, t = kChunk;
  for (int l = 0; l < layers; ++l) {
    auto& y = a.layer[l];
    visit(y.x, t * d);
    visit(y.x_hat, t * d);
    visit(y.u, (t + kConv - 1) * inner);
    for (auto** p : {&y.z, &y.s, &y.v, &y.dt_pre, &y.dt, &y.a, &y.y, &y.q}) visit(*p, t * inner);
    visit(y.proj, t * kProjection);
    visit(y.b, t * kStates);
    visit(y.c, t * kStates);
    visit(y.h, (t + 1) * kStates * inner);
    for (auto** p : {&y.inv, &y.inv_b, &y.inv_c}) visit(*p, t);
  }
  visit(a.x_out, t * d);
  visit(a.x_out_hat, t * d);
  visit(a.inv_out, t);
  for (auto** p : {&a.p, &a.p_second, &a.dl, &a.dl_t, &a.dl_second}) visit(*p, t * kNibble);
  visit(a.dx, t * d);
  visit(a.dx_t, t * d);
  visit(a.t1, t * inner);
  visit(a.t2, t * inner);
  for (auto** p : {&a.dq, &a.dy, &a.dz, &a.dv, &a.ds}) visit(*p, t * inner);
  visit(a.duz, t * 2 * inner);
  visit(a.duz_t, t * 2 * inner);
  visit(a.dproj, t * kProjection);
  visit(a.dproj_t, t * kProjection);
  visit(a.dh, kStates * inner);
  visit(a.exp_a, static_cast<std::size_t>(layers) * inner);
}

}  // namespace

template <class Real>
std::size_t SsmActivations<Real>::floats(int width, int layers) {
  SsmActivations<Real> a;
  std::size_t sum = 0;
  visit_arrays(a, width, layers, [&](Real*&, std::size_t n) { sum += n; });
  return sum;
}

template <class Real>
void SsmActivations<Real>::carve(Real* memory, int width, int layers) {
  visit_arrays(*this, width, layers, [&](Real*& array, std::size_t n) {
    array = memory;
    memory += n;
  });
}

template struct SsmActivations<float>;
template struct SsmActivations<double>;

SsmKernels<float> ssm_kernels_scalar(int width) {
  return make_ssm_kernels<VecScalar>(width);
}

SsmKernels<float> ssm_kernels(Isa isa, int width) {
  switch (isa) {
#if defined(__x86_64__)
    case Isa::kSse2:
      return ssm_kernels_sse2(width);
    case Isa::kAvx2:
      return ssm_kernels_avx2(width);
    case Isa::kAvx512:
      return ssm_kernels_avx512(width);
#elif defined(__ARM_NEON)
    case Isa::kNeon:
      return ssm_kernels_neon(width);
#endif
    default:
      return ssm_kernels_scalar(width);
  }
}

}  // namespace stateutils::statesmix
