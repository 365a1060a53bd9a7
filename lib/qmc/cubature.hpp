// Adaptive cubature with error control.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "qmc/integrand.hpp"
#include "qmc/point_set.hpp"

namespace stateutils::qmc {

enum class Algorithm {
  kNetG,
  kLatticeG,
  kBayesNet,
  kBayesLattice,
  kRepT,
  kCltRep,
  kMcClt,
  kMcG,
  kMlmc,
  kMlqmc
};
[[nodiscard]] Algorithm parse_algorithm(const std::string& name);  // kUsage when unknown

// How the shape parameter of a Bayesian kernel is found, and with it the width of the bounds.
enum class BayesRule { kMle, kGcv, kFull };

struct Tolerance {
  double absolute = 1e-2, relative = 0;
  bool both = false;  // both must hold; else either
  [[nodiscard]] double at(double value) const;
};

// A function of the points whose integral is known.
struct Control {
  std::shared_ptr<const Integrand> function;
  double mean = 0;
};

struct CubatureOptions {
  Algorithm algorithm = Algorithm::kNetG;
  Tolerance tolerance;
  double confidence = 0.99;
  std::optional<std::uint64_t> n_init, n_max;
  std::optional<std::uint32_t> replications, guard;
  bool check_cone = false;
  BayesRule bayes = BayesRule::kMle;
  bool sensitivity = false;  // Sobol' indices; points.d is then the integrand's d
  std::vector<Control> controls;
  PointSpec points;  // sequence (empty: the algorithm's), d, seed, alpha
  std::size_t batch_rows = 4096, batches_at_once = 1;  // of the calls of the integrand
};

// One line of --trace: the state after a doubling.
struct CubatureStep {
  std::uint64_t n = 0;
  std::vector<double> integral, low, high;
  double wall_s = 0;
};

// What is known of one quantity: an integral, or a Sobol' index.
struct CubatureOutput {
  double integral = 0, low = 0, high = 0;
  bool converged = false;
  std::uint64_t n = 0;  // points per randomization
  std::optional<bool> cone_violation;
  std::optional<double> guard_spread;
};

struct CubatureResult {
  std::vector<CubatureOutput> outputs;  // with sensitivity: the mean, d closed and d total indices
  std::uint64_t n_total = 0;            // evaluations of the integrand
  std::string sequence, randomize;
  std::vector<CubatureStep> steps;
  [[nodiscard]] bool converged() const;
};

// Values at `rows` points of the open cube, row by row: y becomes rows x outputs. A call of more
// than batch_rows points is so many batches, numbered from 0 in the order of the calls.
using Evaluate = std::function<void(const double* u, std::size_t rows, std::vector<double>& y)>;

// A value that is NaN or infinite is kInput naming batch and row.
[[nodiscard]] CubatureResult integrate(const Evaluate& f, const CubatureOptions& options);
// mlmc and mlqmc, which take a path option and choose their points by level.
class PathOption;
[[nodiscard]] CubatureResult integrate_levels(const PathOption& option,
                                              const CubatureOptions& options);

}  // namespace stateutils::qmc
