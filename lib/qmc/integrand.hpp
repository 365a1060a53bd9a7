// Integrands over the unit cube: published test functions with their own measures, and formulas.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace stateutils::qmc {

class Integrand {
 public:
  Integrand() = default;
  Integrand(const Integrand&) = delete;
  Integrand& operator=(const Integrand&) = delete;
  virtual ~Integrand() = default;
  [[nodiscard]] virtual std::size_t dims() const = 0;
  // Values at `rows` points of the open unit cube, row by row.
  virtual void evaluate(const double* u, std::size_t rows, double* y) const = 0;
  // The transform from the cube to what the function sees; empty for none.
  [[nodiscard]] virtual std::string measure() const = 0;
};

// "NAME" or "NAME:key=value,..." of the built-in functions; kUsage for an unknown name, key or
// dimension. `is_built_in` tells a name from a formula.
[[nodiscard]] bool is_built_in(std::string_view text);
[[nodiscard]] std::unique_ptr<Integrand> built_in_integrand(std::string_view text, std::size_t d);

// A formula in x1..xd, x[i], d, pi; see the manual page. `measure` is a transform, or empty.
[[nodiscard]] std::unique_ptr<Integrand> formula_integrand(std::string_view text, std::size_t d,
                                                           const std::string& measure);

}  // namespace stateutils::qmc
