#include "qmc/block_kernels.hpp"

#ifdef __x86_64__
#include <emmintrin.h>
#endif

#include <algorithm>
#include <bit>

#include "qmc/block_kernels_impl.hpp"

namespace stateutils::qmc {
namespace {

struct ScalarOps {
  using Reg = std::uint64_t;
  static constexpr std::size_t kLanes = 1;
  static Reg load(const std::uint64_t* p) { return *p; }
  static Reg load_any(const std::uint64_t* p) { return *p; }
  static Reg exclusive_or(Reg a, Reg b) { return a ^ b; }
  static Reg add(Reg a, Reg b) { return a + b; }
  template <Format kFormat>
  static void put(Reg word, void* out, std::size_t index) {
    convert_one<kFormat>(word, out, index);
  }
#ifdef __x86_64__
  static void stream_value(double value, double* out) {
    _mm_stream_si64(reinterpret_cast<long long*>(out), std::bit_cast<long long>(value));
  }
  static void fence() {
    _mm_sfence();
  }
#else
  static void stream_value(double value, double* out) {
    *out = value;
  }
  static void fence() {}
#endif
  static void stream(Reg word, double* out) {
    double value = 0;
    convert_one<Format::kF64>(word, &value, 0);
    stream_value(value, out);
  }
  static double unfold(Reg folded) {
    const auto x = std::bit_cast<double>(folded);
    return std::max(x, -0.5 - x);
  }
  static void put_folded(Reg folded, double* out) {
    *out = unfold(folded);
  }
  static void stream_folded(Reg folded, double* out) {
    stream_value(unfold(folded), out);
  }
};

}  // namespace

const BlockKernels kBlockKernelsScalar = make_block_kernels<ScalarOps>();

const BlockKernels& block_kernels(core::Isa isa) {
#ifdef __x86_64__
  if (isa == core::Isa::kAvx512) return kBlockKernelsAvx512;
  if (isa == core::Isa::kAvx2) return kBlockKernelsAvx2;
#endif
  (void)isa;
  return kBlockKernelsScalar;
}

const BlockKernels& block_kernels() {
  return block_kernels(core::active_isa());
}

}  // namespace stateutils::qmc
