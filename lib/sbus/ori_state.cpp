#include "sbus/ori_state.hpp"

#include <algorithm>
#include <numeric>
#include <tuple>

#include "core/json_writer.hpp"
#include "sbus/bits.hpp"

namespace stateutils::sbus {
namespace {

struct Steps {
  const ModelParams& p;
  const OriState& state;
  const std::function<void(const OriStep&, const OriState&)>& visit;

  [[nodiscard]] bool mutated(Mutant m) const { return (p.mutants & m) != 0; }
  [[nodiscard]] bool current(int a, int s) const {
    return state.agent[at(a)].delivered[at(s)] == state.reg[at(s)];
  }
  [[nodiscard]] bool others_current(int a, int k) const {
    for (int s = 0; s < p.shards; ++s) {
      if (s != k && !current(a, s)) return false;
    }
    return true;
  }

  void read(int a, int s) const {
    OriState next = state;
    next.agent[at(a)].delivered[at(s)] =
        static_cast<std::uint16_t>(state.reg[at(s)] + (mutated(kReadAhead) ? 1 : 0));
    visit({ActionKind::kRead, a, s, 1, 0}, next);
  }

  // The write of Commit and Apply.
  void apply(ActionKind action, int a, int k) const {
    OriState next = state;
    OriAgent& agent = next.agent[at(a)];
    unsigned broken = 0;
    if (!others_current(a, k)) broken |= kHistoryOriLegal;
    if (!current(a, k)) broken |= kNoLostUpdate;
    if (p.history == History::kFull) {
      next.history.push_back(
          {static_cast<std::uint8_t>(a), static_cast<std::uint8_t>(k), agent.delivered, state.reg});
    }
    ++next.reg[at(k)];
    if (!mutated(kNoOwnRefresh)) agent.delivered[at(k)] = next.reg[at(k)];
    agent.pending = 0;
    visit({action, a, k, 1, p.history == History::kNone ? 0 : broken}, next);
  }

  void commit(int a, int k) const {
    if (state.reg[at(k)] >= p.max_version) return;
    const bool others = mutated(kNoCrossCheck) || others_current(a, k);
    const bool primary = mutated(kNoPrimaryCheck) || current(a, k);
    if (!mutated(kSplitValidate)) {
      if (others && primary) apply(ActionKind::kCommit, a, k);
      return;
    }
    const OriAgent& agent = state.agent[at(a)];
    if (agent.pending == 0 && others) {
      OriState next = state;
      next.agent[at(a)].pending = static_cast<std::uint8_t>(k + 1);
      visit({ActionKind::kValidate, a, k, 1, 0}, next);
    } else if (agent.pending == k + 1 && primary) {
      apply(ActionKind::kApply, a, k);
    }
  }

  void agent_steps(int a) const {
    for (int s = 0; s < p.shards; ++s) read(a, s);
    for (int k = 0; k < p.shards; ++k) commit(a, k);
    int stale = 0;
    for (int s = 0; s < p.shards; ++s) stale += current(a, s) ? 0 : 1;
    if (stale > 0 && state.agent[at(a)].retries < p.retry_budget) {
      OriState next = state;
      ++next.agent[at(a)].retries;
      visit({ActionKind::kCommitFails, a, 0,
             static_cast<std::uint64_t>(p.shards) * static_cast<std::uint64_t>(stale), 0},
            next);
    }
    OriState next = state;
    next.agent[at(a)].alive = false;
    next.agent[at(a)].pending = 0;
    visit({ActionKind::kTimeout, a, -1, 1, 0}, next);
  }
};

// Order of interchangeable agents; the same as that of the packed local words.
auto local_key(const OriAgent& agent, int shards) {
  VersionRow high_first{};
  std::reverse_copy(agent.delivered.begin(), agent.delivered.begin() + shards, high_first.begin());
  return std::make_tuple(agent.pending, agent.alive, agent.retries, high_first);
}

// Agents in the history get the number of their first appearance in it, the others follow sorted.
OriState relabel_agents(const ModelParams& p, const OriState& state) {
  std::vector<int> order;
  std::array<bool, kMaxAgents> seen{};
  for (const HistoryEntry& entry : state.history) {
    if (!seen[entry.agent]) order.push_back(entry.agent);
    seen[entry.agent] = true;
  }
  const auto absent = static_cast<std::ptrdiff_t>(order.size());
  for (int a = 0; a < p.agents; ++a) {
    if (!seen[at(a)]) order.push_back(a);
  }
  std::sort(order.begin() + absent, order.end(), [&](int x, int y) {
    return local_key(state.agent[at(x)], p.shards) < local_key(state.agent[at(y)], p.shards);
  });
  OriState out;
  out.reg = state.reg;
  out.history = state.history;
  std::array<std::uint8_t, kMaxAgents> label{};
  for (std::size_t i = 0; i < order.size(); ++i) {
    out.agent[i] = state.agent[at(order[i])];
    label[at(order[i])] = static_cast<std::uint8_t>(i);
  }
  for (HistoryEntry& entry : out.history) entry.agent = label[entry.agent];
  return out;
}

// order[new] = old.
OriState permute_shards(const ModelParams& p, const OriState& state,
                        const std::vector<int>& order) {
  OriState out = state;
  const auto row = [&](const VersionRow& from) {
    VersionRow to{};
    for (int s = 0; s < p.shards; ++s) to[at(s)] = from[at(order[at(s)])];
    return to;
  };
  std::array<std::uint8_t, kMaxShards> label{};
  for (int s = 0; s < p.shards; ++s) label[at(order[at(s)])] = static_cast<std::uint8_t>(s);
  out.reg = row(state.reg);
  for (OriAgent& agent : out.agent) {
    agent.delivered = row(agent.delivered);
    if (agent.pending != 0)
      agent.pending = static_cast<std::uint8_t>(label[agent.pending - 1u] + 1);
  }
  for (HistoryEntry& entry : out.history) {
    entry.shard = label[entry.shard];
    entry.delivered = row(entry.delivered);
    entry.reg = row(entry.reg);
  }
  return out;
}

// What a shard looks like from everywhere, agents named; shards of equal columns may be swapped
// freely, so only one order of them is tried.
std::vector<int> column(const ModelParams& p, const OriState& state, int s) {
  std::vector<int> out;
  std::size_t first = state.history.size();
  for (std::size_t i = 0; i < state.history.size(); ++i) {
    if (state.history[i].shard == s) first = std::min(first, i);
    out.push_back(state.history[i].delivered[at(s)]);
  }
  out.push_back(static_cast<int>(first));
  out.push_back(state.reg[at(s)]);
  for (int a = 0; a < p.agents; ++a) {
    out.push_back(state.agent[at(a)].delivered[at(s)]);
    out.push_back(state.agent[at(a)].pending == s + 1 ? 1 : 0);
  }
  return out;
}

// The same without the agents' names: equal under every symmetry, so it may sort the shards.
std::vector<int> anonymous_column(const ModelParams& p, const OriState& state, int s) {
  std::size_t first = state.history.size();
  for (std::size_t i = state.history.size(); i-- > 0;) {
    if (state.history[i].shard == s) first = i;
  }
  std::vector<std::array<int, 4>> seen;
  for (int a = 0; a < p.agents; ++a) {
    const OriAgent& agent = state.agent[at(a)];
    seen.push_back({agent.delivered[at(s)], agent.pending == s + 1 ? 1 : 0, agent.alive ? 1 : 0,
                    agent.retries});
  }
  std::sort(seen.begin(), seen.end());
  std::vector<int> out{static_cast<int>(first), state.reg[at(s)]};
  for (const auto& values : seen) out.insert(out.end(), values.begin(), values.end());
  return out;
}

// Tries the orders of the tied groups one after the other and keeps the smallest state.
struct ShardOrders {
  const ModelParams& p;
  const OriState& state;
  std::vector<int> order;                // shards sorted by anonymous column
  std::vector<std::size_t> group_end{};  // per group of equal anonymous columns
  std::vector<std::vector<int>> columns{};
  std::string best_bytes{};
  OriState best{};

  void run() {
    std::vector<std::vector<int>> keys;
    for (int s = 0; s < p.shards; ++s) {
      keys.push_back(anonymous_column(p, state, s));
      columns.push_back(column(p, state, s));
    }
    std::sort(order.begin(), order.end(), [&](int x, int y) {
      return std::tie(keys[at(x)], columns[at(x)], x) < std::tie(keys[at(y)], columns[at(y)], y);
    });
    for (std::size_t i = 1; i <= order.size(); ++i) {
      if (i == order.size() || keys[at(order[i])] != keys[at(order[i - 1])]) group_end.push_back(i);
    }
    permute(0);
  }

  void permute(std::size_t group) {
    if (group == group_end.size()) {
      OriState candidate = relabel_agents(p, permute_shards(p, state, order));
      std::string bytes = ori_bytes(p, candidate);
      if (best_bytes.empty() || bytes < best_bytes) {
        best_bytes = std::move(bytes);
        best = std::move(candidate);
      }
      return;
    }
    const auto begin =
        order.begin() + static_cast<std::ptrdiff_t>(group == 0 ? 0 : group_end[group - 1]);
    const auto end = order.begin() + static_cast<std::ptrdiff_t>(group_end[group]);
    const auto by_column = [this](int x, int y) { return columns[at(x)] < columns[at(y)]; };
    std::sort(begin, end, by_column);
    do {
      permute(group + 1);
    } while (std::next_permutation(begin, end, by_column));
  }
};

}  // namespace

OriWidths ori_widths(const ModelParams& p) {
  const auto bits = [](int largest) { return bits_for(static_cast<std::uint64_t>(largest)); };
  OriWidths width;
  width.version = bits(p.max_version + ((p.mutants & kReadAhead) != 0 ? 1 : 0));
  width.code = bits(p.agents * p.shards - 1);
  width.retries = bits(p.retry_budget);
  width.pending = (p.mutants & kSplitValidate) != 0 ? bits(p.shards) : 0;
  return width;
}

OriState ori_initial(const ModelParams&) {
  return {};
}

void ori_steps(const ModelParams& params, const OriState& state,
               const std::function<void(const OriStep&, const OriState&)>& visit) {
  const Steps steps{params, state, visit};
  bool any = false;
  for (int a = 0; a < params.agents; ++a) {
    if (!state.agent[at(a)].alive) continue;
    any = true;
    steps.agent_steps(a);
  }
  if (!any) visit({ActionKind::kStutter, -1, -1, 1, 0}, state);
}

unsigned ori_broken(const ModelParams& params, const OriState& state) {
  unsigned broken = 0;
  for (int s = 0; s < params.shards; ++s) {
    if (state.reg[at(s)] > params.max_version) broken |= kVersionBound | kTypeOk;
    for (int a = 0; a < params.agents; ++a) {
      const std::uint16_t delivered = state.agent[at(a)].delivered[at(s)];
      if (delivered > params.max_version) broken |= kTypeOk;
      if (delivered > state.reg[at(s)]) broken |= kReadSetSoundness;
    }
  }
  for (int a = 0; a < params.agents; ++a) {
    if (state.agent[at(a)].retries > params.retry_budget) broken |= kTypeOk;
  }
  for (const HistoryEntry& entry : state.history) {
    for (int s = 0; s < params.shards; ++s) {
      if (entry.delivered[at(s)] == entry.reg[at(s)]) continue;
      broken |= s == entry.shard ? kNoLostUpdate : kHistoryOriLegal;
    }
  }
  return broken;
}

OriState ori_canonical(const ModelParams& params, const OriState& state) {
  switch (params.symmetry) {
    case Symmetry::kNone:
      return state;
    case Symmetry::kAgents:
      return relabel_agents(params, state);
    case Symmetry::kAgentsShards:
      break;
  }
  ShardOrders orders{params, state, std::vector<int>(at(params.shards))};
  std::iota(orders.order.begin(), orders.order.end(), 0);
  orders.run();
  return orders.best;
}

std::string ori_bytes(const ModelParams& p, const OriState& state) {
  const OriWidths width = ori_widths(p);
  BitWriter bits;
  for (int s = p.shards - 1; s >= 0; --s) bits.put(state.reg[at(s)], width.version);
  for (const HistoryEntry& entry : state.history) {
    bits.put(static_cast<std::uint64_t>(entry.agent * p.shards + entry.shard), width.code);
    if (!needs_snapshots(p)) continue;
    for (int s = p.shards - 1; s >= 0; --s) bits.put(entry.delivered[at(s)], width.version);
  }
  for (int a = p.agents - 1; a >= 0; --a) {
    const OriAgent& agent = state.agent[at(a)];
    bits.put(agent.pending, width.pending);
    bits.put(agent.alive ? 1 : 0, 1);
    bits.put(agent.retries, width.retries);
    for (int s = p.shards - 1; s >= 0; --s) bits.put(agent.delivered[at(s)], width.version);
  }
  return bits.take();
}

OriState ori_from_bytes(const ModelParams& p, const std::string& bytes) {
  const OriWidths width = ori_widths(p);
  OriState state;
  BitReader bits(bytes);
  std::size_t length = 0;
  for (int s = p.shards - 1; s >= 0; --s) {
    state.reg[at(s)] = static_cast<std::uint16_t>(bits.get(width.version));
    length += state.reg[at(s)];
  }
  if (p.history != History::kFull) length = 0;
  VersionRow reg{};  // as of each entry: the commits before it
  for (std::size_t i = 0; i < length; ++i) {
    const auto code = static_cast<int>(bits.get(width.code));
    HistoryEntry entry{static_cast<std::uint8_t>(code / p.shards),
                       static_cast<std::uint8_t>(code % p.shards), reg, reg};
    if (needs_snapshots(p)) {
      for (int s = p.shards - 1; s >= 0; --s) {
        entry.delivered[at(s)] = static_cast<std::uint16_t>(bits.get(width.version));
      }
    }
    ++reg[entry.shard];
    state.history.push_back(entry);
  }
  for (int a = p.agents - 1; a >= 0; --a) {
    OriAgent& agent = state.agent[at(a)];
    agent.pending = static_cast<std::uint8_t>(bits.get(width.pending));
    agent.alive = bits.get(1) != 0;
    agent.retries = static_cast<std::uint8_t>(bits.get(width.retries));
    for (int s = p.shards - 1; s >= 0; --s) {
      agent.delivered[at(s)] = static_cast<std::uint16_t>(bits.get(width.version));
    }
  }
  return state;
}

std::string ori_json(const ModelParams& p, const OriState& state) {
  std::string text;
  core::JsonWriter json(text);
  const auto row = [&](const VersionRow& values) {
    json.begin_array();
    for (int s = 0; s < p.shards; ++s) json.value(values[at(s)]);
    json.end_array();
  };
  const auto per_agent = [&](const char* key, auto&& put) {
    json.key(key).begin_array();
    for (int a = 0; a < p.agents; ++a) put(state.agent[at(a)]);
    json.end_array();
  };
  json.begin_object().key("reg");
  row(state.reg);
  per_agent("D", [&](const OriAgent& agent) { row(agent.delivered); });
  per_agent("alive", [&](const OriAgent& agent) { json.value(agent.alive); });
  per_agent("ret", [&](const OriAgent& agent) { json.value(agent.retries); });
  if ((p.mutants & kSplitValidate) != 0) {
    per_agent("pend", [&](const OriAgent& agent) {
      if (agent.pending == 0) {
        json.null();
      } else {
        json.value("s" + std::to_string(agent.pending));
      }
    });
  }
  if (p.history == History::kFull) {
    json.key("H").begin_array();
    for (const HistoryEntry& entry : state.history) {
      json.begin_object();
      json.field("agent", "a" + std::to_string(entry.agent + 1));
      json.field("shard", "s" + std::to_string(entry.shard + 1));
      json.field("before", entry.reg[entry.shard]).key("D");
      row(entry.delivered);
      json.key("reg");
      row(entry.reg);
      json.end_object();
    }
    json.end_array();
  }
  json.end_object();
  return text;
}

}  // namespace stateutils::sbus
