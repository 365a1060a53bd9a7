#include "qmc/normal_impl.hpp"

namespace stateutils::qmc {

const NormalKernels kNormalAvx2 = make_normal_kernels();

}  // namespace stateutils::qmc
