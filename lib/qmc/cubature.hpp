// Adaptive cubature with error control.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "qmc/point_set.hpp"

namespace stateutils::qmc {

enum class Algorithm { kNetG, kLatticeG, kRepT, kCltRep, kMcClt, kMcG };
[[nodiscard]] Algorithm parse_algorithm(const std::string& name);  // kUsage when unknown

struct Tolerance {
  double absolute = 1e-2, relative = 0;
  bool both = false;  // both must hold; else either
  [[nodiscard]] double at(double value) const;
};

struct CubatureOptions {
  Algorithm algorithm = Algorithm::kNetG;
  Tolerance tolerance;
  double confidence = 0.99;
  std::optional<std::uint64_t> n_init, n_max;
  std::optional<std::uint32_t> replications;
  std::uint32_t guard = 2;
  bool check_cone = false;
  PointSpec points;  // sequence (empty: the algorithm's), d, seed, alpha
  int threads = 1;
};

// One line of --trace: the state after a doubling.
struct CubatureStep {
  std::uint64_t n = 0;
  double integral = 0, low = 0, high = 0, wall_s = 0;
};

struct CubatureResult {
  double integral = 0, low = 0, high = 0;
  bool converged = false;
  std::uint64_t n = 0, n_total = 0;
  std::string sequence, randomize;
  std::optional<bool> cone_violation;
  std::optional<double> guard_spread;
  std::vector<CubatureStep> steps;
};

// Values at `rows` points of the open cube; batches are numbered from 0 in the order of the calls.
using Evaluate = std::function<void(const double* u, std::size_t rows, double* y)>;

// A value that is NaN or infinite is kInput naming batch and row.
[[nodiscard]] CubatureResult integrate(const Evaluate& f, const CubatureOptions& options);

// Quantile of Student's t distribution.
[[nodiscard]] double student_quantile(double p, double degrees);

}  // namespace stateutils::qmc
