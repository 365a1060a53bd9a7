#include "qmc/formula_kernels.hpp"

#include "qmc/formula_kernels_impl.hpp"

namespace stateutils::qmc {

const FormulaKernels kFormulaScalar = make_formula_kernels<double>();

const FormulaKernels& formula_kernels(core::Isa isa) {
#ifdef __x86_64__
  if (isa == core::Isa::kAvx512) return kFormulaAvx512;
  if (isa == core::Isa::kAvx2) return kFormulaAvx2;
#endif
  (void)isa;
  return kFormulaScalar;
}

}  // namespace stateutils::qmc
