// European, Asian and barrier options on geometric Brownian motion seen at equal dates.
#pragma once

#include <cstddef>
#include <string_view>

#include "qmc/settings.hpp"

namespace stateutils::qmc {

struct PathModel {
  double start = 30, rate = 0, volatility = 0.5, horizon = 1;
};

class PathOption {
 public:
  // Takes the keys of the options out of `settings`, whose name is european, asian or barrier.
  PathOption(Settings& settings, std::size_t dates);
  // "asian:K=..." as on a command line, `scale` included; kUsage for any other integrand.
  static PathOption parse(std::string_view text, std::size_t dates);

  [[nodiscard]] const PathModel& model() const { return model_; }
  [[nodiscard]] std::size_t dates() const { return dates_; }
  // The discounted payoff of `count` prices, taken from every `stride`-th entry of `path` (the
  // last of each group).
  [[nodiscard]] double payoff(const double* path, std::size_t count, std::size_t stride) const;

 private:
  enum class Kind { kEuropean, kAsian, kBarrier };
  [[nodiscard]] double pay(double price) const;
  [[nodiscard]] double average(const double* path, std::size_t count, std::size_t stride) const;

  Kind kind_ = Kind::kEuropean;
  PathModel model_;
  std::size_t dates_ = 1;
  double strike_ = 35, level_ = 40, discount_ = 1, scale_ = 1;
  bool put_ = false, geometric_ = false, up_ = true, in_ = false;
};

}  // namespace stateutils::qmc
