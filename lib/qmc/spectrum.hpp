// One output of one randomization as the transform algorithms know it: the coefficients of its
// values, and what follows for the error of its mean. Internal.
#pragma once

#include <memory>
#include <vector>

#include "qmc/cubature.hpp"
#include "qmc/points.hpp"

namespace stateutils::qmc {

class Spectrum {
 public:
  Spectrum() = default;
  Spectrum(const Spectrum&) = delete;
  Spectrum& operator=(const Spectrum&) = delete;
  virtual ~Spectrum() = default;
  // The first values, 2^m0 of them, then each time as many as there are; `controls` likewise, one
  // vector for each control.
  virtual void add(std::vector<double> y, std::vector<std::vector<double>> controls) = 0;
  [[nodiscard]] virtual double mean() const = 0;
  [[nodiscard]] virtual double half_width() const = 0;
  // Whether the data contradict the decay that the bounds assume.
  [[nodiscard]] virtual bool violates_cone(unsigned m0) const = 0;
};

// Bounds by the decay of Walsh or Fourier coefficients (Hickernell and Jimenez Rugama 2016; Jimenez
// Rugama and Hickernell 2016); `control_means` belong to the controls (Hickernell, Jimenez Rugama
// and Li 2018).
[[nodiscard]] std::unique_ptr<Spectrum> decay_spectrum(bool lattice,
                                                       std::vector<double> control_means);

// The covariance kernel of the Bayesian algorithms over the first n points of one randomization,
// less 1: factors of the coordinates, and eigenvalues for a shape parameter.
class BayesKernel {
 public:
  BayesKernel(bool lattice, unsigned order, std::shared_ptr<const Points> points)
      : lattice_(lattice), order_(order), points_(std::move(points)) {}

  void extend(std::size_t n);
  [[nodiscard]] bool is_lattice() const { return lattice_; }
  [[nodiscard]] std::size_t size() const { return n_; }
  // The transform of the first column of K - 1: n values of a net, n/2 + 1 of a lattice, whose
  // other half is the same.
  [[nodiscard]] std::vector<double> eigenvalues(double theta) const;

 private:
  bool lattice_;
  unsigned order_;
  std::shared_ptr<const Points> points_;
  std::size_t n_ = 0;
  std::vector<std::vector<double>> factors_;  // by coordinate
};

// Credible intervals of a Gaussian process whose shape is fitted (Rathinavel and Hickernell 2019;
// Rathinavel 2019). The kernel is extended by its owner before add().
[[nodiscard]] std::unique_ptr<Spectrum> bayes_spectrum(std::shared_ptr<const BayesKernel> kernel,
                                                       BayesRule rule, double confidence);

}  // namespace stateutils::qmc
