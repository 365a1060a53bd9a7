#include "qmc/transforms_impl.hpp"

namespace stateutils::qmc {

const TransformKernels kTransformsAvx512 = make_transform_kernels();

}  // namespace stateutils::qmc
