// What the cubature algorithms share: points in, values out, tolerance rule, clock. Internal.
#pragma once

#include <chrono>
#include <span>

#include "qmc/cubature.hpp"

namespace stateutils::qmc {

class Clock {
 public:
  [[nodiscard]] double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

// Maps of the cube onto itself that make integrands periodic.
enum class Periodization { kNone, kBaker, kC1Sin };

// The integrand as the algorithms see it: outputs that are means, and quantities that are functions
// of those means. Counts batches and evaluations, and refuses values that are not finite.
class Integral {
 public:
  Integral(const Evaluate& f, const CubatureOptions& options)
      : f_(f), options_(options), d_(options.points.d.value_or(0)) {}

  // Dimensions of the points that values() takes.
  [[nodiscard]] std::size_t dims() const { return options_.sensitivity ? 2 * d_ : d_; }
  // Values at points first.. of `points`: rows x width(), the controls last.
  void values(const Points& points, std::uint64_t first, std::uint64_t rows, Periodization map,
              std::vector<double>& y);
  // Known after the first values().
  [[nodiscard]] std::size_t outputs() const { return outputs_; }
  [[nodiscard]] std::size_t width() const { return outputs_ + options_.controls.size(); }
  [[nodiscard]] std::size_t quantities() const;
  [[nodiscard]] std::uint64_t evaluations() const { return evaluations_; }

  struct Bounds {
    double low, high;
  };
  // The quantity at given means, and its bounds for bounds of the means; unbounded where a
  // denominator may vanish.
  [[nodiscard]] double quantity(std::size_t q, std::span<const double> means) const;
  [[nodiscard]] Bounds bounds(std::size_t q, std::span<const Bounds> means) const;
  // Whether the tolerance applies to the quantity.
  [[nodiscard]] bool has_tolerance(std::size_t q) const { return !options_.sensitivity || q > 0; }
  // A quantity that needs no more values; what nobody needs is not evaluated again.
  void finish(std::size_t q);
  [[nodiscard]] bool is_live(std::size_t output) const { return live_.empty() || live_[output]; }

 private:
  void call(const double* u, std::size_t rows, std::vector<double>& y);
  void pick_freeze(const double* u, std::size_t rows, std::vector<double>& y);

  const Evaluate& f_;
  const CubatureOptions& options_;
  std::size_t d_, outputs_ = 0, integrand_outputs_ = 0;
  std::vector<bool> live_, finished_;
  std::uint64_t batches_ = 0, evaluations_ = 0;
  std::vector<double> points_, stack_, raw_, extra_;
};

// Sets bounds and estimate of the tolerance rule; true when high - low <= err(low) + err(high).
bool settle(CubatureOutput& output, double low, double high, const Tolerance& tolerance);

[[nodiscard]] std::uint64_t power_of_two(std::uint64_t n, const char* option);
[[nodiscard]] PointSet cubature_points(const CubatureOptions& options, const Integral& integral,
                                       const char* sequence, const char* randomize);
[[nodiscard]] CubatureStep step_of(const CubatureResult& result, std::uint64_t n, double seconds);

// What does not go together is kUsage.
void check_cubature_options(const CubatureOptions& options);

[[nodiscard]] CubatureResult integrate_spectra(Integral& integral, const CubatureOptions& options);
[[nodiscard]] CubatureResult integrate_replicated(Integral& integral,
                                                  const CubatureOptions& options);
[[nodiscard]] CubatureResult integrate_monte_carlo(Integral& integral,
                                                   const CubatureOptions& options);

}  // namespace stateutils::qmc
