#include "kv/balance.hpp"

#include <algorithm>
#include <numeric>
#include <queue>

#include "core/error.hpp"

namespace stateutils::kv {
namespace {

double load_of(std::uint64_t length, bool quadratic) {
  const auto x = static_cast<double>(length);
  return quadratic ? x * x : x;
}

Balance result_of(const std::vector<std::uint64_t>& lengths,
                  const std::vector<std::uint32_t>& device_of, std::uint32_t devices,
                  bool quadratic) {
  Balance balance;
  balance.groups.resize(devices);
  std::vector<double> loads(devices, 0);
  double total = 0, longest = 0;
  for (std::size_t i = 0; i < lengths.size(); ++i) {
    const double load = load_of(lengths[i], quadratic);
    balance.groups[device_of[i]].push_back(lengths[i]);
    loads[device_of[i]] += load;
    total += load;
    longest = std::max(longest, load);
  }
  balance.max = std::ranges::max(loads);
  balance.mean = total / devices;
  // No split of whole sequences does better than the mean or the longest one, nor than two of the
  // first devices + 1 on one device.
  balance.lower_bound = std::max(balance.mean, longest);
  if (lengths.size() > devices) {
    balance.lower_bound = std::max(balance.lower_bound, load_of(lengths[devices - 1], quadratic) +
                                                            load_of(lengths[devices], quadratic));
  }
  return balance;
}

// Sequences in falling order, each to a device; a device as loaded as one tried before is skipped.
class Search {
 public:
  Search(const std::vector<std::uint64_t>& lengths, std::uint32_t devices, bool quadratic,
         double bound, double best, std::vector<std::uint32_t> start)
      : loads_(devices, 0),
        place_(lengths.size(), 0),
        best_place_(std::move(start)),
        bound_(bound),
        best_(best) {
    for (const std::uint64_t length : lengths) work_.push_back(load_of(length, quadratic));
  }
  const std::vector<std::uint32_t>& run() {
    descend(0, 0);
    return best_place_;
  }

 private:
  void descend(std::size_t i, double highest) {
    if (best_ <= bound_) return;
    if (i == work_.size()) {
      best_ = highest;
      best_place_ = place_;
      return;
    }
    for (std::uint32_t d = 0; d < loads_.size(); ++d) {
      const double load = loads_[d];
      if (load + work_[i] >= best_) continue;
      if (std::find(loads_.begin(), loads_.begin() + d, load) != loads_.begin() + d) continue;
      loads_[d] += work_[i];
      place_[i] = d;
      descend(i + 1, std::max(highest, loads_[d]));
      loads_[d] = load;
    }
  }
  std::vector<double> work_, loads_;
  std::vector<std::uint32_t> place_, best_place_;
  double bound_, best_;
};

std::vector<std::uint32_t> lpt_places(const std::vector<std::uint64_t>& falling,
                                      std::uint32_t devices, bool quadratic) {
  using Entry = std::pair<double, std::uint32_t>;
  std::priority_queue<Entry, std::vector<Entry>, std::greater<>> least;
  for (std::uint32_t d = 0; d < devices; ++d) least.push({0, d});
  std::vector<std::uint32_t> place;
  for (const std::uint64_t length : falling) {
    const auto [load, device] = least.top();
    least.pop();
    place.push_back(device);
    least.push({load + load_of(length, quadratic), device});
  }
  return place;
}

}  // namespace

Balance balance_lpt(std::vector<std::uint64_t> lengths, std::uint32_t devices, bool quadratic) {
  std::ranges::sort(lengths, std::greater<>());
  return result_of(lengths, lpt_places(lengths, devices, quadratic), devices, quadratic);
}

Balance balance_exact(std::vector<std::uint64_t> lengths, std::uint32_t devices, bool quadratic) {
  if (lengths.size() > 24) {
    throw core::usage_error("--method exact is for at most 24 sequences, not " +
                            std::to_string(lengths.size()));
  }
  std::ranges::sort(lengths, std::greater<>());
  const std::vector<std::uint32_t> start = lpt_places(lengths, devices, quadratic);
  const Balance lpt = result_of(lengths, start, devices, quadratic);
  Search search(lengths, devices, quadratic, lpt.lower_bound, lpt.max, start);
  return result_of(lengths, search.run(), devices, quadratic);
}

}  // namespace stateutils::kv
