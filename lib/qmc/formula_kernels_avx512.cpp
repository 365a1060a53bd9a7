#include "qmc/formula_kernels_impl.hpp"

namespace stateutils::qmc {

const FormulaKernels kFormulaAvx512 = make_formula_kernels();

}  // namespace stateutils::qmc
