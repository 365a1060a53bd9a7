// Models, mixtures, blocks and kernels: any text is understood or refused, never a crash.
#include <cstddef>
#include <cstdint>
#include <string>

#include "core/error.hpp"
#include "qmc/diffusion.hpp"
#include "qmc/inference.hpp"
#include "qmc/kernels.hpp"
#include "qmc/posterior.hpp"

namespace {

template <class Parse>
void attempt(const Parse& parse) {
  try {
    parse();
  } catch (const stateutils::core::Error&) {
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace stateutils;
  const std::string text(reinterpret_cast<const char*>(data), size);
  attempt([&] {
    const auto model = qmc::parse_chain(text, "model");
    if (model->length() <= 16) {
      (void)qmc::run_inference(*model, qmc::parse_blocks("extend;resample:residual;mh:1"), 4, 2, 1,
                               1);
    }
  });
  attempt([&] { (void)qmc::parse_mixture(text, "mixture"); });
  attempt([&] { (void)qmc::parse_linear_problem(text, "problem"); });
  attempt([&] { (void)qmc::parse_blocks(text); });
  attempt([&] { (void)qmc::parse_kernel(text, "kernel", 2); });
  return 0;
}
