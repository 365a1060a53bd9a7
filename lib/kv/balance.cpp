#include "kv/balance.hpp"

#include <algorithm>
#include <numeric>
#include <queue>

#include "core/error.hpp"

namespace stateutils::kv {
namespace {

using Items = std::vector<BalanceItem>;
using Places = std::vector<std::uint32_t>;  // device of each item

void sort_falling(Items& items) {
  std::ranges::sort(items, [](const BalanceItem& a, const BalanceItem& b) {
    return a.load != b.load ? a.load > b.load : a.length > b.length;
  });
}

Balance result_of(const Items& falling, const Places& device_of, std::uint32_t devices) {
  Balance balance;
  balance.groups.resize(devices);
  std::vector<double> loads(devices, 0);
  double total = 0;
  for (std::size_t i = 0; i < falling.size(); ++i) {
    balance.groups[device_of[i]].push_back(falling[i].length);
    loads[device_of[i]] += falling[i].load;
    total += falling[i].load;
  }
  balance.max = std::ranges::max(loads);
  balance.mean = total / devices;
  // No split of whole items does better than the mean or the largest one, nor than two of the
  // first devices + 1 on one device.
  balance.lower_bound = std::max(balance.mean, falling.front().load);
  if (falling.size() > devices) {
    balance.lower_bound =
        std::max(balance.lower_bound, falling[devices - 1].load + falling[devices].load);
  }
  return balance;
}

// Items in falling order, each to a device; a device as loaded as one tried before is skipped.
class Search {
 public:
  Search(const Items& items, std::uint32_t devices, double bound, double best, Places start)
      : items_(items),
        loads_(devices, 0),
        place_(items.size(), 0),
        best_place_(std::move(start)),
        bound_(bound),
        best_(best) {}
  const Places& run() {
    descend(0, 0);
    return best_place_;
  }

 private:
  void descend(std::size_t i, double highest) {
    if (best_ <= bound_) return;
    if (i == items_.size()) {
      best_ = highest;
      best_place_ = place_;
      return;
    }
    const double work = items_[i].load;
    for (std::uint32_t d = 0; d < loads_.size(); ++d) {
      const double load = loads_[d];
      if (load + work >= best_) continue;
      if (std::find(loads_.begin(), loads_.begin() + d, load) != loads_.begin() + d) continue;
      loads_[d] += work;
      place_[i] = d;
      descend(i + 1, std::max(highest, loads_[d]));
      loads_[d] = load;
    }
  }
  const Items& items_;
  std::vector<double> loads_;
  Places place_, best_place_;
  double bound_, best_;
};

using Least = std::priority_queue<std::pair<double, std::uint32_t>,
                                  std::vector<std::pair<double, std::uint32_t>>, std::greater<>>;

std::uint32_t to_least(Least& least, double work) {
  const auto [load, device] = least.top();
  least.pop();
  least.emplace(load + work, device);
  return device;
}

Places lpt_places(const Items& falling, std::uint32_t devices) {
  Least least;
  for (std::uint32_t d = 0; d < devices; ++d) least.emplace(0, d);
  Places place;
  for (const BalanceItem& item : falling) place.push_back(to_least(least, item.load));
  return place;
}

// Whole items of the wrap-around where they are, the split ones to the least loaded devices.
Places rounded_relaxation(const Items& falling, std::uint32_t devices) {
  double total = 0;
  for (const BalanceItem& item : falling) total += item.load;
  const double full = std::max(total / devices, falling.front().load);
  Places place(falling.size(), 0);
  std::vector<double> loads(devices, 0);
  std::vector<std::size_t> split;
  std::uint32_t device = 0;
  double filled = 0;
  for (std::size_t i = 0; i < falling.size(); ++i) {
    if (filled + falling[i].load <= full * (1 + 1e-12) || device + 1 == devices) {
      filled += falling[i].load;
      place[i] = device;
      loads[device] += falling[i].load;
    } else {
      split.push_back(i);
      filled += falling[i].load - full;
      ++device;
    }
  }
  Least least;
  for (std::uint32_t d = 0; d < devices; ++d) least.emplace(loads[d], d);
  for (const std::size_t i : split) place[i] = to_least(least, falling[i].load);
  return place;
}

// Moves of an item, and swaps of two, that lower the highest load.
class Improvement {
 public:
  Improvement(const Items& falling, Places& place, std::uint32_t devices)
      : items_(falling), place_(place), loads_(devices, 0), members_(devices) {
    for (std::size_t i = 0; i < items_.size(); ++i) {
      loads_[place_[i]] += items_[i].load;
      members_[place_[i]].push_back(i);
    }
  }
  void run() {
    while (budget_ > 0) {
      const auto highest =
          static_cast<std::uint32_t>(std::ranges::max_element(loads_) - loads_.begin());
      std::vector<std::uint32_t> others(loads_.size());
      std::iota(others.begin(), others.end(), 0u);
      std::ranges::stable_sort(others, {}, [this](std::uint32_t d) { return loads_[d]; });
      const bool better = std::ranges::any_of(
          others, [&](std::uint32_t other) { return other != highest && relieve(highest, other); });
      if (!better) return;
    }
  }

 private:
  static constexpr std::size_t kNothing = static_cast<std::size_t>(-1);

  void spend(std::size_t work) { budget_ -= std::min(work, budget_); }

  // Exchanges the items that bring the two loads nearest to each other, if that helps.
  bool relieve(std::uint32_t from, std::uint32_t to) {
    const double gap = loads_[from] - loads_[to];
    double best = gap;  // the distance left; less is better
    std::size_t give = kNothing, take = kNothing;
    const auto& theirs = members_[to];
    for (const std::size_t i : members_[from]) {
      const auto consider = [&](std::size_t j, double back) {
        const double moved = items_[i].load - back;
        const double left = std::abs(gap - 2 * moved);
        if (moved > 0 && moved < gap && left < best * (1 - 1e-12)) {
          best = left;
          give = i;
          take = j;
        }
      };
      consider(kNothing, 0);
      // Indices rise as loads fall: the first of theirs that is small enough, and the one before.
      const double wanted = items_[i].load - gap / 2;
      const auto at = std::ranges::partition_point(
          theirs, [&](std::size_t j) { return items_[j].load > wanted; });
      if (at != theirs.end()) consider(*at, items_[*at].load);
      if (at != theirs.begin()) consider(*(at - 1), items_[*(at - 1)].load);
    }
    if (give == kNothing) return false;
    move(give, from, to);
    if (take != kNothing) move(take, to, from);
    return true;
  }
  void move(std::size_t item, std::uint32_t from, std::uint32_t to) {
    auto& old = members_[from];
    old.erase(std::ranges::lower_bound(old, item));
    auto& fresh = members_[to];
    fresh.insert(std::ranges::lower_bound(fresh, item), item);
    loads_[from] -= items_[item].load;
    loads_[to] += items_[item].load;
    place_[item] = to;
  }

  const Items& items_;
  Places& place_;
  std::vector<double> loads_;
  std::vector<std::vector<std::size_t>> members_;  // items by device, in falling order
  std::size_t budget_ = 100'000'000;               // looks at items: seconds at most
};

}  // namespace

std::vector<BalanceItem> balance_items(const std::vector<std::uint64_t>& lengths, bool quadratic,
                                       std::uint64_t shard) {
  Items items;
  for (const std::uint64_t length : lengths) {
    const std::uint64_t piece = shard == 0 ? length : std::min(shard, length);
    if ((length + piece - 1) / piece > 10'000'000 - items.size()) {
      throw core::usage_error("more than 10^7 pieces: --shard is too small");
    }
    for (std::uint64_t from = 0; from < length; from += piece) {
      const std::uint64_t to = std::min(from + piece, length);
      const auto s = static_cast<double>(from), e = static_cast<double>(to);
      items.push_back({to - from, quadratic ? e * e - s * s : e - s});
    }
  }
  return items;
}

Balance balance_lpt(std::vector<BalanceItem> items, std::uint32_t devices) {
  sort_falling(items);
  return result_of(items, lpt_places(items, devices), devices);
}

Balance balance_exact(std::vector<BalanceItem> items, std::uint32_t devices) {
  if (items.size() > 24) {
    throw core::usage_error("--method exact is for at most 24 sequences, not " +
                            std::to_string(items.size()));
  }
  sort_falling(items);
  const Places start = lpt_places(items, devices);
  const Balance lpt = result_of(items, start, devices);
  Search search(items, devices, lpt.lower_bound, lpt.max, start);
  return result_of(items, search.run(), devices);
}

Balance balance_lp(std::vector<BalanceItem> items, std::uint32_t devices) {
  sort_falling(items);
  Places place = rounded_relaxation(items, devices);
  Improvement(items, place, devices).run();
  return result_of(items, place, devices);
}

}  // namespace stateutils::kv
