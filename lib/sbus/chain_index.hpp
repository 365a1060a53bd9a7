// The committed transactions of a register history as events on chains, one chain per session: who
// reads and writes what where.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "sbus/forced_order.hpp"
#include "sbus/txn_facts.hpp"

namespace stateutils::sbus {

// Events are numbered as ChainClocks does. With `split` a transaction has two, its reads and then
// its writes; else they are the same one.
class ChainIndex {
 public:
  struct Write {
    std::uint32_t key;
    std::uint32_t group;              // of the key, on the writer's chain
    std::uint32_t first_reader, end;  // of readers()
  };
  // The writers of a key on one chain: their write events, ascending.
  struct Group {
    std::uint32_t chain, begin, end;
  };

  ChainIndex(const TxnFacts& facts, bool split);

  [[nodiscard]] const std::vector<std::uint32_t>& chain_sizes() const { return sizes_; }
  [[nodiscard]] bool split() const { return split_; }
  [[nodiscard]] std::size_t keys() const { return first_group_.size() - 1; }
  [[nodiscard]] std::size_t groups() const { return groups_.size(); }
  [[nodiscard]] std::uint32_t txn(std::uint32_t event) const { return txns_[event]; }
  [[nodiscard]] bool reads_at(std::uint32_t event) const {
    return !split_ || read_event(txns_[event]) == event;
  }
  [[nodiscard]] bool writes_at(std::uint32_t event) const {
    return !split_ || read_event(txns_[event]) != event;
  }
  [[nodiscard]] std::uint32_t read_event(std::uint32_t txn) const { return events_[txn]; }
  [[nodiscard]] std::uint32_t write_event(std::uint32_t txn) const {
    return events_[txn] + (split_ ? 1 : 0);
  }

  // What a transaction read, by key; what was read twice is there once.
  [[nodiscard]] std::span<const ExternalRead> reads(std::uint32_t txn) const {
    return std::span(reads_).subspan(first_read_[txn], first_read_[txn + 1] - first_read_[txn]);
  }
  [[nodiscard]] bool reads_key(std::uint32_t txn, std::uint32_t key) const;
  [[nodiscard]] std::span<const Write> writes(std::uint32_t txn) const {
    return std::span(writes_).subspan(first_write_[txn], first_write_[txn + 1] - first_write_[txn]);
  }
  [[nodiscard]] const Write* write(std::uint32_t txn, std::uint32_t key) const;
  [[nodiscard]] std::span<const std::uint32_t> readers(const Write& write) const {
    return std::span(readers_).subspan(write.first_reader, write.end - write.first_reader);
  }
  [[nodiscard]] std::span<const Group> groups_of(std::uint32_t key) const {
    return std::span(groups_).subspan(first_group_[key], first_group_[key + 1] - first_group_[key]);
  }
  [[nodiscard]] std::uint32_t number(const Group& group) const {
    return static_cast<std::uint32_t>(&group - groups_.data());
  }
  [[nodiscard]] std::span<const std::uint32_t> writers(const Group& group) const {
    return std::span(writers_).subspan(group.begin, group.end - group.begin);
  }
  // The last write event of `key` on `chain` that is below `end`.
  [[nodiscard]] std::optional<std::uint32_t> last_writer(std::uint32_t key, std::uint32_t chain,
                                                         std::uint32_t end) const;

 private:
  void place_events(const TxnFacts& facts);
  void index_reads(const TxnFacts& facts);
  void index_writes(const TxnFacts& facts);
  void index_readers();

  bool split_;
  std::vector<std::uint32_t> sizes_, txns_, events_;  // by chain, by event, by txn
  std::vector<ExternalRead> reads_;                   // by txn, then key
  std::vector<Write> writes_;                         // by txn, then key
  std::vector<std::size_t> first_read_, first_write_, first_group_;
  std::vector<Group> groups_;  // by key, then chain
  std::vector<std::uint32_t> writers_, readers_;
};

}  // namespace stateutils::sbus
