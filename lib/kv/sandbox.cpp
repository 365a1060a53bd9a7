#include "kv/sandbox.hpp"

#include <algorithm>
#include <cmath>
#include <map>

#include "core/error.hpp"
#include "core/signals.hpp"
#include "kv/table_rows.hpp"

namespace stateutils::kv {
namespace {

constexpr std::size_t kEnoughCalls = 3;
constexpr double kLongest = 7 * 86400;  // s of one run
constexpr std::uint64_t kMostSeconds = 100'000'000;

using RuleKind = SandboxRule::Kind;

struct Running {
  const SandboxRun* run = nullptr;
  std::size_t progress = 0, next_call = 0;  // s; of run->calls
  std::size_t sample = 0;                   // of run->samples, at this progress
  std::size_t entry = 0;                    // of this call among its tool's
  double reserved = 0, used = 0, before_call = 0;
  bool in_call = false, waits = false;
};

class Host {
 public:
  Host(const SandboxTable& table, const SandboxRule& rule)
      : table_(table), rule_(rule), added_(table.tools.size()) {}

  SandboxResult run() {
    std::size_t next = 0;
    while (next < table_.runs.size() || !running_.empty()) {
      core::check_stop();
      while (next < table_.runs.size() && start(table_.runs[next])) ++next;
      if (running_.empty()) continue;  // the next one was refused, or there is none
      account();
      second_ += 1;
      advance();
    }
    result_.makespan_s = second_;
    return std::move(result_);
  }

 private:
  // Whether the run is dealt with: started, or refused for good.
  bool start(const SandboxRun& run) {
    const double wanted = first_reservation(run);
    if (wanted > rule_.host_mb && running_.empty()) {
      ++result_.refused;
      return true;
    }
    if (reserved() + wanted > rule_.host_mb) return false;
    Running one;
    one.run = &run;
    one.reserved = wanted;
    one.used = one.before_call = run.samples.front().mb;
    running_.push_back(one);
    if (rule_.kind == RuleKind::kTool) reserve_for_call(running_.back());
    result_.most_running = std::max<std::uint64_t>(result_.most_running, running_.size());
    return true;
  }
  [[nodiscard]] double first_reservation(const SandboxRun& run) const {
    if (rule_.kind == RuleKind::kStatic) return rule_.limit_mb;
    const auto peaks = peaks_.find(run.model);
    const bool known = peaks != peaks_.end() && peaks->second.size() >= kEnoughCalls;
    const double learned = known ? rule_.margin * std::ranges::max(peaks->second) : rule_.limit_mb;
    return rule_.kind == RuleKind::kTool ? std::max(learned, run.samples.front().mb) : learned;
  }
  [[nodiscard]] double reserved() const {
    double sum = 0;
    for (const Running& one : running_) sum += std::max(one.reserved, one.used);
    return sum;
  }
  [[nodiscard]] double used() const {
    double sum = 0;
    for (const Running& one : running_) sum += one.used;
    return sum;
  }
  void account() {
    const double now = used();
    result_.reserved_mb_s += reserved();
    result_.used_mb_s += now;
    for (const Running& one : running_) {
      result_.waste_mb_s += std::max(0.0, one.reserved - one.used);
    }
    result_.most_used_mb = std::max(result_.most_used_mb, now);
  }

  void advance() {
    for (Running& one : running_) step(one);
    const bool stuck = std::ranges::all_of(running_, [](const Running& r) { return r.waits; });
    if (stuck && !running_.empty()) {
      running_.pop_back();
      ++result_.killed;
    }
    std::erase_if(running_, [this](const Running& one) { return ended(one); });
  }
  void step(Running& one) {
    const SandboxRun& run = *one.run;
    one.waits = false;
    if (one.progress + 1 >= run.seconds()) {
      ++one.progress;
      return;
    }
    const std::size_t next = one.sample + 1;
    const bool sampled = next < run.samples.size() && run.samples[next].second == one.progress + 1;
    const double wanted = sampled ? run.samples[next].mb : one.used;
    if (rule_.kind == RuleKind::kTool && wanted > one.used &&
        used() - one.used + wanted > rule_.host_mb) {
      one.waits = true;
      result_.throttled_s += 1;
      return;
    }
    ++one.progress;
    if (sampled) one.sample = next;
    one.used = wanted;
    if (rule_.kind == RuleKind::kTool) follow_calls(one);
  }
  // Ends and begins tool calls at this second of progress.
  void follow_calls(Running& one) {
    const auto& calls = one.run->calls;
    const auto now = static_cast<double>(one.progress);
    if (one.in_call && calls[one.next_call].end_s <= now) {
      one.in_call = false;
      ++one.next_call;
      one.reserved = one.used;
    }
    reserve_for_call(one);
  }
  void reserve_for_call(Running& one) {
    const auto& calls = one.run->calls;
    const auto now = static_cast<double>(one.progress);
    if (one.in_call) {
      double& added = added_[calls[one.next_call].tool][one.entry];
      added = std::max(added, one.used - one.before_call);
      return;
    }
    // Calls that began and ended within this second leave no sample.
    while (one.next_call < calls.size() && calls[one.next_call].end_s <= now) ++one.next_call;
    if (one.next_call < calls.size() && calls[one.next_call].start_s <= now) {
      auto& added = added_[calls[one.next_call].tool];
      one.in_call = true;
      one.before_call = one.used;
      one.reserved = one.used + soft_limit(added);
      one.entry = added.size();
      added.push_back(0);
    } else {
      one.reserved = one.used;
    }
  }
  [[nodiscard]] double soft_limit(const std::vector<double>& added) const {
    if (added.size() < kEnoughCalls) return rule_.limit_mb;
    // Of the last ones only: a tool's use changes, and the choice must not slow down with the
    // table.
    std::vector<double> recent(
        added.end() - static_cast<std::ptrdiff_t>(std::min<std::size_t>(added.size(), 100)),
        added.end());
    const auto at =
        static_cast<std::ptrdiff_t>(std::ceil(0.95 * static_cast<double>(recent.size())) - 1);
    std::ranges::nth_element(recent, recent.begin() + at);
    return rule_.margin * recent[static_cast<std::size_t>(at)];
  }
  bool ended(const Running& one) {
    if (rule_.kind != RuleKind::kTool && one.used > one.reserved) {
      ++result_.killed;
      return true;
    }
    if (one.progress < one.run->seconds()) return false;
    ++result_.finished;
    result_.completion.push_back(second_);
    peaks_[one.run->model].push_back(one.run->peak());
    return true;
  }

  const SandboxTable& table_;
  const SandboxRule& rule_;
  std::vector<std::vector<double>> added_;            // by tool: what its calls added, MB
  std::map<std::string, std::vector<double>> peaks_;  // by model
  std::vector<Running> running_;                      // by start
  double second_ = 0;
  SandboxResult result_;
};

}  // namespace

double SandboxRun::peak() const {
  double peak = 0;
  for (const MemorySample& sample : samples) peak = std::max(peak, sample.mb);
  return peak;
}

SandboxTable read_sandboxes(const std::string& memory, const std::string& memory_file,
                            const std::string& calls, const std::string& calls_file) {
  SandboxTable table;
  std::map<std::pair<std::string, std::string>, std::size_t> run_of;
  read_rows(memory, memory_file, {"model", "task", "t_s", "mem_mb"}, [&](const TableRow& row) {
    const auto [at, fresh] = run_of.emplace(std::pair{row.text(0), row.text(1)}, table.runs.size());
    if (fresh) table.runs.push_back({row.text(0), row.text(1), {}, {}});
    auto& samples = table.runs[at->second].samples;
    const auto second = static_cast<std::uint32_t>(row.number(2, 0, kLongest));
    const double mb = row.number(3, 0, 1e9);
    if (samples.empty()) {
      samples.push_back({0, mb});
    } else if (second < samples.back().second) {
      throw row.error("the time is before the one above");
    }
    if (second > samples.back().second) {
      samples.push_back({second, mb});
    } else {
      samples.back().mb = std::max(samples.back().mb, mb);
    }
  });
  if (calls.empty()) return table;
  std::map<std::string, std::uint32_t> tool_of;
  read_rows(calls, calls_file, {"model", "task", "tool", "start_s", "duration_s"},
            [&](const TableRow& row) {
              const auto run = run_of.find({row.text(0), row.text(1)});
              if (run == run_of.end()) return;
              const auto [tool, fresh] =
                  tool_of.emplace(row.text(2), static_cast<std::uint32_t>(table.tools.size()));
              if (fresh) table.tools.push_back(row.text(2));
              // Before the first sample of memory where the clocks of the two tables began apart.
              const double start = row.number(3, -kLongest, kLongest);
              table.runs[run->second].calls.push_back(
                  {start, start + row.number(4, 0, kLongest), tool->second});
            });
  for (SandboxRun& run : table.runs) {
    std::ranges::stable_sort(run.calls, {}, &SandboxCall::start_s);
  }
  return table;
}

SandboxRule::Kind parse_sandbox_policy(const std::string& text) {
  if (text == "static") return RuleKind::kStatic;
  if (text == "history") return RuleKind::kHistory;
  if (text == "tool") return RuleKind::kTool;
  throw core::usage_error("--policy " + core::quoted(text) + " is none of static, history, tool");
}

SandboxResult simulate_sandboxes(const SandboxTable& table, const SandboxRule& rule) {
  std::uint64_t seconds = 0;
  for (const SandboxRun& run : table.runs) seconds += run.seconds();
  if (seconds > kMostSeconds) throw core::usage_error("the runs last more than 10^8 s together");
  return Host(table, rule).run();
}

}  // namespace stateutils::kv
