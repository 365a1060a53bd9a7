// Maps of points of the unit cube, written as text: `normal(0,2)`, `baker|normal`,
// `normal:1-4;exponential(2):5`.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace stateutils::qmc {

// One stage of a map; every stage keeps the number of columns.
class Stage {
 public:
  Stage() = default;
  Stage(const Stage&) = delete;
  Stage& operator=(const Stage&) = delete;
  virtual ~Stage() = default;
  // In place, `rows` rows of `d` columns. Returns the first row whose input lies outside the
  // domain, if any.
  virtual std::optional<std::size_t> apply(double* x, std::size_t rows, std::size_t d) const = 0;
  // Multiplies `weights` by what an integrand must be multiplied by, for inputs `x`
  // (periodizations).
  virtual void weigh(const double*, std::size_t, std::size_t, double*) const {}
  [[nodiscard]] virtual bool has_weights() const { return false; }
  [[nodiscard]] virtual bool needs_open() const { return false; }    // infinite at 0 or 1
  [[nodiscard]] virtual bool reaches_ends() const { return false; }  // maps the inside to 0 or 1
};

class Transform {
 public:
  // kUsage for what is not understood or does not fit d columns.
  Transform(std::string_view spec, std::size_t d);
  ~Transform();
  Transform(Transform&&) noexcept;

  // Maps rows in place; kInput naming row `first` + i when one leaves the domain of a stage.
  // `weights`, if not null, is multiplied row by row.
  void apply(double* x, std::size_t rows, std::uint64_t first, const std::string& name,
             double* weights = nullptr) const;
  // Whether the first stage is infinite at 0 or 1, so that the points must avoid both.
  [[nodiscard]] bool needs_open() const;
  // Whether integrands must be weighted: apply() needs `weights`.
  [[nodiscard]] bool has_weights() const;
  [[nodiscard]] std::size_t columns() const { return d_; }

 private:
  std::size_t d_;
  std::vector<std::unique_ptr<Stage>> stages_;
};

// Rows of the matrix A with A A^T = covariance of Brownian motion at t_k = k T / d.
enum class PathMethod { kPca, kBridge, kCholesky };
[[nodiscard]] std::vector<double> brownian_matrix(std::size_t d, double horizon, PathMethod method);

}  // namespace stateutils::qmc
