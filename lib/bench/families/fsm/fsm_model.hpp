// Worlds as extended finite-state machines: configuration variables from finite sets, commands
// without arguments, and pages (or states) to reach. One form for everything that is imported.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bench/world/json.hpp"
#include "core/rng.hpp"

namespace stateutils::bench {

struct FsmGuard {
  std::string variable, condition, value;  // value: JSON, empty for conditions without one
};

struct FsmAction {
  std::string command, output;
  std::vector<FsmGuard> guards;
  std::vector<std::pair<std::string, std::string>> set;  // variable, JSON
  std::vector<std::string> clear;
};

struct FsmModel {
  std::string name = "machine", place = "page";  // `place`: the variable that says where one is
  std::vector<std::string> places, goals;        // values of `place`
  std::map<std::string, std::string> initial;    // variable -> JSON
  std::vector<FsmAction> actions;
};

// What is known about an imported model, as one JSON object.
struct FsmImport {
  FsmModel model;
  std::string facts;  // empty: to be found by search
};

// Malformed and nondeterministic models are kInput with their line.
[[nodiscard]] FsmImport import_autowebworld(const Document& document);
[[nodiscard]] FsmImport import_graphwalker(const Document& document);
[[nodiscard]] FsmImport import_dot(std::string_view text, const std::string& file);
// Labelled strings (a machine is learned from them), or a learned machine's JSON.
[[nodiscard]] FsmImport import_abbadingo(const std::string& text, const std::string& file);

// The pack of a model: its world, and one scenario per goal place and distinct shortest distance.
// `facts` gets {"states","shortest_goal_steps",...} where the model brought none.
[[nodiscard]] std::string fsm_pack(const FsmModel& model, std::uint64_t max_states,
                                   std::string& facts);

// A random site: pages, gates that must be opened first, and a filter to choose. The way to the
// last page takes a number of steps from `min_steps` to `max_steps`.
struct RandomSite {
  std::int64_t pages = 10, branching = 3, min_steps = 5, max_steps = 12;
};
[[nodiscard]] FsmModel random_site(const RandomSite& options, core::Rng& rng);

}  // namespace stateutils::bench
