// Shift-invariant and digitally shift-invariant kernels, and their Gram matrices over the first
// 2^m points of a lattice or net: eigenvalues, products, solves in O(n log n).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "qmc/points.hpp"
#include "qmc/transforms.hpp"

namespace stateutils::qmc {

enum class KernelType { kShiftInvariant, kDigital };

// K(x, z) = scale prod_j (1 + gamma_j k_alpha_j(x_j - z_j)), the difference modulo 1 or digit by
// digit; `noise` is added to the diagonal.
struct KernelSpec {
  KernelType type = KernelType::kDigital;
  std::vector<unsigned> alpha;
  std::vector<double> gamma;
  double scale = 1, noise = 0;
};
// {"type":"si|dsi","alpha":[..]|a,"gamma":[..]|g,"scale":S,"noise":s2} for d dimensions; `name` is
// for messages. Wrong content is kUsage.
[[nodiscard]] KernelSpec parse_kernel(const std::string& json, const std::string& name,
                                      std::size_t d);

// (-1)^(alpha+1) (2 pi)^(2 alpha) / (2 alpha)! B_(2 alpha)(u) at u = word 2^-64.
[[nodiscard]] double si_kernel(unsigned alpha, std::uint64_t word);
// Walsh kernels of order 1 to 4 (order 1 with the factor 1/2 of the definition) at word 2^-64.
[[nodiscard]] double dsi_kernel(unsigned alpha, std::uint64_t word);
// B_degree(u).
[[nodiscard]] double bernoulli(unsigned degree, double u);

// Values of k_alpha_j(x_i - x_0) for the first n points, coordinate by coordinate: what a column of
// the Gram matrix is made of.
[[nodiscard]] std::vector<std::vector<double>> kernel_factors(const KernelSpec& kernel,
                                                              const Points& points, std::size_t n);
// K(x_i, x_0) without noise.
[[nodiscard]] std::vector<double> first_column(const KernelSpec& kernel, const Points& points,
                                               std::size_t n);

// Squared worst-case error of the mean of the first n points, n a power of two, in the space of a
// kernel over unrandomized points: (1/n) sum_i K(x_i, x_0) - scale.
[[nodiscard]] double squared_worst_case(const KernelSpec& kernel, const Points& points,
                                        std::size_t n);

// The matrix of a kernel over n points, diagonal in the transform that belongs to its type.
class Gram {
 public:
  // `column` is the first column; `diagonal` is added to the diagonal (noise and jitter).
  Gram(KernelType type, std::span<const double> column, double diagonal);

  [[nodiscard]] std::size_t size() const { return n_; }
  // n eigenvalues in transform order.
  [[nodiscard]] std::vector<double> eigenvalues() const;
  [[nodiscard]] std::vector<double> multiply(std::span<const double> y) const;
  // kInput naming the first eigenvalue that is not positive.
  [[nodiscard]] std::vector<double> solve(std::span<const double> y) const;
  [[nodiscard]] double log_determinant() const;
  void require_positive() const;

 private:
  [[nodiscard]] std::vector<double> apply(std::span<const double> y, bool inverse) const;

  KernelType type_;
  std::size_t n_;
  std::vector<double> lambda_;        // n for nets, n/2 + 1 for lattices
  std::shared_ptr<const FftBr> fft_;  // lattices
};

}  // namespace stateutils::qmc
