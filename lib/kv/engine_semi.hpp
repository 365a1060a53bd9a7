// semi-PD: prefill and decode run side by side on one device and one KV pool, each on a share of
// its processors; a controller moves the shares toward the phase that misses its SLO.
#pragma once

#include <queue>
#include <tuple>
#include <vector>

#include "kv/engine.hpp"
#include "kv/engine_queue.hpp"
#include "kv/engine_semi_shares.hpp"

namespace stateutils::kv::semi {

struct Job {
  std::uint32_t target = 0, computed = 0, generated = 0;
  std::uint32_t chain = 0, lock = kNone;  // blocks with ids that it holds
  std::uint32_t chunk = 0;                // tokens of the prefill under way
  bool admitted = false, decoding = false;
  std::int64_t last_token = 0, tbt_max = 0;
  WaitKey key;
};

// One phase's iteration under way. Its length alone and beside the other phase is known when it
// starts; what is left of it is stretched when the other phase starts or ends.
struct Phase {
  bool busy = false;
  std::int64_t start = 0, end = 0;
  Lengths lengths;
  std::uint64_t version = 0;
  bool switching = false;  // shares have changed: the next iteration pays for it
};

struct Machine {
  Machine(const Trace& trace, const RunConfig& config, const InstanceSetup& the_setup)
      : setup(the_setup),
        tree(trace, the_setup.tiers, false),
        waiting(trace, config.scheduler == Scheduler::kVtc),
        free(the_setup.units),
        shares(config) {}
  const InstanceSetup& setup;
  KvTree tree;
  WaitQueue waiting;
  std::uint64_t free, pending = 0;  // units; prompt tokens still to compute
  Shares shares;
  std::vector<std::uint32_t> started, decodes, batch, stepping;
  Phase prefill, decode;
  BatchShape prefill_shape, decode_shape;
  std::uint64_t context = 0;
  std::int64_t busy_since = kNoTime;
  std::uint32_t preempted = 0;
  bool build_pending = false;
};

class Loop {
 public:
  Loop(const Trace& trace, const RunConfig& config, const SimOptions& options);
  SimResult run();

 private:
  // Time, kind, instance, phase (0 prefill, 1 decode), version.
  using Event = std::tuple<std::int64_t, EventKind, std::uint32_t, std::uint32_t, std::uint64_t>;

  std::uint32_t number(const Machine& m) const {
    return static_cast<std::uint32_t>(&m - machines_.data());
  }
  std::uint64_t units(std::uint64_t tokens) const { return fleet_.units_of(tokens, config_.block); }
  std::uint64_t own_units(const Job& job, std::uint64_t tokens) const {
    return units(tokens) - std::uint64_t{job.chain} * fleet_.per_block;
  }
  std::uint64_t available(const Machine& m) const {
    return m.free + m.tree.evictable() * fleet_.per_block;
  }
  std::uint32_t route(std::uint32_t r);
  void arrive(std::uint32_t r, std::int64_t now);
  void handle(const Event& event);
  void wake(Machine& m, std::int64_t now);
  void build(Machine& m, std::int64_t now);
  void allocate(Machine& m, std::uint64_t wanted);
  bool start_prefill(Machine& m, std::int64_t now);
  bool admit(Machine& m, std::uint32_t r, std::uint32_t& budget, std::int64_t now);
  void take(Machine& m, std::uint32_t r, std::uint32_t tokens, std::uint32_t& budget);
  bool start_decode(Machine& m);
  void begin(Machine& m, Phase& phase, std::int64_t now);
  void stretch(Machine& m, bool prefill, std::int64_t now);
  void end_prefill(Machine& m, std::int64_t now);
  void end_decode(Machine& m, std::int64_t now);
  void token(Machine& m, std::uint32_t r, std::int64_t now);
  void finish(Machine& m, std::uint32_t r, std::int64_t now);
  void release(Machine& m, Job& job);
  void preempt(Machine& m, std::uint32_t r);
  void log(Machine& m, const Phase& phase, std::int64_t now);

  const Trace& trace_;
  const RunConfig& config_;
  const SimOptions& options_;
  Fleet fleet_;
  Arrivals arrivals_;
  Outcomes out_;
  std::vector<Job> jobs_;
  std::vector<Machine> machines_;
  std::vector<std::uint32_t> sticky_;
  std::priority_queue<Event, std::vector<Event>, std::greater<>> events_;
  std::uint64_t turn_ = 0;
};

}  // namespace stateutils::kv::semi
