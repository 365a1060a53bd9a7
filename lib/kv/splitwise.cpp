#include "kv/splitwise.hpp"

#include <algorithm>
#include <cmath>
#include <deque>
#include <memory>
#include <queue>
#include <tuple>

#include "core/error.hpp"
#include "core/signals.hpp"
#include "kv/quantiles.hpp"
#include "kv/splitwise_profile.hpp"

namespace stateutils::kv {
namespace {

constexpr std::size_t kMaxTasks = 512;
constexpr double kMaxTokens = 2048, kLongQueue = 8192, kMemory = 8.0 * 85899345920.0;
constexpr double kLink = 200.0 * 1073741824.0, kRetry = 1;
constexpr std::uint32_t kTooOften = 4;

// Task 2r is the prompt of request r, 2r + 1 its tokens.
using TaskId = std::uint32_t;
bool is_prompt(TaskId task) {
  return task % 2 == 0;
}

enum class State : std::uint8_t { kNone, kQueued, kRunning, kBlocked, kDone };

struct Task {
  State state = State::kNone;
  bool in_batch = false;
  std::uint32_t preemptions = 0, instance = 0;
  std::uint32_t left = 1;    // tokens to generate
  std::uint64_t picked = 0;  // the selection that took it
};

struct Instance {
  const SplitwiseProfile* profile = nullptr;
  bool prompt_pool = false, mixed = false;
  double memory = 0, sched_memory = 0, sched_pending = 0;
  std::vector<TaskId> pending, batch;   // pending: by (preemptions, arrival) at insertion
  std::deque<TaskId> prompts, blocked;  // of the pending ones, in order
  std::vector<std::uint32_t> pool;      // requests by arrival
  std::size_t batch_prompts = 0;
  double batch_tokens = 0;
  // The stretch under way.
  double iteration = 0, steps = 0, event_time = 0;
  std::uint64_t event = 0;
  bool paused = false;
};

enum class EventKind : std::uint8_t { kArrival, kIteration, kFlowEnd, kFlowRetry };

// Python's // of floats.
double floor_divide(double a, double b) {
  const double mod = std::fmod(a, b);
  double quotient = (a - mod) / b;
  if (mod != 0 && ((b < 0) != (mod < 0))) quotient -= 1;
  if (quotient == 0) return 0;
  double floored = std::floor(quotient);
  if (quotient - floored > 0.5) floored += 1;
  return floored;
}

class Cluster {
 public:
  Cluster(const Trace& trace, const RunConfig& config);
  SplitwiseResult run();

 private:
  using Event =
      std::tuple<double, std::uint64_t, EventKind, std::uint32_t>;  // time, order, kind, item

  std::uint64_t schedule(double delay, EventKind kind, std::uint32_t item) {
    events_.push({now_ + delay, ++sequence_, kind, item});
    return sequence_;
  }
  double task_memory(TaskId task) const {
    const std::uint32_t r = task / 2;
    return token_bytes_ * (is_prompt(task) ? trace_.in[r] + 1.0 : out_[r] - 1.0);
  }
  double tokens_of(TaskId task) const { return is_prompt(task) ? trace_.in[task / 2] : 1.0; }
  TaskId front(std::uint32_t r, std::uint32_t i) const {
    const Task& prompt = tasks_[2 * r];
    return prompt.instance == i && prompt.state != State::kDone ? 2 * r : 2 * r + 1;
  }
  void request_arrives(std::uint32_t r);
  void assign_token_jsq(std::uint32_t r);
  void assign_mixed(std::uint32_t r);
  void task_arrives(TaskId task);
  void add_pending(Instance& m, TaskId task);
  void remove_pending(Instance& m, TaskId task);
  void pause(std::uint32_t i);
  void start(std::uint32_t i);
  void select(Instance& m, std::uint32_t i);
  void complete(std::uint32_t i);
  void task_done(Instance& m, TaskId task);
  void free_memory(Instance& m, double bytes) {
    m.memory -= bytes;
    m.sched_memory -= bytes;
  }
  void flow_arrives(std::uint32_t r);
  void flow_ends(std::uint32_t r);

  const Trace& trace_;
  const RunConfig& config_;
  std::vector<std::unique_ptr<SplitwiseProfile>> profiles_;
  std::vector<Instance> instances_;
  std::vector<Task> tasks_;
  std::vector<std::uint32_t> out_;
  std::vector<double> held_;  // memory of a request where its last task ran
  std::vector<std::uint32_t> prompt_pool_, token_pool_, mixed_pool_, all_;
  std::vector<TaskId> chosen_, scratch_;
  std::vector<std::uint64_t> taken_;  // by request: the selection that took a task of it
  std::uint64_t selection_ = 0, sequence_ = 0;
  double now_ = 0, token_bytes_ = 0, weights_ = 0;
  std::priority_queue<Event, std::vector<Event>, std::greater<>> events_;
  SplitwiseResult result_;
};

Cluster::Cluster(const Trace& trace, const RunConfig& config) : trace_(trace), config_(config) {
  struct Model {
    const char* name;
    double layers, hidden, weights;
  };
  constexpr Model models[] = {{"bloom-176b", 70, 14336, 329e9}, {"llama2-70b", 80, 8192, 135e9}};
  for (const Model& model : models) {
    if (config.model_name != model.name) continue;
    token_bytes_ = 2 * model.hidden * model.layers * 2;
    weights_ = model.weights;
  }
  if (token_bytes_ == 0) {
    throw core::usage_error("config: --compat splitwise knows bloom-176b and llama2-70b");
  }
  for (const FleetEntry& entry : config.fleet) {
    const std::string device = entry.device ? entry.device->name : "";
    if (device != "dgx-a100" && device != "dgx-h100") {
      throw core::usage_error("config: --compat splitwise has machines dgx-a100 and dgx-h100");
    }
    profiles_.push_back(std::make_unique<SplitwiseProfile>(config.cost.profile, config.model_name,
                                                           device.substr(4) + "-80gb", entry.tp));
    for (std::uint32_t k = 0; k < entry.count; ++k) {
      const auto i = static_cast<std::uint32_t>(instances_.size());
      Instance m;
      m.profile = profiles_.back().get();
      m.memory = m.sched_memory = weights_;
      m.prompt_pool = entry.role == Role::kPrefill;
      (m.prompt_pool ? prompt_pool_ : token_pool_).push_back(i);
      all_.push_back(i);
      instances_.push_back(std::move(m));
    }
  }
  const std::uint32_t n = trace.size();
  tasks_.resize(std::size_t{2} * n);
  held_.assign(n, 0);
  taken_.assign(n, 0);
  result_.start.assign(n, 0);
  result_.first.assign(n, 0);
  result_.finish.assign(n, 0);
  for (std::uint32_t r = 0; r < n; ++r) {
    out_.push_back(std::max(1u, trace.out[r]));
    tasks_[2 * r + 1].left = out_[r] - 1;
    const double most = weights_ + token_bytes_ * (trace.in[r] + 1.0 + out_[r] - 1.0);
    if (most > kMemory) {
      throw core::input_error({config.trace.file},
                              "request " + trace.id_of(r) + " does not fit a machine's memory");
    }
  }
}

void Cluster::request_arrives(std::uint32_t r) {
  config_.router == Router::kMixedPool ? assign_mixed(r) : assign_token_jsq(r);
  const bool together = tasks_[2 * r].instance == tasks_[2 * r + 1].instance;
  task_arrives(2 * r);
  if (together) task_arrives(2 * r + 1);
}

void Cluster::assign_token_jsq(std::uint32_t r) {
  const std::uint32_t i =
      *std::ranges::min_element(all_, {}, [&](auto m) { return instances_[m].sched_pending; });
  tasks_[2 * r].instance = tasks_[2 * r + 1].instance = i;
  instances_[i].sched_pending += trace_.in[r] + 1.0;
}

void Cluster::assign_mixed(std::uint32_t r) {
  const auto by_pending = [&](std::uint32_t m) { return instances_[m].sched_pending; };
  const auto by_memory = [&](std::uint32_t m) { return instances_[m].sched_memory; };
  const double whole = task_memory(2 * r) + task_memory(2 * r + 1);
  std::uint32_t prompt = kNone, token = kNone;
  for (const auto* list : {&prompt_pool_, &mixed_pool_}) {
    if (list->empty() || prompt != kNone) continue;
    const std::uint32_t best = *std::ranges::min_element(*list, {}, by_pending);
    const Instance& m = instances_[best];
    if (m.pending.empty() || m.sched_pending + trace_.in[r] <= kLongQueue) prompt = best;
  }
  for (const auto* list : {&token_pool_, &mixed_pool_}) {
    if (list->empty() || token != kNone) continue;
    const std::uint32_t best = *std::ranges::min_element(*list, {}, by_memory);
    if (instances_[best].sched_memory + whole < kMemory) token = best;
  }
  const auto move_to_mixed = [&](std::vector<std::uint32_t>& from, std::uint32_t i) {
    std::erase(from, i);
    mixed_pool_.push_back(i);
    instances_[i].mixed = true;
    return i;
  };
  if (prompt == kNone && !token_pool_.empty()) {
    prompt = move_to_mixed(token_pool_, *std::ranges::min_element(token_pool_, {}, by_pending));
  }
  if (token == kNone && !prompt_pool_.empty()) {
    token = move_to_mixed(prompt_pool_, *std::ranges::min_element(prompt_pool_, {}, by_memory));
  }
  if (prompt == kNone || token == kNone) {
    std::vector<std::uint32_t> all = prompt_pool_;
    all.insert(all.end(), mixed_pool_.begin(), mixed_pool_.end());
    all.insert(all.end(), token_pool_.begin(), token_pool_.end());
    prompt = token = *std::ranges::min_element(all, {}, by_pending);
  }
  tasks_[2 * r].instance = prompt;
  tasks_[2 * r + 1].instance = token;
  if (prompt != token) instances_[prompt].sched_memory += task_memory(2 * r);
  instances_[token].sched_memory += whole;
  instances_[prompt].sched_pending += trace_.in[r];
  instances_[token].sched_pending += 1;
}

// Ordered by (preemptions, arrival) as they are now: later counts do not sort it again.
void Cluster::add_pending(Instance& m, TaskId task) {
  const auto key = [this](TaskId t) {
    return std::pair(tasks_[t].preemptions, result_.arrival[t / 2]);
  };
  const auto mine = key(task);
  std::size_t low = 0, high = m.pending.size();
  while (low < high) {
    const std::size_t middle = (low + high) / 2;
    if (mine < key(m.pending[middle])) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  m.pending.insert(m.pending.begin() + static_cast<std::ptrdiff_t>(low), task);
  if (is_prompt(task)) m.prompts.push_back(task);
}

void Cluster::remove_pending(Instance& m, TaskId task) {
  const auto drop = [task](auto& list) {
    const auto found = std::ranges::find(list, task);
    if (found != list.end()) list.erase(found);
  };
  drop(m.pending);
  if (is_prompt(task)) {
    drop(m.prompts);
  } else if (tasks_[task].state == State::kBlocked) {
    drop(m.blocked);
  }
}

void Cluster::task_arrives(TaskId task) {
  const std::uint32_t i = tasks_[task].instance, r = task / 2;
  Instance& m = instances_[i];
  tasks_[task].state = State::kQueued;
  const bool known =
      !is_prompt(task) && tasks_[2 * r].instance == i && tasks_[2 * r].state != State::kDone;
  if (!known) {
    const double arrival = result_.arrival[r];
    const auto at = std::upper_bound(
        m.pool.begin(), m.pool.end(), arrival,
        [this](double t, std::uint32_t other) { return t < result_.arrival[other]; });
    m.pool.insert(at, r);
  }
  add_pending(m, task);
  if (m.batch.empty()) {
    if (m.memory + task_memory(task) <= kMemory) start(i);
    return;
  }
  if (m.batch.size() < kMaxTasks && m.batch_tokens + tokens_of(task) <= kMaxTokens) {
    pause(i);
    return;
  }
  const double batch_prompt_tokens =
      m.batch_tokens - static_cast<double>(m.batch.size() - m.batch_prompts);
  if (is_prompt(task) && m.batch_prompts < m.batch.size() &&
      batch_prompt_tokens + tokens_of(task) <= kMaxTokens) {
    pause(i);
  }
}

// Ends the stretch at the next boundary.
void Cluster::pause(std::uint32_t i) {
  Instance& m = instances_[i];
  if (m.paused || m.batch_prompts > 0) return;
  m.paused = true;
  const double elapsed = now_ - (m.event_time - m.iteration * m.steps);
  m.steps = std::min(m.steps, floor_divide(elapsed, m.iteration) + 1);
  const double remaining = m.iteration * m.steps - elapsed;
  if (remaining == 0) {
    m.event = 0;
    complete(i);
    return;
  }
  m.event_time = now_ + remaining;
  m.event = schedule(remaining, EventKind::kIteration, i);
}

void Cluster::select(Instance& m, std::uint32_t i) {
  chosen_.clear();
  ++selection_;
  double tokens = 0, memory = m.memory;
  const auto full = [&](TaskId task) {
    return chosen_.size() == kMaxTasks ||
           (!chosen_.empty() && tokens + tokens_of(task) > kMaxTokens);
  };
  const auto take = [&](TaskId task, bool fresh) {
    chosen_.push_back(task);
    tasks_[task].picked = selection_;
    taken_[task / 2] = selection_;
    tokens += tokens_of(task);
    if (fresh) memory += task_memory(task);
  };
  const auto taken = [&](TaskId task) { return taken_[task / 2] == selection_; };
  const auto fits = [&](TaskId task) { return task_memory(task) + memory <= kMemory; };
  for (const TaskId task : m.pending) {
    if (tasks_[task].preemptions < kTooOften || full(task)) break;
    if (taken(task)) continue;
    const bool blocked = tasks_[task].state == State::kBlocked;
    if (blocked || fits(task)) take(task, !blocked);
  }
  for (const TaskId task : m.prompts) {
    if (full(task)) break;
    if (taken(task)) continue;
    if (!fits(task)) break;
    take(task, true);
  }
  for (const TaskId task : m.blocked) {
    if (full(task)) break;
    if (!taken(task)) take(task, false);
  }
  for (const TaskId task : m.batch) {
    if (full(task)) break;
    if (!taken(task)) take(task, false);
  }
  for (const std::uint32_t r : m.pool) {
    if (chosen_.size() == kMaxTasks) break;
    if (taken_[r] == selection_) continue;
    const TaskId task = front(r, i);
    if (full(task)) break;
    const bool blocked = tasks_[task].state == State::kBlocked;
    if (!blocked && !fits(task)) break;
    take(task, !blocked);
  }
  m.batch_tokens = tokens;
}

void Cluster::start(std::uint32_t i) {
  Instance& m = instances_[i];
  select(m, i);
  // Kept tasks first, as they stood; the others of the old batch are preempted with their memory.
  scratch_.clear();
  for (const TaskId task : m.batch) {
    if (tasks_[task].picked == selection_) {
      scratch_.push_back(task);
      continue;
    }
    tasks_[task].in_batch = false;
    tasks_[task].state = State::kBlocked;
    add_pending(m, task);
    m.blocked.push_back(task);
  }
  for (const TaskId task : chosen_) {
    if (tasks_[task].in_batch) continue;
    remove_pending(m, task);
    tasks_[task].in_batch = true;
    scratch_.push_back(task);
  }
  m.batch.swap(scratch_);
  for (const std::uint32_t r : m.pool) {
    Task& task = tasks_[front(r, i)];
    if (!task.in_batch) ++task.preemptions;
  }
  if (m.batch.empty()) {
    if (m.pool.empty() && m.mixed) {
      m.mixed = false;
      std::erase(mixed_pool_, i);
      (m.prompt_pool ? prompt_pool_ : token_pool_).push_back(i);
    }
    return;
  }
  double tokens = 0, steps = 1e18;
  m.batch_prompts = 0;
  for (const TaskId id : m.batch) {
    Task& task = tasks_[id];
    tokens += tokens_of(id);
    steps = std::min(steps, static_cast<double>(task.left));
    if (is_prompt(id)) ++m.batch_prompts;
    if (task.state == State::kQueued) {
      m.memory += task_memory(id);
      held_[id / 2] += task_memory(id);
      if (is_prompt(id)) result_.start[id / 2] = now_;
    }
    task.state = State::kRunning;
  }
  const double prompt = m.batch_prompts > 0 ? m.profile->prompt_seconds(tokens) : 0;
  m.iteration = m.batch_prompts == m.batch.size() ? prompt
                : m.batch_prompts > 0             ? prompt * 1.1
                                                  : m.profile->token_seconds(tokens);
  m.steps = m.batch_prompts > 0 ? 1 : steps;
  if (m.steps == 0) {  // a request of one token: its token task has nothing to do
    complete(i);
    return;
  }
  m.event_time = now_ + m.iteration * m.steps;
  m.event = schedule(m.iteration * m.steps, EventKind::kIteration, i);
}

void Cluster::complete(std::uint32_t i) {
  Instance& m = instances_[i];
  result_.iterations += static_cast<std::uint64_t>(m.steps);
  result_.busy += m.iteration * m.steps;
  const auto steps = static_cast<std::uint32_t>(m.steps);
  std::vector<TaskId> done;
  std::erase_if(m.batch, [&](TaskId id) {
    Task& task = tasks_[id];
    task.left -= std::min(task.left, steps);
    if (task.left > 0) return false;
    done.push_back(id);
    task.in_batch = false;
    return true;
  });
  m.batch_prompts = 0;
  for (const TaskId task : done) task_done(m, task);
  m.paused = false;
  start(i);
}

void Cluster::task_done(Instance& m, TaskId task) {
  const std::uint32_t r = task / 2, other = task ^ 1u;
  tasks_[task].state = State::kDone;
  const bool together = tasks_[task].instance == tasks_[other].instance;
  if (!is_prompt(task) || !together) {
    const auto at =
        std::lower_bound(m.pool.begin(), m.pool.end(), result_.arrival[r],
                         [this](std::uint32_t a, double t) { return result_.arrival[a] < t; });
    m.pool.erase(std::find(at, m.pool.end(), r));
  }
  if (is_prompt(task)) {
    m.sched_pending -= trace_.in[r];
    result_.first[r] = now_;
    if (!together) flow_arrives(r);
    return;
  }
  m.sched_pending -= 1;
  free_memory(m, held_[r]);
  held_[r] = 0;
  result_.finish[r] = now_;
}

// The prompt's KV to where its tokens run; flows do not share bandwidth.
void Cluster::flow_arrives(std::uint32_t r) {
  Instance& to = instances_[tasks_[2 * r + 1].instance];
  if (to.memory + held_[r] > kMemory) {
    schedule(kRetry, EventKind::kFlowRetry, r);
    return;
  }
  to.memory += held_[r];
  schedule(token_bytes_ * trace_.in[r] / kLink, EventKind::kFlowEnd, r);
}

void Cluster::flow_ends(std::uint32_t r) {
  const std::uint32_t source = tasks_[2 * r].instance;
  Instance& m = instances_[source];
  free_memory(m, held_[r]);
  task_arrives(2 * r + 1);
  if (m.pending.empty()) return;
  if (m.batch.empty()) {
    if (m.memory + task_memory(m.pending.front()) <= kMemory) start(source);
  } else if (m.batch.size() < kMaxTasks && m.batch_tokens < kMaxTokens) {
    pause(source);
  }
}

SplitwiseResult Cluster::run() {
  const std::uint32_t n = trace_.size();
  for (std::uint32_t r = 0; r < n; ++r) {
    const std::int64_t t = trace_.t.empty() ? kNoTime : trace_.t[r];
    if (t == kNoTime) {
      throw core::input_error({config_.trace.file},
                              "--compat splitwise needs a time for every request");
    }
    result_.arrival.push_back(static_cast<double>(t) / 1e9 / config_.trace.scale_rate);
  }
  std::uint32_t next = 0;
  for (std::uint64_t steps = 0; next < n || !events_.empty(); ++steps) {
    if (steps % 4096 == 0) core::check_stop();
    // Arrivals were scheduled first, so that they precede other events of the same time.
    if (next < n && (events_.empty() || result_.arrival[next] <= std::get<0>(events_.top()))) {
      now_ = result_.arrival[next];
      request_arrives(next++);
      continue;
    }
    const auto [time, order, kind, item] = events_.top();
    events_.pop();
    if (kind == EventKind::kIteration && order != instances_[item].event) continue;
    now_ = time;
    if (kind == EventKind::kIteration) complete(item);
    if (kind == EventKind::kFlowEnd) flow_ends(item);
    if (kind == EventKind::kFlowRetry) flow_arrives(item);
  }
  for (std::uint32_t r = 0; r < n; ++r) {
    result_.prompt_instance.push_back(tasks_[2 * r].instance);
    result_.token_instance.push_back(tasks_[2 * r + 1].instance);
  }
  return std::move(result_);
}

}  // namespace

SplitwiseResult simulate_splitwise(const Trace& trace, const RunConfig& config) {
  return Cluster(trace, config).run();
}

void write_splitwise_summary(core::JsonWriter& json, const Trace& trace, const RunConfig& config,
                             const SplitwiseResult& r) {
  const std::uint32_t n = trace.size();
  const auto column = [&](const char* name, auto value) {
    std::vector<double> values;
    for (std::uint32_t i = 0; i < n; ++i) values.push_back(value(i));
    json.key(name);
    write_quantiles(json, values);
  };
  const double makespan =
      *std::ranges::max_element(r.finish) - *std::ranges::min_element(r.arrival);
  json.field("requests", n).field("rejected", 0).field("makespan_s", makespan);
  column("ttft", [&](auto i) { return r.first[i] - r.arrival[i]; });
  column("tbt", [&](auto i) { return (r.finish[i] - r.first[i]) / std::max(1u, trace.out[i]); });
  column("e2e", [&](auto i) { return r.finish[i] - r.arrival[i]; });
  column("queue", [&](auto i) { return r.start[i] - r.arrival[i]; });
  double machines = 0, price = 0, power = 0;
  for (const FleetEntry& entry : config.fleet) {
    machines += entry.count;
    price += entry.count * entry.device->price_h;
    power += entry.count * entry.device->tdp_w;
  }
  json.field("iterations", r.iterations).field("util", r.busy / (machines * makespan));
  json.field("provisioned_w", power).field("cost", price * makespan / 3600);
}

void write_splitwise_requests(core::JsonlWriter& writer, const Trace& trace,
                              const SplitwiseResult& r) {
  for (std::uint32_t i = 0; i < trace.size(); ++i) {
    core::JsonWriter& json = writer.begin();
    json.field("id", trace.id_of(i)).field("t", r.arrival[i]).field("start", r.start[i]);
    json.field("first_token", r.first[i]).field("finish", r.finish[i]);
    json.field("ttft", r.first[i] - r.arrival[i]);
    json.field("tbt", (r.finish[i] - r.first[i]) / std::max(1u, trace.out[i]));
    json.field("e2e", r.finish[i] - r.arrival[i]).field("queue", r.start[i] - r.arrival[i]);
    json.field("instance", r.prompt_instance[i]).field("token_instance", r.token_instance[i]);
    writer.end();
  }
}

}  // namespace stateutils::kv
