#include "sbus/bench.hpp"

#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <queue>
#include <random>
#include <utility>

#include "core/error.hpp"
#include "core/rng.hpp"
#include "core/signals.hpp"
#include "sbus/clock.hpp"

namespace stateutils::sbus {
namespace {

constexpr std::int64_t kSilence = 30'000'000'000;  // a server that says nothing for so long is gone

struct Agent {
  Agent(std::uint64_t seed, std::uint64_t number) : rng(seed, number) {}

  std::unique_ptr<BenchSession> session;
  core::Rng rng;
  std::vector<std::uint32_t> keys;  // what it reads
  std::vector<std::string_view> names;
  std::size_t primary = 0;
  std::vector<std::int64_t> versions;
  std::uint64_t steps = 0, retries = 0;  // started; of the step at hand
  std::int64_t began = 0;                // of the attempt
  std::int64_t sent = 0;                 // wall clock of the request under way
  bool done = false;
};

class Bench {
 public:
  Bench(BenchTarget& target, const BenchOptions& options)
      : target_(target), options_(options), epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
    if (epoll_ < 0) throw core::system_error("epoll", "open", errno);
  }
  ~Bench() { ::close(epoll_); }
  Bench(const Bench&) = delete;
  Bench& operator=(const Bench&) = delete;

  BenchRun run() {
    prepare();
    const std::int64_t began = steady_ns();
    if (options_.duration_ns) until_ = began + *options_.duration_ns;
    left_ = agents_.size();
    for (std::size_t i = 0; i < agents_.size(); ++i) next_step(i);
    while (left_ > 0) wait();
    out_.row.wall_s = static_cast<double>(steady_ns() - began) / 1e9;
    finish();
    return std::move(out_);
  }

 private:
  struct Wake {
    std::int64_t at;
    std::size_t agent;
    bool operator>(const Wake& other) const { return at > other.at; }
  };

  // Fresh names: rows of one server must not meet.
  void prepare() {
    std::random_device random;
    char prefix[20];
    (void)std::snprintf(prefix, sizeof prefix, "%08x", static_cast<unsigned>(random()));
    const std::uint64_t keys = options_.topology == Topology::kShared      ? 1
                               : options_.topology == Topology::kHotSide   ? 2
                               : options_.topology == Topology::kDedicated ? options_.agents
                                                                           : options_.keys;
    for (std::uint64_t k = 0; k < keys; ++k) {
      out_.keys.push_back("bench-" + std::string(prefix) + "-k" + std::to_string(k));
    }
    target_.prepare(out_.keys);
    for (std::uint64_t i = 0; i < options_.agents; ++i) {
      out_.agents.push_back("bench-" + std::string(prefix) + "-a" + std::to_string(i));
      Agent& agent = agents_.emplace_back(options_.seed, i);
      agent.session = target_.session(out_.agents.back());
      if (options_.topology == Topology::kDedicated) {
        agent.keys = {static_cast<std::uint32_t>(i)};
      } else {
        for (std::uint32_t k = 0; k < keys; ++k) agent.keys.push_back(k);
      }
      for (const std::uint32_t k : agent.keys) agent.names.push_back(out_.keys[k]);
      watch(i);
    }
  }

  void watch(std::size_t i) {
    const int fd = agents_[i].session->fd();
    if (fd < 0) return;
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = i;
    if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) != 0) {
      throw core::system_error("epoll", "watch a connection", errno);
    }
  }

  void next_step(std::size_t i) {
    Agent& agent = agents_[i];
    const bool enough = until_ ? steady_ns() >= *until_ : agent.steps >= options_.attempts;
    if (enough) {
      agent.done = true;
      --left_;
      return;
    }
    ++agent.steps;
    ++out_.row.attempts;
    agent.retries = 0;
    if (options_.topology == Topology::kCross) agent.primary = agent.rng.below(agent.keys.size());
    start_attempt(i);
  }

  void start_attempt(std::size_t i) {
    Agent& agent = agents_[i];
    agent.began = steady_ns();
    mark_sent(agent);
    agent.session->start_read(agent.names);
    if (agent.session->fd() < 0) at_once_.push_back(i);
  }

  void mark_sent(Agent& agent) {
    if (options_.record) agent.sent = now_of<std::chrono::system_clock>();
  }

  void take_answer(std::size_t i) {
    Agent& agent = agents_[i];
    answer_.kind = BenchAnswer::Kind::kPending;
    if (agent.done || !agent.session->advance(answer_)) return;
    if (options_.record) record(static_cast<std::uint32_t>(i));
    if (answer_.kind == BenchAnswer::Kind::kRead) {
      agent.versions = answer_.versions;
      mark_sent(agent);
      agent.session->start_commit(agent.names, agent.primary, agent.versions);
      if (agent.session->fd() < 0) at_once_.push_back(i);
      return;
    }
    const std::int64_t now = steady_ns();
    latencies_.push_back(now - agent.began);
    if (answer_.kind == BenchAnswer::Kind::kCommitted) {
      ++out_.row.success;
      return next_step(i);
    }
    ++out_.row.conflicts;
    if (agent.retries == options_.retry_budget) return next_step(i);
    ++agent.retries;
    ++out_.row.retries;
    const auto span = static_cast<std::uint64_t>(options_.jitter_high_ns - options_.jitter_low_ns);
    const std::int64_t pause =
        options_.jitter_low_ns + static_cast<std::int64_t>(agent.rng.below(span + 1));
    if (pause == 0) return start_attempt(i);
    sleeping_.push({now + pause, i});
  }

  void record(std::uint32_t i) {
    const Agent& agent = agents_[i];
    BenchRecord made;
    made.agent = i;
    made.start = agent.sent;
    made.end = now_of<std::chrono::system_clock>();
    if (answer_.kind == BenchAnswer::Kind::kRead) {
      for (std::size_t k = 0; k < agent.keys.size(); ++k) {
        made.key = agent.keys[k];
        made.version = answer_.versions[k];
        made.sequence = answer_.read_sequences[k];
        newest_ = std::max(newest_, made.sequence);
        out_.records.push_back(made);
      }
      return;
    }
    made.is_commit = true;
    made.accepted = answer_.kind == BenchAnswer::Kind::kCommitted;
    made.key = agent.keys[agent.primary];
    made.version = answer_.version;
    made.expected = agent.versions[agent.primary];
    // A refusal without a number came after all that is known.
    made.sequence = answer_.sequence == 0 && !made.accepted ? newest_ : answer_.sequence;
    newest_ = std::max(newest_, made.sequence);
    made.error = answer_.error;
    out_.records.push_back(made);
  }

  void wait() {
    core::check_stop();
    for (const std::size_t i : std::exchange(at_once_, {})) take_answer(i);
    const std::int64_t now = steady_ns();
    while (!sleeping_.empty() && sleeping_.top().at <= now) {
      const std::size_t i = sleeping_.top().agent;
      sleeping_.pop();
      start_attempt(i);
    }
    if (!at_once_.empty() || left_ == 0) return;
    const std::int64_t left =
        sleeping_.empty() ? kSilence : std::max<std::int64_t>(0, sleeping_.top().at - now);
    epoll_event events[64];
    const int count =
        ::epoll_wait(epoll_, events, 64, static_cast<int>((left + 999'999) / 1'000'000));
    if (count < 0 && errno != EINTR) throw core::system_error("epoll", "wait", errno);
    if (count == 0 && sleeping_.empty()) throw core::environment_error("the target is silent");
    for (int e = 0; e < count; ++e) take_answer(static_cast<std::size_t>(events[e].data.u64));
  }

  void finish() {
    BenchRow& row = out_.row;
    for (const std::string& key : out_.keys) row.final_version += target_.final_version(key);
    row.expected_final_version = static_cast<std::int64_t>(row.success);
    std::sort(latencies_.begin(), latencies_.end());
    const auto at = [&](double part) {
      if (latencies_.empty()) return 0.0;
      const auto last = static_cast<double>(latencies_.size() - 1);
      return static_cast<double>(latencies_[static_cast<std::size_t>(part * last)]) / 1e6;
    };
    row.p50_ms = at(0.5);
    row.p99_ms = at(0.99);
    // Answers of different connections arrive in any order. A write comes before the reads of its
    // number; a refusal changes nothing.
    std::stable_sort(out_.records.begin(), out_.records.end(),
                     [](const BenchRecord& x, const BenchRecord& y) {
                       if (x.sequence != y.sequence) return x.sequence < y.sequence;
                       return (x.is_commit && x.accepted) && !(y.is_commit && y.accepted);
                     });
  }

  BenchTarget& target_;
  BenchOptions options_;
  int epoll_;
  std::vector<Agent> agents_;
  std::size_t left_ = 0;
  std::optional<std::int64_t> until_;
  std::vector<std::size_t> at_once_;
  std::priority_queue<Wake, std::vector<Wake>, std::greater<>> sleeping_;
  BenchAnswer answer_;
  std::vector<std::int64_t> latencies_;
  std::uint64_t newest_ = 0;
  BenchRun out_;
};

}  // namespace

Topology topology_by_name(std::string_view name) {
  if (name == "hot-side") return Topology::kHotSide;
  if (name == "dedicated") return Topology::kDedicated;
  return name == "cross" ? Topology::kCross : Topology::kShared;
}

BenchRun run_bench(BenchTarget& target, const BenchOptions& options) {
  return Bench(target, options).run();
}

std::unique_ptr<BenchTarget> open_target(const std::string& target, bool record) {
  const auto after = [&](std::string_view prefix) -> std::optional<std::string> {
    if (!target.starts_with(prefix)) return std::nullopt;
    return target.substr(prefix.size());
  };
  if (target == "null") return null_target();
  if (auto address = after("http://")) {
    while (address->ends_with('/')) address->pop_back();
    return http_target(*address);
  }
  if (const auto address = after("redis:")) return redis_target(*address, record);
  if (const auto conninfo = after("pg:")) return pg_target(*conninfo, record);
  throw core::usage_error("--target: " + core::quoted(target) +
                          ": expected http://HOST:PORT, pg:CONNINFO, redis:HOST:PORT or null");
}

}  // namespace stateutils::sbus
