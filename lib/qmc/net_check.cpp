#include "qmc/net_check.hpp"

#include <algorithm>

namespace stateutils::qmc {
namespace {

std::uint64_t power_of(std::uint64_t base, unsigned exponent) {
  std::uint64_t result = 1;
  for (unsigned i = 0; i < exponent; ++i) result *= base;
  return result;
}

class Checker {
 public:
  Checker(std::span<const std::uint64_t> cells, std::size_t d, std::uint32_t base, unsigned m,
          std::size_t projections)
      : cells_(cells), d_(d), base_(base), m_(m), most_(std::min(d, projections)) {}

  // The first interval of volume b^-u, if any, without its share of the points. Shapes go through
  // all ways to share u divisions among at most `projections` coordinates, in lexical order.
  std::optional<FailingInterval> first_failing(unsigned u) {
    std::vector<unsigned> powers(d_);
    return search(powers, 0, u, 0);
  }

 private:
  std::optional<FailingInterval> search(std::vector<unsigned>& powers, std::size_t dim,
                                        unsigned left, std::size_t used) {
    if (left == 0) return test(powers);
    if (dim == d_ || used == most_) return std::nullopt;
    const bool last = dim + 1 == d_ || used + 1 == most_;
    for (unsigned k = last && dim + 1 == d_ ? left : 0; k <= left; ++k) {
      powers[dim] = k;
      auto found = search(powers, dim + 1, left - k, used + (k > 0 ? 1 : 0));
      powers[dim] = 0;
      if (found) return found;
    }
    return std::nullopt;
  }

  std::optional<FailingInterval> test(const std::vector<unsigned>& powers) {
    std::vector<std::size_t> dims;
    std::vector<std::uint64_t> divisors, factors;
    std::uint64_t intervals = 1;
    for (std::size_t j = 0; j < d_; ++j) {
      if (powers[j] == 0) continue;
      dims.push_back(j);
      divisors.push_back(power_of(base_, m_ - powers[j]));
      factors.push_back(power_of(base_, powers[j]));
      intervals *= factors.back();
    }
    counts_.assign(intervals, 0);
    const std::size_t n = d_ == 0 ? 0 : cells_.size() / d_;
    for (std::size_t i = 0; i < n; ++i) {
      std::uint64_t index = 0;
      for (std::size_t k = 0; k < dims.size(); ++k) {
        index = index * factors[k] + cells_[i * d_ + dims[k]] / divisors[k];
      }
      ++counts_[index];
    }
    const std::uint64_t expected = n / intervals;
    for (std::uint64_t index = 0; index < intervals; ++index) {
      if (counts_[index] == expected) continue;
      FailingInterval failing{
          dims, {}, std::vector<std::uint64_t>(dims.size()), counts_[index], expected};
      for (const std::size_t j : dims) failing.powers.push_back(powers[j]);
      for (std::size_t k = dims.size(); k-- > 0; index /= factors[k]) {
        failing.parts[k] = index % factors[k];
      }
      return failing;
    }
    return std::nullopt;
  }

  std::span<const std::uint64_t> cells_;
  std::size_t d_;
  std::uint32_t base_;
  unsigned m_;
  std::size_t most_;
  std::vector<std::uint32_t> counts_;
};

}  // namespace

NetReport check_net(std::span<const std::uint64_t> cells, std::size_t d, std::uint32_t base,
                    unsigned m, std::size_t projections, std::optional<unsigned> t_allowed) {
  Checker checker(cells, d, base, m, projections);
  NetReport report;
  report.t = m;  // volume 1 holds all points
  for (unsigned u = 1; u <= m; ++u) {
    auto failing = checker.first_failing(u);
    if (failing) {
      report.failing = std::move(failing);
      break;
    }
    report.t = m - u;
  }
  if (t_allowed) {
    report.failing.reset();
    if (report.t > *t_allowed) report.failing = checker.first_failing(m - *t_allowed);
  }
  return report;
}

}  // namespace stateutils::qmc
