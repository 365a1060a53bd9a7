// Formulas and transforms: any text is understood or refused, never a crash.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/error.hpp"
#include "qmc/formula.hpp"
#include "qmc/transform.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace stateutils;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const double x[] = {0.25, 0.5, 0.75};
  // Series are written out: long ones take time, not memory safety.
  if (size < 200 && text.find("sum") == std::string_view::npos &&
      text.find("prod") == std::string_view::npos) {
    try {
      double y = 0;
      qmc::Formula(text, 3).evaluate(x, 1, &y);
    } catch (const core::Error&) {
    }
  }
  try {
    double row[] = {0.25, 0.5, 0.75};
    qmc::Transform(text, 3).apply(row, 1, 0, "x");
  } catch (const core::Error&) {
  }
  return 0;
}
