// The plain loop: one event per iteration, one walk over all running requests each, blocks one by
// one. It exists to be read and compared with: `--exact-steps`, and the tests' twin.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <queue>
#include <tuple>
#include <vector>

#include "kv/engine.hpp"
#include "kv/engine_plain_cache.hpp"
#include "kv/engine_queue.hpp"
#include "kv/engine_retain.hpp"

namespace stateutils::kv::plain {

struct Job {
  std::uint32_t request = 0, target = 0, computed = 0, generated = 0, chain = 0, chunk = 0;
  std::uint32_t clean = 0, reserved = 0, source = 0, spare = 0;
  bool admitted = false, swapped = false, resumes = false, decoding = false, first_step = false;
  bool streams = false;
  std::int64_t ready = 0, last_token = 0, tbt_max = 0, began = 0;
  WaitKey key;
};

struct Pinned {
  std::uint32_t request = 0, blocks = 0;
  std::uint64_t version = 0;
  std::int64_t program = 0;
};

struct Machine {
  Machine(const Trace& trace, const RunConfig& config, const InstanceSetup& the_setup,
          const AgentSteps* steps)
      : setup(the_setup),
        cache(trace, the_setup.tiers, config.exclusive, steps),
        waiting(trace, config.scheduler == Scheduler::kVtc),
        free(the_setup.units) {}
  const InstanceSetup& setup;
  Cache cache;
  WaitQueue waiting;
  std::uint64_t free;
  std::vector<std::uint32_t> prefills, decodes, incoming, moving_in, joiners, queued;  // requests
  std::map<std::uint32_t, Pinned> pins;
  bool busy = false, build_pending = false, changed = true;
  std::vector<std::uint32_t> batch;
  BatchShape shape;
  std::uint64_t context = 0, outgoing_units = 0, version = 0, units_then = 0;
  std::uint64_t iterations = 0, epoch = 0;
  std::int64_t base_time = 0, start = 0, delay = 0, outgoing_end = 0;
  Wide base_sum = 0, cost = 0, overhead = 0;
  bool extrapolated = false;
  std::uint32_t budget = 0, preempted = 0, waiting_then = 0;
  std::array<std::int64_t, kTiers> up_free{};
};

class Loop {
 public:
  Loop(const Trace& trace, const RunConfig& config, const SimOptions& options)
      : trace_(trace),
        config_(config),
        options_(options),
        fleet_(trace, config),
        arrivals_(trace, config),
        out_(trace.size(), options.detail),
        retention_(config, trace),
        jobs_(trace.size()) {
    if (config.retain == Retain::kKvflow) {
      steps_.emplace(trace, known_steps(trace, config.steps), config.hold, config.ahead);
    }
    for (const InstanceSetup& setup : fleet_.instances)
      machines_.emplace_back(trace, config, setup, steps_ ? &*steps_ : nullptr);
    out_.admitted.resize(machines_.size());
    out_.count_from = first_counted(arrivals_, config);
  }
  SimResult run();

 private:
  using Event = std::tuple<std::int64_t, EventKind, std::uint32_t, std::uint32_t, std::uint64_t>;
  void push(std::int64_t time, EventKind kind, std::uint32_t m, std::uint32_t item,
            std::uint64_t version) {
    events_.push({time, kind, m, item, version});
  }
  std::uint32_t number(const Machine& m) const {
    return static_cast<std::uint32_t>(&m - machines_.data());
  }
  std::uint64_t available(const Machine& m) const {
    return m.free + m.cache.evictable() * fleet_.per_block;
  }
  std::uint64_t units(std::uint64_t tokens) const { return fleet_.units_of(tokens, config_.block); }
  std::uint64_t own_units(const Job& job, std::uint64_t tokens) const {
    return units(tokens) - std::uint64_t{job.chain} * fleet_.per_block;
  }
  std::uint64_t running(const Machine& m) const {
    return m.prefills.size() + m.decodes.size() + m.moving_in.size();
  }
  std::uint64_t pending(const Machine& m) const;
  std::uint64_t held_tokens(const Machine& m) const;
  std::uint32_t route(std::uint32_t r);
  void arrive(std::uint32_t r, std::int64_t now);
  void handle(const Event& event);
  bool serves(const Machine& m, std::uint32_t r) const;
  void wake(Machine& m, std::int64_t now);
  void enqueue(Machine& m, std::uint32_t r);
  void dequeue(Machine& m, std::uint32_t r);
  void build(Machine& m, std::int64_t now);
  void plan(Machine& m, std::int64_t now);
  void land(Machine& m, std::int64_t now);
  void admit_all(Machine& m, std::int64_t now);
  bool admit(Machine& m, std::uint32_t r, std::int64_t now);
  bool admit_swapped(Machine& m, std::uint32_t r, std::int64_t now);
  std::int64_t load(Machine& m, const KvTree::Match& match, std::int64_t now, bool really);
  void allocate(Machine& m, std::uint64_t units, std::int64_t now);
  void add_chunk(Machine& m, std::uint32_t r, std::uint32_t tokens);
  void begin(Machine& m, std::int64_t now);
  void end(Machine& m, std::int64_t now);
  void end_chunk(Machine& m, std::uint32_t r, std::int64_t now);
  void token_out(Machine& m, Job& job, std::int64_t now);
  void decode_from(Machine& m, std::uint32_t r);
  void finish(Machine& m, std::uint32_t r, std::int64_t now);
  void release(Machine& m, Job& job);
  void preempt_one(Machine& m, std::int64_t now);
  void preempt(Machine& m, std::uint32_t r, std::int64_t now);
  std::uint32_t next_waiting(const Machine& m, std::int64_t now) const;
  void note_use(Machine& m, const Job& job);
  void prefetch(Machine& m, std::uint32_t session, std::int64_t now);
  void change_priorities(Machine& m, std::int64_t now);
  WaitKey running_key(std::uint32_t r) const;
  bool swap_out(Machine& m, Job& job, std::int64_t now);
  bool reserve_copy(Machine& m, Job& job);
  void unpin(Machine& m, std::uint32_t session);
  void rekey(Machine& m, std::uint32_t session);

  const Trace& trace_;
  const RunConfig& config_;
  const SimOptions& options_;
  Fleet fleet_;
  Arrivals arrivals_;
  Outcomes out_;
  Retention retention_;
  std::optional<AgentSteps> steps_;  // KVFlow
  std::vector<Job> jobs_;
  std::vector<Machine> machines_;
  std::priority_queue<Event, std::vector<Event>, std::greater<>> events_;
  std::map<std::uint32_t, std::uint32_t> sticky_;
  std::uint64_t turn_ = 0, versions_ = 0;
};

}  // namespace stateutils::kv::plain
