#include "core/heap.hpp"

#include <malloc.h>

#include <algorithm>
#include <limits>

namespace stateutils::core {

void set_heap(const HeapHabits& habits) {
#ifdef __GLIBC__
  const auto set = [](int what, std::uint64_t bytes) {
    constexpr std::uint64_t kMost = std::numeric_limits<int>::max();
    if (bytes > 0) (void)::mallopt(what, static_cast<int>(std::min(bytes, kMost)));
  };
  set(M_TOP_PAD, habits.step);
  set(M_MMAP_THRESHOLD, habits.mapped);
  set(M_TRIM_THRESHOLD, habits.kept);
#else
  (void)habits;
#endif
}

}  // namespace stateutils::core
