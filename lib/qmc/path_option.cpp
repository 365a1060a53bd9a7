#include "qmc/path_option.hpp"

#include <algorithm>
#include <cmath>

#include "core/error.hpp"

namespace stateutils::qmc {

PathOption::PathOption(Settings& s, std::size_t dates) : dates_(dates) {
  model_.start = s.positive("S0", 30);
  strike_ = s.positive("K", 35);
  model_.rate = s.number("r", 0);
  model_.volatility = s.positive("vol", 0.5);
  model_.horizon = s.positive("T", 1);
  put_ = s.choice("payoff", {"call", "put"}) == "put";
  discount_ = std::exp(-model_.rate * model_.horizon);
  if (s.name() == "asian") {
    kind_ = Kind::kAsian;
    geometric_ = s.choice("mean", {"arithmetic", "geometric"}) == "geometric";
  } else if (s.name() == "barrier") {
    kind_ = Kind::kBarrier;
    level_ = s.positive("B", 40);
    const std::string type = s.choice("type", {"up-out", "up-in", "down-out", "down-in"});
    up_ = type.starts_with("up");
    in_ = type.ends_with("in");
  }
}

PathOption PathOption::parse(std::string_view text, std::size_t dates) {
  Settings settings(text);
  if (settings.name() != "asian" && settings.name() != "barrier") {
    throw core::usage_error("mlmc and mlqmc take the integrands asian and barrier");
  }
  const double scale = settings.number("scale", 1);
  PathOption option(settings, dates);
  settings.require_all_used();
  option.scale_ = scale;
  return option;
}

double PathOption::pay(double price) const {
  return scale_ * discount_ * std::max(0.0, put_ ? strike_ - price : price - strike_);
}

// The trapezoid rule over S_0..S_count.
double PathOption::average(const double* path, std::size_t count, std::size_t stride) const {
  double sum = 0.5 * (geometric_ ? std::log(model_.start) : model_.start);
  for (std::size_t k = 0; k < count; ++k) {
    const double price = path[(k + 1) * stride - 1], value = geometric_ ? std::log(price) : price;
    sum += k + 1 < count ? value : 0.5 * value;
  }
  sum /= static_cast<double>(count);
  return geometric_ ? std::exp(sum) : sum;
}

double PathOption::payoff(const double* path, std::size_t count, std::size_t stride) const {
  const double last = path[count * stride - 1];
  switch (kind_) {
    case Kind::kAsian:
      return pay(average(path, count, stride));
    case Kind::kBarrier: {
      bool touched = false;
      for (std::size_t k = 1; k <= count && !touched; ++k) {
        const double price = path[k * stride - 1];
        touched = up_ ? price >= level_ : price <= level_;
      }
      return touched == in_ ? pay(last) : 0.0;
    }
    case Kind::kEuropean:
      break;
  }
  return pay(last);
}

}  // namespace stateutils::qmc
