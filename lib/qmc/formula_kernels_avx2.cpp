#include "qmc/formula_kernels_impl.hpp"

namespace stateutils::qmc {

const FormulaKernels kFormulaAvx2 = make_formula_kernels();

}  // namespace stateutils::qmc
