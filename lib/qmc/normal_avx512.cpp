#include "qmc/normal_impl.hpp"

namespace stateutils::qmc {

const NormalKernels kNormalAvx512 = make_normal_kernels();

}  // namespace stateutils::qmc
