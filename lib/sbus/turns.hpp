// Agents that fight over one shard read it in turn. Optimistic commits waste all but one of the
// reads that are answered at a time; where a commit has just been refused for that reason, the next
// read is answered when the agent that read last has committed, or has had its time.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace stateutils::sbus {

class Turns {
 public:
  // `turn_ns`: how long an agent may keep others waiting; 0: never.
  explicit Turns(std::int64_t turn_ns) : turn_ns_(turn_ns) {}

  // False: the read of this client must wait and be tried again when it is woken.
  [[nodiscard]] bool may_read(std::string_view key, std::string_view agent, std::uint64_t client,
                              std::int64_t now);
  // After a commit. `collided`: it was refused for the version of its shard alone.
  void committed(std::string_view key, std::string_view agent, bool collided, std::int64_t now);

  void take_woken(std::int64_t now, std::vector<std::uint64_t>& out);
  [[nodiscard]] bool has_waiting() const { return waiting_ > 0 || !woken_.empty(); }
  [[nodiscard]] bool idle() const { return shards_.empty(); }

 private:
  struct Waiter {
    std::uint64_t client;
    std::int64_t since;
  };
  struct Shard {
    std::string holder;  // the agent whose turn it is
    std::int64_t held_until = 0, contended_until = 0;
    std::deque<Waiter> waiting;
  };
  void wake_first(Shard& shard);

  std::int64_t turn_ns_;
  std::unordered_map<std::string, Shard> shards_;  // that agents fight over
  std::unordered_set<std::uint64_t> overdue_;      // waited long enough: answered in any case
  std::vector<std::uint64_t> woken_;
  std::size_t waiting_ = 0;
  std::int64_t next_look_ = 0;
};

}  // namespace stateutils::sbus
