// The plain loop of semi-PD: no queue of events, sums by walks over all requests, blocks one by
// one. It exists to be read and compared with, as engine_plain.hpp does.
#pragma once

#include <array>
#include <vector>

#include "kv/engine.hpp"
#include "kv/engine_plain_cache.hpp"
#include "kv/engine_queue.hpp"
#include "kv/engine_semi_shares.hpp"

namespace stateutils::kv {

[[nodiscard]] SimResult simulate_semi_plainly(const Trace& trace, const RunConfig& config,
                                              const SimOptions& options);

namespace semi_plain {

enum Which : std::size_t { kPrefills, kDecodes };

struct Job {
  std::uint32_t target = 0, computed = 0, generated = 0, chain = 0, chunk = 0;
  bool admitted = false, decoding = false;
  std::int64_t last_token = 0, tbt_max = 0;
  WaitKey key;
};

struct Phase {
  bool busy = false, switching = false;
  std::int64_t start = 0, end = 0;
  semi::Lengths lengths;
  BatchShape shape;
  std::uint64_t context = 0;
  std::vector<std::uint32_t> requests;  // of the iteration under way
};

struct Machine {
  Machine(const Trace& trace, const RunConfig& config, const InstanceSetup& the_setup)
      : setup(the_setup),
        cache(trace, the_setup.tiers, false, nullptr),
        waiting(trace, config.scheduler == Scheduler::kVtc),
        free(the_setup.units),
        shares(config) {}
  const InstanceSetup& setup;
  plain::Cache cache;
  WaitQueue waiting;
  std::uint64_t free;
  semi::Shares shares;
  std::vector<std::uint32_t> queued, started, decodes;
  std::array<Phase, 2> phases;
  std::int64_t build_at = kNoTime, busy_since = kNoTime;
  std::uint32_t preempted = 0;
};

class Loop {
 public:
  Loop(const Trace& trace, const RunConfig& config, const SimOptions& options);
  SimResult run();

 private:
  struct Next {
    std::int64_t time = kNoTime;  // kNoTime: nothing is under way
    EventKind kind = EventKind::kIteration;
    Machine* machine = nullptr;
    Which which = kPrefills;
  };
  [[nodiscard]] Next next_event();
  [[nodiscard]] std::uint64_t units(std::uint64_t tokens) const {
    return fleet_.units_of(tokens, config_.block);
  }
  [[nodiscard]] std::uint64_t own_units(const Job& job, std::uint64_t tokens) const {
    return units(tokens) - std::uint64_t{job.chain} * fleet_.per_block;
  }
  [[nodiscard]] std::uint64_t available(const Machine& m) const {
    return m.free + m.cache.evictable() * fleet_.per_block;
  }
  [[nodiscard]] std::uint32_t number(const Machine& m) const {
    return static_cast<std::uint32_t>(&m - machines_.data());
  }
  [[nodiscard]] std::int64_t pending(const Machine& m) const;
  [[nodiscard]] std::uint32_t route(std::uint32_t r);
  [[nodiscard]] std::uint32_t latest(const std::vector<std::uint32_t>& requests) const;
  void arrive(std::uint32_t r, std::int64_t now);
  void enqueue(Machine& m, std::uint32_t r);
  void build(Machine& m, std::int64_t now);
  bool start_decodes(Machine& m);
  bool start_prefills(Machine& m, std::int64_t now);
  bool admit(Machine& m, std::uint32_t r, std::uint32_t& budget, std::int64_t now);
  void take(Machine& m, std::uint32_t r, std::uint32_t tokens, std::uint32_t& budget);
  void allocate(Machine& m, std::uint64_t wanted);
  void begin(Machine& m, Which which, std::int64_t now);
  void change_pace(Phase& phase, bool beside, std::int64_t now);
  void end(Machine& m, Which which, std::int64_t now);
  void log(Machine& m, Which which, std::int64_t now);
  void end_chunk(Machine& m, std::uint32_t r, std::int64_t now);
  void token(Machine& m, std::uint32_t r, std::int64_t now);
  void finish(Machine& m, std::uint32_t r, std::int64_t now);
  void release(Machine& m, std::uint32_t r);
  void preempt(Machine& m, std::uint32_t r);

  const Trace& trace_;
  const RunConfig& config_;
  const SimOptions& options_;
  Fleet fleet_;
  Arrivals arrivals_;
  Outcomes out_;
  std::vector<Job> jobs_;
  std::vector<Machine> machines_;
  std::vector<std::uint32_t> sticky_;
  std::uint64_t turn_ = 0;
};

}  // namespace semi_plain
}  // namespace stateutils::kv
