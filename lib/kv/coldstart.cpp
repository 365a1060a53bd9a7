#include "kv/coldstart.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <queue>

#include "core/error.hpp"
#include "core/rng.hpp"
#include "core/units.hpp"
#include "kv/draws.hpp"
#include "kv/table_rows.hpp"

namespace stateutils::kv {
namespace {

constexpr double kColdMean = 3.24, kColdDeviation = 7.10, kGapMean = 1.25, kGapDeviation = 3.66;
constexpr std::uint32_t kBins = 4 * 3600;
constexpr std::uint64_t kEnough = 10;

class NumberedNames {
 public:
  explicit NumberedNames(std::vector<std::string>& names) : names_(names) {}
  std::uint32_t operator()(const std::string& name) {
    const auto [at, fresh] = known_.emplace(name, static_cast<std::uint32_t>(names_.size()));
    if (fresh) names_.push_back(name);
    return at->second;
  }

 private:
  std::vector<std::string>& names_;
  std::map<std::string, std::uint32_t> known_;
};

// Idle gaps of a function or a trigger, in bins of 1 s, as "Serverless in the Wild" (ATC'20) keeps
// them in minutes.
class GapHistogram {
 public:
  void add(double gap) {
    const auto bin = static_cast<std::uint32_t>(std::min(gap, kBins - 1.0));
    if (count_ == 0) cover_ = bin;
    ++bins_[bin];
    ++count_;
    if (bin <= cover_) ++within_;
    while (!covers(within_)) {
      const auto next = bins_.upper_bound(cover_);
      cover_ = next->first;
      within_ += next->second;
    }
    for (auto at = bins_.find(cover_); at != bins_.begin() && covers(within_ - at->second);) {
      within_ -= at->second;
      cover_ = (--at)->first;
    }
  }
  // The end of the first bin up to which 99 % of the gaps are.
  [[nodiscard]] double keep(double otherwise) const {
    return count_ < kEnough ? otherwise : cover_ + 1.0;
  }

 private:
  [[nodiscard]] bool covers(std::uint64_t within) const { return within * 100 >= count_ * 99; }
  std::map<std::uint32_t, std::uint64_t> bins_;  // only those that hold gaps
  std::uint32_t cover_ = 0;
  std::uint64_t count_ = 0, within_ = 0;  // gaps; of those, up to the end of bin cover_
};

struct IdlePod {
  double since = 0, until = 0, born = 0, cold = 0, kept = 0;
};

class Coldstart {
 public:
  Coldstart(const CallTable& table, const KeepAlive& policy, std::uint32_t pool,
            const ColdTimes& cold, std::uint64_t seed)
      : table_(table),
        policy_(policy),
        cold_(cold),
        rng_(seed, 0xc01d),
        usual_(LogNormal::of(kColdMean, kColdDeviation)),
        gaps_(policy.kind == KeepAlive::Kind::kTrigger ? table.triggers.size()
                                                       : table.functions.size()),
        idle_(table.functions.size()),
        last_end_(table.functions.size(), -1) {
    for (std::uint32_t i = 0; i < pool; ++i) ready_.push(0);
  }

  ColdstartResult run() {
    for (const FunctionCall& call : table_.calls) {
      fall_idle(call.t);
      expire(call.function, call.t);
      if (policy_.kind != KeepAlive::Kind::kFixed) note_gap(call);
      serve(call);
    }
    fall_idle(INFINITY);
    for (std::uint32_t f = 0; f < idle_.size(); ++f) expire(f, INFINITY);
    return std::move(result_);
  }

 private:
  void fall_idle(double now) {
    while (!ends_.empty() && ends_.top().first <= now) {
      const auto [since, entry] = ends_.top();
      ends_.pop();
      const Busy& pod = busy_[entry];
      const double keep = policy_.kind == KeepAlive::Kind::kFixed
                              ? policy_.fixed_s
                              : gaps_[group(pod.call)].keep(policy_.fixed_s);
      idle_[pod.call.function].push_back({since, since + keep, pod.born, pod.cold, keep});
    }
  }
  void expire(std::uint32_t function, double now) {
    std::erase_if(idle_[function], [&](const IdlePod& pod) {
      if (pod.until >= now) return false;
      result_.idle_s += pod.kept;
      end_of(pod);
      return true;
    });
  }
  void end_of(const IdlePod& pod) {
    if (pod.cold > 0) result_.utility.push_back((pod.since - pod.born) / pod.cold);
  }
  [[nodiscard]] std::size_t group(const FunctionCall& call) const {
    return policy_.kind == KeepAlive::Kind::kTrigger ? call.trigger : call.function;
  }
  void note_gap(const FunctionCall& call) {
    const double last = last_end_[call.function];
    if (last >= 0) gaps_[group(call)].add(std::max(0.0, call.t - last));
  }
  void serve(const FunctionCall& call) {
    ++result_.calls;
    result_.busy_s += call.exec_s;
    double start = call.t, born = call.t, cold = 0;
    auto& pods = idle_[call.function];
    if (!pods.empty()) {
      // Pods stand in the order in which they fell idle.
      const IdlePod pod = pods.back();
      pods.pop_back();
      result_.idle_s += call.t - pod.since;
      born = pod.born;
      cold = pod.cold;
    } else if (!ready_.empty() && ready_.top() <= call.t) {
      ready_.pop();
      cold = draw();
      ready_.push(call.t + cold);
      ++result_.pool_hits;
    } else {
      cold = draw();
      start += cold;
      ++result_.cold;
      result_.waits.push_back(cold);
    }
    const double end = start + call.exec_s;
    last_end_[call.function] = std::max(last_end_[call.function], end);
    ends_.emplace(end, busy_.size());
    busy_.push_back({call, born, cold});
  }
  double draw() {
    if (cold_.constant) return *cold_.constant;
    if (!cold_.measured.empty()) return cold_.measured[rng_.below(cold_.measured.size())];
    return usual_.draw(rng_);
  }

  struct Busy {
    FunctionCall call;
    double born, cold;
  };
  const CallTable& table_;
  const KeepAlive& policy_;
  const ColdTimes& cold_;
  core::Rng rng_;
  LogNormal usual_;
  std::vector<GapHistogram> gaps_;
  std::vector<std::vector<IdlePod>> idle_;  // by function
  std::vector<double> last_end_;
  std::vector<Busy> busy_;  // every use of a pod
  using End = std::pair<double, std::size_t>;
  std::priority_queue<End, std::vector<End>, std::greater<>> ends_;
  std::priority_queue<double, std::vector<double>, std::greater<>> ready_;
  ColdstartResult result_;
};

}  // namespace

CallTable read_calls(const std::string& text, const std::string& file) {
  CallTable table;
  NumberedNames function(table.functions), trigger(table.triggers);
  read_rows(text, file, {"t", "function", "trigger", "exec_s"}, [&](const TableRow& row) {
    FunctionCall call;
    call.t = row.number(0, 0, 1e12);
    call.function = function(row.text(1));
    call.trigger = trigger(row.text(2));
    call.exec_s = row.number(3, 0, 1e9);
    if (!table.calls.empty() && call.t < table.calls.back().t) {
      throw row.error("the time is before the one above");
    }
    table.calls.push_back(call);
  });
  return table;
}

std::vector<Pod> read_pods(const std::string& text, const std::string& file) {
  std::vector<Pod> pods;
  read_rows(text, file, {"start", "end", "cold_s"}, [&](const TableRow& row) {
    const Pod pod{row.number(0, 0, 1e12), row.number(1, 0, 1e12), row.number(2, 0, 1e9)};
    if (pod.end < pod.start) throw row.error("the pod ends before it starts");
    if (pod.cold_s <= 0) throw row.error("a cold start of no time");
    pods.push_back(pod);
  });
  return pods;
}

CallTable generated_calls(std::uint64_t calls, std::uint32_t functions, double exec_s,
                          std::uint64_t seed) {
  CallTable table;
  table.triggers = {"generated"};
  std::vector<double> shares;
  double all = 0;
  for (std::uint32_t f = 0; f < functions; ++f) {
    table.functions.push_back("f" + std::to_string(f));
    shares.push_back(all += std::exp2(-static_cast<double>(std::min(f, 6u))));
  }
  core::Rng rng(seed, 0xca11);
  const Weibull gaps = Weibull::of(kGapMean, kGapDeviation);
  double t = 0;
  for (std::uint64_t i = 0; i < calls; ++i, t += gaps.draw(rng)) {
    const auto at = std::ranges::upper_bound(shares, rng.unit() * all) - shares.begin();
    const auto f = std::min(static_cast<std::uint32_t>(at), functions - 1);
    table.calls.push_back({t, exec_s, f, 0});
  }
  return table;
}

KeepAlive parse_keep_alive(const std::string& text) {
  KeepAlive policy;
  policy.name = text;
  if (text == "histogram") {
    policy.kind = KeepAlive::Kind::kHistogram;
  } else if (text == "trigger") {
    policy.kind = KeepAlive::Kind::kTrigger;
  } else {
    const auto time =
        text.starts_with("fixed:") ? core::parse_duration(text.substr(6)) : std::nullopt;
    if (!time || time->ns < 0) {
      throw core::usage_error("--policy " + core::quoted(text) +
                              " is none of fixed:TIME, histogram, trigger");
    }
    policy.fixed_s = static_cast<double>(time->ns) / 1e9;
  }
  return policy;
}

ColdstartResult simulate_coldstart(const CallTable& table, const KeepAlive& policy,
                                   std::uint32_t pool, const ColdTimes& cold, std::uint64_t seed) {
  return Coldstart(table, policy, pool, cold, seed).run();
}

std::vector<double> pod_utility(const std::vector<Pod>& pods, double keep_alive) {
  std::vector<double> ratios;
  for (const Pod& pod : pods) ratios.push_back((pod.end - pod.start - keep_alive) / pod.cold_s);
  return ratios;
}

}  // namespace stateutils::kv
