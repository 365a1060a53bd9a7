#include "bench/families/fsm/automaton.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "core/json_writer.hpp"

namespace stateutils::bench {
namespace {

// Distances from the initial state; kNowhere where it does not reach.
std::vector<std::uint32_t> distances(const Automaton& a) {
  std::vector<std::uint32_t> depth(a.states.size(), Automaton::kNowhere);
  std::vector<std::uint32_t> queue{a.initial};
  depth[a.initial] = 0;
  for (std::size_t at = 0; at < queue.size(); ++at) {
    for (std::size_t i = 0; i < a.inputs.size(); ++i) {
      const std::uint32_t next = a.at(queue[at], i).target;
      if (next == Automaton::kNowhere || depth[next] != Automaton::kNowhere) continue;
      depth[next] = depth[queue[at]] + 1;
      queue.push_back(next);
    }
  }
  return depth;
}

// Moore's partition refinement over the reachable states.
std::size_t minimal_states(const Automaton& a, const std::vector<std::uint32_t>& depth) {
  std::vector<std::uint32_t> block(a.states.size(), Automaton::kNowhere);
  std::size_t count = 0;
  for (bool first = true;; first = false) {
    std::map<std::vector<std::string>, std::uint32_t> outputs;
    std::map<std::vector<std::uint32_t>, std::uint32_t> known;
    std::vector<std::uint32_t> next(block.size(), Automaton::kNowhere);
    for (std::size_t s = 0; s < a.states.size(); ++s) {
      if (depth[s] == Automaton::kNowhere) continue;
      if (first) {
        std::vector<std::string> key{a.accepting[s] ? "1" : "0"};
        for (std::size_t i = 0; i < a.inputs.size(); ++i) key.push_back(a.at(s, i).output);
        next[s] = outputs.try_emplace(key, outputs.size()).first->second;
        continue;
      }
      std::vector<std::uint32_t> key{block[s]};
      for (std::size_t i = 0; i < a.inputs.size(); ++i) {
        const std::uint32_t target = a.at(s, i).target;
        key.push_back(target == Automaton::kNowhere ? target : block[target]);
      }
      next[s] = known.try_emplace(key, known.size()).first->second;
    }
    const std::size_t blocks = first ? outputs.size() : known.size();
    block = std::move(next);
    if (!first && blocks == count) return count;
    count = blocks;
  }
}

// A command word that shells and our own splitter read as it stands.
std::string word(const std::string& text) {
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                       std::string_view("_+().,:|/-").find(c) != std::string_view::npos;
    out.push_back(plain ? c : '_');
  }
  while (out.starts_with('-')) out[0] = '_';
  return out.empty() ? "_" : out;
}

std::string quoted_json(std::string_view text) {
  std::string out;
  append_json_string(out, text);
  return out;
}

}  // namespace

std::string automaton_facts(const Automaton& a) {
  const auto depth = distances(a);
  std::uint64_t reachable = 0, transitions = 0, pairs = 0, far = 0;
  const auto degree = [&](std::size_t s) {
    std::uint64_t n = 0;
    for (std::size_t i = 0; i < a.inputs.size(); ++i) {
      n += a.at(s, i).target != Automaton::kNowhere;
    }
    return n;
  };
  for (std::size_t s = 0; s < a.states.size(); ++s) {
    transitions += degree(s);
    for (std::size_t i = 0; i < a.inputs.size(); ++i) {
      const std::uint32_t target = a.at(s, i).target;
      if (target != Automaton::kNowhere) pairs += degree(target);
    }
    if (depth[s] == Automaton::kNowhere) continue;
    ++reachable;
    far = std::max<std::uint64_t>(far, depth[s]);
  }
  std::string out;
  core::JsonWriter json(out);
  json.begin_object().field("kind", a.mealy ? "mealy" : "dfa");
  json.field("states_in_file", a.states.size()).field("reachable_states", reachable);
  json.field("inputs", a.inputs.size()).field("transitions", transitions);
  json.field("transition_pairs", pairs).field("minimal_states", minimal_states(a, depth));
  json.field("eccentricity_from_initial", far).end_object();
  return out;
}

FsmModel automaton_model(const Automaton& a) {
  FsmModel m;
  m.name = a.name;
  m.place = "state";
  m.places = a.states;
  m.initial["state"] = quoted_json(a.states[a.initial]);
  const auto depth = distances(a);
  for (std::size_t s = 0; s < a.states.size(); ++s) {
    const bool wanted = a.mealy ? s != a.initial : static_cast<bool>(a.accepting[s]);
    if (wanted && depth[s] != Automaton::kNowhere) m.goals.push_back(a.states[s]);
  }
  std::set<std::string> taken;
  for (std::size_t s = 0; s < a.states.size(); ++s) {
    for (std::size_t i = 0; i < a.inputs.size(); ++i) {
      const Automaton::Cell& cell = a.at(s, i);
      if (cell.target == Automaton::kNowhere) continue;
      FsmAction action;
      action.command = word(a.inputs[i]) + " " + word(a.states[s]);
      for (int n = 2; !taken.insert(action.command).second; ++n) {
        action.command = word(a.inputs[i]) + " " + word(a.states[s]) + "_" + std::to_string(n);
      }
      action.output = cell.output;
      action.guards.push_back({"state", "eq", quoted_json(a.states[s])});
      action.set.emplace_back("state", quoted_json(a.states[cell.target]));
      m.actions.push_back(std::move(action));
    }
  }
  return m;
}

}  // namespace stateutils::bench
