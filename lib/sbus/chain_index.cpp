#include "sbus/chain_index.hpp"

#include <algorithm>
#include <numeric>
#include <tuple>

namespace stateutils::sbus {

ChainIndex::ChainIndex(const TxnFacts& facts, bool split) : split_(split) {
  place_events(facts);
  index_reads(facts);
  index_writes(facts);
  index_readers();
}

void ChainIndex::place_events(const TxnFacts& facts) {
  events_.resize(facts.committed.size());
  for (const auto& session : facts.sessions) {
    for (const std::uint32_t t : session) {
      events_[t] = static_cast<std::uint32_t>(txns_.size());
      txns_.insert(txns_.end(), split_ ? 2 : 1, t);
    }
    sizes_.push_back(static_cast<std::uint32_t>(session.size() * (split_ ? 2 : 1)));
  }
}

void ChainIndex::index_reads(const TxnFacts& facts) {
  reads_ = facts.reads;
  const auto what = [](const ExternalRead& r) { return std::tuple(r.txn, r.key, r.writer); };
  std::sort(reads_.begin(), reads_.end(),
            [&](const ExternalRead& x, const ExternalRead& y) { return what(x) < what(y); });
  const auto same = [&](const ExternalRead& x, const ExternalRead& y) {
    return what(x) == what(y);
  };
  reads_.erase(std::unique(reads_.begin(), reads_.end(), same), reads_.end());
  first_read_.assign(facts.committed.size() + 1, 0);
  for (const ExternalRead& read : reads_) ++first_read_[read.txn + 1];
  std::partial_sum(first_read_.begin(), first_read_.end(), first_read_.begin());
}

void ChainIndex::index_writes(const TxnFacts& facts) {
  first_write_.assign(facts.committed.size() + 1, 0);
  for (const auto& writers : facts.writers) {
    for (const std::uint32_t t : writers) ++first_write_[t + 1];
  }
  std::partial_sum(first_write_.begin(), first_write_.end(), first_write_.begin());
  writes_.resize(first_write_.back());
  std::vector<std::size_t> next(first_write_.begin(), first_write_.end() - 1);
  std::vector<std::uint32_t> chain_of(txns_.size());
  for (std::uint32_t c = 0, e = 0; c < sizes_.size(); ++c) {
    for (std::uint32_t i = 0; i < sizes_[c]; ++i) chain_of[e++] = c;
  }
  first_group_.push_back(0);
  for (std::uint32_t key = 0; key < facts.writers.size(); ++key) {
    std::vector<std::uint32_t> events;
    for (const std::uint32_t t : facts.writers[key]) events.push_back(write_event(t));
    std::sort(events.begin(), events.end());
    for (const std::uint32_t event : events) {
      const auto at = static_cast<std::uint32_t>(writers_.size());
      if (groups_.size() == first_group_.back() || groups_.back().chain != chain_of[event]) {
        groups_.push_back({chain_of[event], at, at});
      }
      writers_.push_back(event);
      ++groups_.back().end;
      writes_[next[txns_[event]]++] = {key, static_cast<std::uint32_t>(groups_.size() - 1), 0, 0};
    }
    first_group_.push_back(groups_.size());
  }
}

void ChainIndex::index_readers() {
  const auto find = [&](const ExternalRead& read) -> Write* {
    if (read.writer == TxnFacts::kInit) return nullptr;
    return &writes_[static_cast<std::size_t>(write(read.writer, read.key) - writes_.data())];
  };
  for (const ExternalRead& read : reads_) {
    if (Write* write = find(read); write != nullptr) ++write->end;
  }
  std::uint32_t at = 0;
  for (Write& write : writes_) {
    const std::uint32_t count = write.end;
    write.first_reader = write.end = at;
    at += count;
  }
  readers_.resize(at);
  for (const ExternalRead& read : reads_) {
    if (Write* write = find(read); write != nullptr) readers_[write->end++] = read.txn;
  }
}

bool ChainIndex::reads_key(std::uint32_t txn, std::uint32_t key) const {
  const auto all = reads(txn);
  return std::any_of(all.begin(), all.end(),
                     [key](const ExternalRead& read) { return read.key == key; });
}

const ChainIndex::Write* ChainIndex::write(std::uint32_t txn, std::uint32_t key) const {
  const auto all = writes(txn);
  const auto at = std::lower_bound(all.begin(), all.end(), key,
                                   [](const Write& w, std::uint32_t k) { return w.key < k; });
  return at == all.end() || at->key != key ? nullptr : &*at;
}

std::optional<std::uint32_t> ChainIndex::last_writer(std::uint32_t key, std::uint32_t chain,
                                                     std::uint32_t end) const {
  const auto groups = groups_of(key);
  const auto group = std::lower_bound(groups.begin(), groups.end(), chain,
                                      [](const Group& g, std::uint32_t c) { return g.chain < c; });
  if (group == groups.end() || group->chain != chain) return std::nullopt;
  const auto events = writers(*group);
  const auto at = std::lower_bound(events.begin(), events.end(), end);
  if (at == events.begin()) return std::nullopt;
  return *std::prev(at);
}

}  // namespace stateutils::sbus
