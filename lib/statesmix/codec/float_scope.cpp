#include "statesmix/codec/float_scope.hpp"

#include <cfloat>
#if defined(__x86_64__)
#include <xmmintrin.h>
#else
#include <cfenv>
#endif

namespace stateutils::statesmix {

// Wider intermediate results (x87) would change every sum.
static_assert(FLT_EVAL_METHOD == 0);

#if defined(__x86_64__)
// 0x1F80: all exceptions masked, round to nearest, neither FTZ nor DAZ.
FloatScope::FloatScope() : saved_(_mm_getcsr()) {
  _mm_setcsr(0x1F80);
}
FloatScope::~FloatScope() {
  _mm_setcsr(static_cast<unsigned>(saved_));
}
#elif defined(__aarch64__)
FloatScope::FloatScope() {
  asm volatile("mrs %0, fpcr" : "=r"(saved_));
  const std::uint64_t plain = 0;
  asm volatile("msr fpcr, %0" ::"r"(plain));
}
FloatScope::~FloatScope() {
  asm volatile("msr fpcr, %0" ::"r"(saved_));
}
#else
FloatScope::FloatScope() : saved_(static_cast<std::uint64_t>(std::fegetround())) {
  std::fesetround(FE_TONEAREST);
}
FloatScope::~FloatScope() {
  std::fesetround(static_cast<int>(saved_));
}
#endif

}  // namespace stateutils::statesmix
