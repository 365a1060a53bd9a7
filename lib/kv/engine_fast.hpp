// The loop by stretches: decode steps that nothing disturbs are one event. Per instance, decodes
// are counted and summed, not walked: a step costs the same for 4 as for 400 of them.
#pragma once

#include <map>
#include <optional>
#include <queue>
#include <tuple>
#include <vector>

#include "kv/engine.hpp"
#include "kv/engine_queue.hpp"
#include "kv/engine_retain.hpp"

namespace stateutils::kv::fast {

enum class State : std::uint8_t { kFree, kWaiting, kPrefill, kDecode, kMoving };

// A request between its arrival and its end.
struct Active {
  std::uint32_t request = 0;
  State state = State::kFree;
  bool swapped = false, admitted = false;
  bool streams = false;         // writes while it reads
  bool resumes = false;         // as a decode, once its KV is back
  std::uint32_t target = 0;     // tokens to compute before the next token comes
  std::uint32_t computed = 0;   // of them in KV (prefill)
  std::uint32_t generated = 0;  // tokens; for decodes as of `joined`
  std::uint32_t chain = 0;      // blocks with ids that it holds in the tree
  std::uint32_t lock = kNone;   // and the lock on them
  std::uint32_t phase = 0;      // step numbers, modulo the block, at which it needs a new block
  std::uint32_t place = 0;      // among the instance's decodes
  std::uint32_t clean = 0;      // tokens whose copy in the second tier is valid
  std::uint32_t reserved = 0;   // blocks of the second tier that it holds
  std::uint32_t spare = 0;      // units for its next token, taken while its KV comes back
  std::uint64_t joined = 0;     // the step number at which it became a decode
  std::int64_t ready = 0, last_token = 0, tbt_max = 0, began = 0;
  WaitKey key;
};

struct Chunk {
  std::uint32_t slot = 0, tokens = 0;
};

struct Pin {
  std::uint32_t lock = kNone, version = 0;
  std::int64_t program = 0;  // first arrival of its job
};

class Loop;

class Instance {
 public:
  Instance(Loop& loop, std::uint32_t index, const InstanceSetup& setup);

  void arrive(std::uint32_t slot, std::int64_t now);
  void receive(std::uint32_t slot, std::uint32_t source, std::int64_t now);  // KV from elsewhere
  void landed(std::uint32_t slot, std::int64_t now);         // a transfer to here has ended
  void release_moved(std::uint32_t slot, std::int64_t now);  // one from here has
  void wake(std::int64_t now);
  void finish_iteration(std::int64_t now);
  void build(std::int64_t now);
  void expire(std::uint32_t session, std::uint32_t version, std::int64_t now);
  void unpin(std::uint32_t session);
  void rekey(std::uint32_t session);
  [[nodiscard]] bool pinned(std::uint32_t session) const { return pins_.contains(session); }

  void report(Outcomes& outcomes) const;  // what the tree moved

  // For routers.
  [[nodiscard]] std::uint64_t requests() const { return requests_; }
  [[nodiscard]] std::uint64_t pending_tokens() const { return pending_prefill_ + decodes_.size(); }
  [[nodiscard]] std::uint64_t pending_prefill() const { return pending_prefill_; }
  [[nodiscard]] const KvTree& tree() const { return tree_; }
  // Tokens of KV of its requests at `now`; `after`: iteration ends at `now` itself have happened.
  [[nodiscard]] std::uint64_t held_tokens(std::int64_t now, bool after) const;
  [[nodiscard]] std::int64_t predicted_ttft(std::uint32_t request) const;  // ns from now
  void reprice(std::uint32_t session) { tree_.reprice(session); }
  [[nodiscard]] std::uint64_t version() const { return version_; }
  [[nodiscard]] const InstanceSetup& setup() const { return setup_; }

 private:
  // engine_fast_batch.cpp
  void plan_running(std::int64_t now);
  void resume_loaded(std::int64_t now);
  void land_incoming(std::int64_t now);
  void admit_waiting(std::int64_t now);
  bool admit(std::uint32_t slot, std::int64_t now);
  bool admit_swapped(std::uint32_t slot, std::int64_t now);
  [[nodiscard]] bool worth_loading(const KvTree::Match& match, std::int64_t now) const;
  void start_iteration(std::int64_t now);
  bool unpin_latest();
  void take_chunk(std::uint32_t slot, std::uint32_t tokens);
  // engine_fast_policy.cpp
  using Channels = std::array<std::int64_t, kTiers>;
  [[nodiscard]] std::int64_t load_end(const KvTree::Match& match, std::int64_t now,
                                      Channels& free_at) const;
  [[nodiscard]] bool loading(std::int64_t now) const;  // some channel is busy
  std::int64_t bring_up(std::uint32_t request, const KvTree::Match& match, std::int64_t now);
  [[nodiscard]] std::uint32_t shareable(std::uint32_t request, std::uint32_t target) const;
  [[nodiscard]] WaitKey next_waiting(std::int64_t now) const;
  void note_use(const Active& a);
  void prefetch(std::uint32_t session, std::int64_t now);
  void change_priorities(std::int64_t now);
  [[nodiscard]] WaitKey running_key(std::uint32_t slot) const;
  void preempt_one(std::int64_t now);
  // engine_fast_step.cpp
  void enqueue(std::uint32_t slot);
  void dequeue(const WaitKey& key);
  void preempt(std::uint32_t slot, std::int64_t now);
  bool swap_out(Active& a, std::uint64_t held, std::int64_t now);
  bool reserve_copy(Active& a, std::uint64_t tokens);
  void join_decodes(std::uint32_t slot, std::int64_t now);
  void leave_decodes(std::uint32_t slot, std::int64_t now);
  void finish(std::uint32_t slot, std::int64_t now);
  void finish_chunk(const Chunk& chunk, std::int64_t now);
  void token_out(Active& a, std::int64_t now);
  void insert_blocks(Active& a, std::int64_t now);
  void release(Active& a, std::uint64_t held);
  void note_steps(std::uint64_t steps, std::int64_t now);
  void log_iterations(std::uint64_t steps, std::int64_t now) const;

  using Finish = std::pair<std::uint64_t, std::pair<std::uint32_t, std::uint32_t>>;
  [[nodiscard]] std::int64_t end_of(std::uint64_t steps) const;
  [[nodiscard]] std::uint64_t growth(std::uint64_t from, std::uint64_t steps) const;
  [[nodiscard]] std::uint64_t undisturbed_steps();
  [[nodiscard]] bool is_current(const Finish& finish) const;
  [[nodiscard]] std::uint64_t held(const Active& a) const;
  [[nodiscard]] std::uint32_t private_units(const Active& a, std::uint64_t tokens) const;
  [[nodiscard]] std::uint64_t available() const;
  void allocate(std::uint64_t units);
  [[nodiscard]] std::int64_t longest_gap_since(std::uint64_t step) const;
  void add_gap(std::uint64_t step, std::int64_t gap);
  [[nodiscard]] std::size_t running() const {
    return decodes_.size() + started_.size() + moving_in_;
  }
  Active& active(std::uint32_t slot);

  Loop& loop_;
  std::uint32_t index_;
  const InstanceSetup& setup_;
  KvTree tree_;
  WaitQueue waiting_;
  std::uint64_t free_;
  std::vector<std::uint32_t> started_;  // prefills under way or loading, in order of start
  std::vector<std::uint32_t> decodes_;
  std::priority_queue<Finish, std::vector<Finish>, std::greater<>>
      finishes_;                      // (step, request, slot)
  std::vector<std::uint32_t> grows_;  // decodes by phase
  std::uint64_t step_ = 0, context_ = 0;
  std::vector<std::pair<std::uint64_t, std::int64_t>> gaps_;  // falling: longest gaps up to a step
  std::vector<std::uint32_t> fresh_;  // decodes whose last token came before this iteration began
  std::vector<std::pair<std::uint32_t, std::uint32_t>> incoming_;  // (slot, source)
  std::vector<std::uint32_t> joiners_;
  std::size_t moving_in_ = 0;
  std::uint64_t moving_tokens_ = 0;

  // The iteration or stretch under way.
  bool busy_ = false, build_pending_ = false, changed_ = true;
  bool refused_ = false;  // what waits found no place in the batch
  std::vector<Chunk> batch_;
  BatchShape shape_;
  std::uint64_t steps_ = 0, version_ = 0;
  std::int64_t base_time_ = 0, iteration_start_ = 0, delay_ = 0, now_ = 0;
  std::int64_t outgoing_end_ = 0;  // of the swap-outs under way
  std::uint64_t outgoing_units_ = 0, units_then_ = 0;
  Wide base_sum_ = 0;
  std::uint32_t budget_ = 0, preempted_now_ = 0, waiting_then_ = 0;

  std::uint64_t requests_ = 0, pending_prefill_ = 0;
  Channels up_free_{};                 // when each channel is free again
  std::uint64_t epoch_ = 0;            // of changing priorities
  std::map<std::uint32_t, Pin> pins_;  // by session
  std::uint32_t pin_version_ = 0;
  std::multimap<std::uint32_t, std::uint32_t> waiting_of_;  // Continuum: slots by session
};

class Loop {
 public:
  Loop(const Trace& trace, const RunConfig& config, const SimOptions& options);
  SimResult run();

  struct Event {
    std::int64_t time = 0;
    EventKind kind = EventKind::kArrival;
    std::uint32_t instance = 0, item = 0;  // item: request, or session of a timer
    std::uint64_t version = 0;
    std::uint32_t slot = 0;  // of the request
    [[nodiscard]] auto order() const { return std::tuple(time, kind, instance, item, version); }
    bool operator<(const Event& other) const { return order() > other.order(); }
  };
  void push(const Event& event) { events_.push(event); }
  void hand_over(std::uint32_t slot, std::uint32_t source, std::int64_t now);
  void request_done(std::uint32_t slot, std::int64_t now);
  // KVFlow: the request's session has moved on; false when its agents' steps stay.
  bool has_stepped(std::uint32_t request);

  const Trace& trace;
  const RunConfig& config;
  const SimOptions& options;
  Fleet fleet;
  Arrivals arrivals;
  Outcomes outcomes;
  Retention retention;
  std::optional<AgentSteps> steps;  // KVFlow
  std::vector<Active> actives;

 private:
  void arrive(std::uint32_t request, std::int64_t now);
  void reject(std::uint32_t request, std::int64_t now);
  std::uint32_t route(std::uint32_t request);
  void handle(const Event& event);
  std::uint32_t new_slot();

  std::vector<Instance> instances_;
  std::priority_queue<Event> events_;
  std::vector<std::uint32_t> free_slots_, sticky_;
  std::uint64_t turn_ = 0;
};

}  // namespace stateutils::kv::fast
