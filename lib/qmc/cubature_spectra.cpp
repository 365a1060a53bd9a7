// net-g, lattice-g and the Bayesian algorithms: doublings until the coefficients say enough.
#include <algorithm>
#include <bit>
#include <cmath>

#include "core/error.hpp"
#include "qmc/cubature_parts.hpp"
#include "qmc/spectrum.hpp"

namespace stateutils::qmc {
namespace {

using core::usage_error;
constexpr unsigned kBayesOrder = 2;  // of the periodic kernel: twice differentiable integrands

struct Plan {
  bool lattice = false, bayes = false;
  std::uint64_t first = 0, last = 0;
  std::uint32_t guard = 1;
};

Plan plan_of(const CubatureOptions& o) {
  Plan plan;
  plan.lattice = o.algorithm == Algorithm::kLatticeG || o.algorithm == Algorithm::kBayesLattice;
  plan.bayes = o.algorithm == Algorithm::kBayesNet || o.algorithm == Algorithm::kBayesLattice;
  plan.guard = o.guard.value_or(plan.bayes ? 1 : 2);
  return plan;
}

void choose_sizes(const CubatureOptions& o, const PointSet& set, Plan& plan) {
  const std::uint64_t most = plan.lattice ? kLatticePoints : 1ull << (plan.bayes ? 22 : 30);
  plan.first = power_of_two(o.n_init.value_or(plan.bayes ? 256 : 1024), "--n-init");
  plan.last = power_of_two(o.n_max.value_or(set.largest_size(most)), "--n-max");
  if (plan.first < 64 || plan.last < plan.first) {
    throw usage_error("--n-init must be from 64 to --n-max");
  }
  set.require_rows(0, plan.last);
}

// The transforms know lattices and nets in base 2.
PointSet point_set_of(const CubatureOptions& o, const Integral& integral, const Plan& plan) {
  PointSet set = plan.lattice ? cubature_points(o, integral, "lattice", "shift")
                              : cubature_points(o, integral, "sobol", "lms+ds");
  const Sequence kind = set.sequence();
  if (plan.lattice ? kind != Sequence::kLattice
                   : kind != Sequence::kSobol && kind != Sequence::kNet) {
    throw usage_error(plan.lattice ? "--seq: this algorithm takes lattices"
                                   : "--seq: this algorithm takes nets in base 2");
  }
  return set;
}

// All randomizations of all outputs.
class Spectra {
 public:
  Spectra(const CubatureOptions& o, const Plan& plan, const PointSet& set) : o_(o), plan_(plan) {
    for (std::uint32_t r = 0; r < plan.guard; ++r) {
      points_.emplace_back(set.replication(r));
      // Shifts cancel in the differences that a lattice's kernel sees.
      if (plan.bayes && (r == 0 || !plan.lattice)) {
        kernels_.push_back(
            std::make_shared<BayesKernel>(plan.lattice, kBayesOrder, points_.back()));
      }
    }
  }

  void grow(Integral& integral, std::uint64_t n) {
    const std::uint64_t done = n == plan_.first ? 0 : n / 2;
    for (const auto& kernel : kernels_) kernel->extend(n);
    std::vector<double> y;
    for (std::uint32_t r = 0; r < plan_.guard; ++r) {
      integral.values(*points_[r], done, n - done, map(), y);
      const std::size_t outputs = integral.outputs(), width = integral.width();
      const auto column = [&](std::size_t k) {
        std::vector<double> values(n - done);
        for (std::size_t i = 0; i < values.size(); ++i) values[i] = y[i * width + k];
        return values;
      };
      std::vector<std::vector<double>> controls;
      for (std::size_t k = outputs; k < width; ++k) controls.push_back(column(k));
      spectra_.resize(outputs);
      for (std::size_t k = 0; k < outputs; ++k) {
        if (!integral.is_live(k)) continue;
        if (spectra_[k].size() <= r) spectra_[k].push_back(make(r));
        spectra_[k][r]->add(column(k), controls);
      }
    }
  }
  [[nodiscard]] const Spectrum& of(std::size_t output, std::uint32_t r) const {
    return *spectra_[output][r];
  }

 private:
  [[nodiscard]] Periodization map() const {
    if (!plan_.lattice) return Periodization::kNone;
    return plan_.bayes ? Periodization::kC1Sin : Periodization::kBaker;
  }
  [[nodiscard]] std::unique_ptr<Spectrum> make(std::uint32_t r) const {
    if (plan_.bayes) {
      return bayes_spectrum(kernels_[plan_.lattice ? 0 : r], o_.bayes, o_.confidence);
    }
    std::vector<double> means;
    for (const Control& control : o_.controls) means.push_back(control.mean);
    return decay_spectrum(plan_.lattice, std::move(means));
  }

  const CubatureOptions& o_;
  const Plan& plan_;
  std::vector<std::shared_ptr<const Points>> points_;
  std::vector<std::shared_ptr<BayesKernel>> kernels_;
  std::vector<std::vector<std::unique_ptr<Spectrum>>> spectra_;  // by output, randomization
};

// Each randomization must meet the tolerance and all must agree within it.
void judge(const Integral& integral, const Spectra& spectra, const Plan& plan,
           const CubatureOptions& o, std::size_t q, CubatureOutput& output) {
  const std::size_t outputs = integral.outputs();
  std::vector<double> mean(outputs), width(outputs), means(outputs);
  std::vector<Integral::Bounds> bounds(outputs);
  double lowest = 0, highest = 0;
  bool each = true, violated = false;
  const auto m0 = static_cast<unsigned>(std::countr_zero(plan.first));
  for (std::uint32_t r = 0; r < plan.guard; ++r) {
    for (std::size_t k = 0; k < outputs; ++k) {
      const Spectrum& spectrum = spectra.of(k, r);
      means[k] = spectrum.mean();
      mean[k] += means[k] / plan.guard;
      width[k] = std::max(width[k], spectrum.half_width());
      bounds[k] = {means[k] - spectrum.half_width(), means[k] + spectrum.half_width()};
    }
    CubatureOutput own;
    const Integral::Bounds range = integral.bounds(q, bounds);
    each = settle(own, range.low, range.high, o.tolerance) && each;
    const double value = integral.quantity(q, means);
    lowest = r == 0 ? value : std::min(lowest, value);
    highest = r == 0 ? value : std::max(highest, value);
    if (o.check_cone && !o.sensitivity) violated = spectra.of(q, r).violates_cone(m0) || violated;
  }
  for (std::size_t k = 0; k < outputs; ++k) bounds[k] = {mean[k] - width[k], mean[k] + width[k]};
  const Integral::Bounds range = integral.bounds(q, bounds);
  (void)settle(output, range.low, range.high, o.tolerance);
  if (!std::isfinite(output.integral)) output.integral = integral.quantity(q, mean);
  if (plan.guard > 1) output.guard_spread = highest - lowest;
  if (o.check_cone && !o.sensitivity) {
    output.cone_violation = output.cone_violation.value_or(false) || violated;
  }
  const double center = integral.quantity(q, mean);
  output.converged = each && (plan.guard == 1 || highest - lowest <= o.tolerance.at(center));
}

}  // namespace

CubatureResult integrate_spectra(Integral& integral, const CubatureOptions& o) {
  const Clock clock;
  Plan plan = plan_of(o);
  const PointSet set = point_set_of(o, integral, plan);
  choose_sizes(o, set, plan);
  if (plan.bayes && o.points.alpha != 1) throw usage_error("bayes-net takes --alpha 1 only");
  Spectra spectra(o, plan, set);
  CubatureResult result;
  for (std::uint64_t n = plan.first;; n *= 2) {
    spectra.grow(integral, n);
    result.outputs.resize(integral.quantities());
    bool all = true;
    for (std::size_t q = 0; q < result.outputs.size(); ++q) {
      CubatureOutput& output = result.outputs[q];
      if (output.converged && integral.has_tolerance(q)) continue;
      judge(integral, spectra, plan, o, q, output);
      output.n = n;
      if (!integral.has_tolerance(q)) output.converged = true;
      if (output.converged) integral.finish(q);
      all = all && output.converged;
    }
    result.n_total = integral.evaluations();
    result.steps.push_back(step_of(result, n, clock.seconds()));
    if (all || n >= plan.last) break;
  }
  result.sequence = set.spec().sequence;
  result.randomize = randomize_name(set.randomize());
  return result;
}

}  // namespace stateutils::qmc
