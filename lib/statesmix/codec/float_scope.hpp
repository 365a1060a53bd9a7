// The floating-point environment of the codec: round to nearest, subnormals as IEEE 754 has them,
// whatever a foreign library has set. Restored on the way out.
#pragma once

#include <cstdint>

namespace stateutils::statesmix {

class FloatScope {
 public:
  FloatScope();
  FloatScope(const FloatScope&) = delete;
  FloatScope& operator=(const FloatScope&) = delete;
  ~FloatScope();

 private:
  std::uint64_t saved_ = 0;
};

}  // namespace stateutils::statesmix
