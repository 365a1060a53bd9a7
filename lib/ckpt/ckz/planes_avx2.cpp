#include "ckpt/ckz/plane_loops.hpp"

namespace stateutils::ckpt::ckz {

const PlaneKernels& plane_kernels_avx2() {
  return kKernels;
}

}  // namespace stateutils::ckpt::ckz
