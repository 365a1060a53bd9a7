// Delivery logs kept by replicated nodes of which one leads; an election loses the logs that the
// new leader had, so a commit can be accepted with an empty log ("not fresh").
#include <algorithm>
#include <array>
#include <numeric>
#include <tuple>

#include "core/json_writer.hpp"
#include "sbus/bits.hpp"
#include "sbus/byte_spec.hpp"

namespace stateutils::sbus {
namespace {

// log[node][agent] as one flag per (shard, version).
using Log = std::vector<bool>;

struct State {
  std::vector<int> reg;
  int leader = -1, term = 0;
  std::vector<bool> fresh;
  std::vector<std::vector<Log>> log;
};

class DistributedSpec final : public ByteSpec {
 public:
  explicit DistributedSpec(const ModelParams& params)
      : p_(params), invariants_(checked_invariants(params)), versions_(params.max_version + 1) {}

  [[nodiscard]] std::string initial() const override {
    State state;
    state.reg.resize(at(p_.shards));
    state.fresh.assign(at(p_.agents), true);
    state.log.assign(at(p_.nodes), std::vector<Log>(at(p_.agents), empty_log()));
    return pack(state);
  }
  void steps(const std::string& bytes, const Visit& visit) const override;
  [[nodiscard]] std::string canonical(const std::string& bytes) const override;
  [[nodiscard]] std::string json(const std::string& bytes) const override;

 private:
  [[nodiscard]] Log empty_log() const { return Log(at(p_.shards * versions_)); }
  [[nodiscard]] std::size_t pair(int s, int version) const { return at(s * versions_ + version); }
  [[nodiscard]] std::string pack(const State& state) const;
  [[nodiscard]] State unpack(const std::string& bytes) const;
  [[nodiscard]] unsigned broken(const State& state) const;
  void agent_steps(const State& state, int a, const Visit& visit) const;
  [[nodiscard]] State permute(const State& state, const std::vector<int>& agents) const;

  ModelParams p_;
  unsigned invariants_;
  int versions_;
};

std::string DistributedSpec::pack(const State& state) const {
  BitWriter bits;
  const auto put = [&](int value, int largest) {
    bits.put(static_cast<std::uint64_t>(value), bits_for(static_cast<std::uint64_t>(largest)));
  };
  put(state.term, p_.max_term);
  put(state.leader + 1, p_.nodes);
  for (int s = p_.shards - 1; s >= 0; --s) put(state.reg[at(s)], p_.max_version);
  for (int a = p_.agents - 1; a >= 0; --a) put(state.fresh[at(a)] ? 1 : 0, 1);
  for (const auto& node : state.log) {
    for (const Log& log : node) {
      for (const bool flag : log) put(flag ? 1 : 0, 1);
    }
  }
  return bits.take();
}

State DistributedSpec::unpack(const std::string& bytes) const {
  BitReader bits(bytes);
  const auto get = [&](int largest) {
    return static_cast<int>(bits.get(bits_for(static_cast<std::uint64_t>(largest))));
  };
  State state;
  state.term = get(p_.max_term);
  state.leader = get(p_.nodes) - 1;
  state.reg.resize(at(p_.shards));
  for (int s = p_.shards - 1; s >= 0; --s) state.reg[at(s)] = get(p_.max_version);
  state.fresh.resize(at(p_.agents));
  for (int a = p_.agents - 1; a >= 0; --a) state.fresh[at(a)] = get(1) != 0;
  state.log.assign(at(p_.nodes), std::vector<Log>(at(p_.agents), empty_log()));
  for (auto& node : state.log) {
    for (Log& log : node) {
      for (std::size_t i = 0; i < log.size(); ++i) log[i] = get(1) != 0;
    }
  }
  return state;
}

unsigned DistributedSpec::broken(const State& state) const {
  unsigned found = 0;
  if (state.term > p_.max_term || state.leader >= p_.nodes) found |= kTypeOk;
  for (int s = 0; s < p_.shards; ++s) {
    if (state.reg[at(s)] > p_.max_version) found |= kTypeOk;
    for (const auto& node : state.log) {
      for (const Log& log : node) {
        for (int v = state.reg[at(s)] + 1; v < versions_; ++v) {
          if (log[pair(s, v)]) found |= kLogNotAhead;
        }
      }
    }
  }
  return found & invariants_;
}

void DistributedSpec::agent_steps(const State& state, int a, const Visit& visit) const {
  const Log& log = state.log[at(state.leader)][at(a)];
  const auto emit = [&](ActionKind action, int s, const State& next, unsigned goal) {
    visit({action, -1, a, s, 1, broken(next) | goal}, pack(next));
  };
  bool current = true, empty = true;
  for (int s = 0; s < p_.shards; ++s) {
    for (int v = 0; v < versions_; ++v) {
      if (!log[pair(s, v)]) continue;
      empty = false;
      if (v != state.reg[at(s)]) current = false;
    }
  }
  for (int s = 0; s < p_.shards; ++s) {
    const int version = state.reg[at(s)];
    if (version >= p_.max_version) continue;
    State got = state;
    got.log[at(state.leader)][at(a)][pair(s, version)] = true;
    emit(ActionKind::kGet, s, got, 0);
    State next = state;
    if (current) {
      ++next.reg[at(s)];
      next.fresh[at(a)] = !empty;
    }
    const bool goal = p_.reach_non_fresh_commit && current && empty;
    emit(ActionKind::kCommit, s, next, goal ? kGoal : 0);
  }
  State recovered = state;
  Log& own = recovered.log[at(state.leader)][at(a)];
  own = empty_log();
  for (int s = 0; s < p_.shards; ++s) own[pair(s, state.reg[at(s)])] = true;
  emit(ActionKind::kRecover, -1, recovered, 0);
}

void DistributedSpec::steps(const std::string& bytes, const Visit& visit) const {
  const State state = unpack(bytes);
  for (int n = 0; n < p_.nodes && state.term < p_.max_term; ++n) {
    if (n == state.leader) continue;
    State next = state;
    ++next.term;
    next.leader = n;
    next.log[at(n)].assign(at(p_.agents), empty_log());
    // Both disjuncts of the election ("no leader", "another leader") hold without a leader.
    const std::uint64_t times = state.leader < 0 ? 2 : 1;
    visit({ActionKind::kElectLeader, n, -1, -1, times, broken(next)}, pack(next));
  }
  for (int a = 0; a < p_.agents && state.leader >= 0; ++a) agent_steps(state, a, visit);
}

// Agents in the given order (order[new] = old), then nodes: the leader first, the rest sorted.
State DistributedSpec::permute(const State& state, const std::vector<int>& agents) const {
  State out = state;
  for (int a = 0; a < p_.agents; ++a) {
    out.fresh[at(a)] = state.fresh[at(agents[at(a)])];
    for (int n = 0; n < p_.nodes; ++n) {
      out.log[at(n)][at(a)] = state.log[at(n)][at(agents[at(a)])];
    }
  }
  auto first_follower = out.log.begin();
  if (state.leader >= 0) {
    std::swap(out.log[0], out.log[at(state.leader)]);
    out.leader = 0;
    ++first_follower;
  }
  std::sort(first_follower, out.log.end());
  return out;
}

std::string DistributedSpec::canonical(const std::string& bytes) const {
  if (p_.symmetry == Symmetry::kNone) return bytes;
  const State state = unpack(bytes);
  // An agent's column with the nodes named, and without names but for the leader. The second is
  // the same under every symmetry and sorts the agents; only ties are tried in every order, and
  // agents of equal columns, which may be swapped freely, in one.
  std::vector<std::vector<Log>> columns(at(p_.agents));
  std::vector<std::tuple<bool, Log, std::vector<Log>>> keys(at(p_.agents));
  for (int a = 0; a < p_.agents; ++a) {
    auto& [fresh, leaders, followers] = keys[at(a)];
    fresh = state.fresh[at(a)];
    columns[at(a)].push_back({fresh});
    for (int n = 0; n < p_.nodes; ++n) {
      const Log& log = state.log[at(n)][at(a)];
      columns[at(a)].push_back(log);
      if (n == state.leader) {
        leaders = log;
      } else {
        followers.push_back(log);
      }
    }
    std::sort(followers.begin(), followers.end());
  }
  std::vector<int> order(at(p_.agents));
  std::iota(order.begin(), order.end(), 0);
  const auto before = [&](int x, int y) {
    return std::tie(keys[at(x)], columns[at(x)]) < std::tie(keys[at(y)], columns[at(y)]);
  };
  std::sort(order.begin(), order.end(), before);
  std::string best;
  const std::function<void(std::size_t)> place = [&](std::size_t begin) {
    if (begin == order.size()) {
      std::string candidate = pack(permute(state, order));
      if (best.empty() || candidate < best) best = std::move(candidate);
      return;
    }
    std::size_t end = begin + 1;
    while (end < order.size() && keys[at(order[end])] == keys[at(order[begin])]) ++end;
    const auto first = order.begin() + static_cast<std::ptrdiff_t>(begin);
    const auto last = order.begin() + static_cast<std::ptrdiff_t>(end);
    std::sort(first, last, before);
    do {
      place(end);
    } while (std::next_permutation(first, last, before));
  };
  place(0);
  return best;
}

std::string DistributedSpec::json(const std::string& bytes) const {
  const State state = unpack(bytes);
  std::string text;
  core::JsonWriter json(text);
  json.begin_object().field("term", state.term).key("leader");
  if (state.leader < 0) {
    json.null();
  } else {
    json.value("n" + std::to_string(state.leader + 1));
  }
  json.key("reg").begin_array();
  for (const int version : state.reg) json.value(version);
  json.end_array().key("fresh").begin_array();
  for (const bool fresh : state.fresh) json.value(fresh);
  json.end_array().key("log").begin_array();
  for (const auto& node : state.log) {
    json.begin_array();
    for (const Log& log : node) {
      json.begin_array();
      for (int s = 0; s < p_.shards; ++s) {
        for (int v = 0; v < versions_; ++v) {
          if (!log[pair(s, v)]) continue;
          json.begin_array().value("s" + std::to_string(s + 1)).value(v).end_array();
        }
      }
      json.end_array();
    }
    json.end_array();
  }
  json.end_array().end_object();
  return text;
}

}  // namespace

std::unique_ptr<ByteSpec> make_distributed_spec(const ModelParams& params) {
  return std::make_unique<DistributedSpec>(params);
}

}  // namespace stateutils::sbus
