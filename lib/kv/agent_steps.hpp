// KVFlow: in how many steps each agent of a session runs again, and who uses which blocks.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "kv/trace.hpp"

namespace stateutils::kv {

// Where steps-to-execution come from: the records' hints, the trace's own future, or the turns
// seen so far. kHints on a trace without hints is kLearned.
enum class StepSource { kHints, kOracle, kLearned };
[[nodiscard]] StepSource known_steps(const Trace& trace, StepSource asked);
[[nodiscard]] std::string step_policy_name(StepSource source);  // "kvflow", "kvflow-oracle", ...

class AgentSteps {
 public:
  // `hold`: steps beyond it count as one more, and so do agents that are not known. Tables reach
  // `reach` steps ahead.
  AgentSteps(const Trace& trace, StepSource source, std::uint32_t hold, std::uint32_t reach);

  void arrived(std::uint32_t request);
  // Replaces the table of the request's session; false when nothing has changed.
  bool finished(std::uint32_t request);
  // What blocks of that agent are worth: smaller is sooner.
  [[nodiscard]] std::uint32_t value(std::uint32_t session, std::uint32_t agent) const;
  [[nodiscard]] std::uint32_t of_nobody() const { return hold_ + 2; }
  struct Soon {
    std::uint32_t steps = 0, agent = 0, request = 0;  // the agent's last request that has finished
    friend auto operator<=>(const Soon&, const Soon&) = default;
  };
  // The session's agents that run within `ahead` steps, soonest first.
  [[nodiscard]] std::vector<Soon> soon(std::uint32_t session, std::uint32_t ahead) const;

 private:
  using Table = std::vector<std::pair<std::uint32_t, std::uint32_t>>;  // (agent, steps)
  struct Session {
    Table table;
    Table latest;                   // (agent, its last request)
    std::uint32_t running = kNone;  // the agent of the latest arrival
  };
  [[nodiscard]] Table hinted(std::uint32_t request) const;
  [[nodiscard]] Table looked_up(std::uint32_t request) const;
  [[nodiscard]] Table guessed(std::uint32_t agent) const;

  const Trace& trace_;
  StepSource source_;
  std::uint32_t hold_, reach_;
  std::vector<Session> sessions_;
  std::vector<std::uint32_t> next_;  // oracle: the next request of the session
  std::vector<Table> after_;         // learned: by agent, how often another one came next
};

// The agents that use each node of a prefix tree.
class NodeUsers {
 public:
  explicit NodeUsers(const AgentSteps& steps) : steps_(steps) {}
  // False when the agent is known as a user of the node already.
  bool add(std::uint32_t node, std::uint32_t session, std::uint32_t agent);
  void copy(std::uint32_t from, std::uint32_t to);
  void clear(std::uint32_t node) {
    if (node < users_.size()) users_[node].clear();
  }
  // The least of its users' values.
  [[nodiscard]] std::uint32_t value(std::uint32_t node) const;
  // Nodes that agents of the session use or have used.
  [[nodiscard]] const std::vector<std::uint32_t>& nodes_of(std::uint32_t session);

 private:
  using User = std::pair<std::uint32_t, std::uint32_t>;  // session, agent
  void list(std::uint32_t session, std::uint32_t node);

  const AgentSteps& steps_;
  std::vector<std::vector<User>> users_;           // by node, sorted
  std::vector<std::vector<std::uint32_t>> nodes_;  // by session
};

}  // namespace stateutils::kv
