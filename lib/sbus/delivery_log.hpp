// What one agent was given: per key the last version, when, and by which record.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "sbus/op_record.hpp"

namespace stateutils::sbus {

struct Delivery {
  std::uint32_t key = 0;
  std::uint32_t file = 0;
  std::int64_t version = 0;
  std::int64_t ts = 0;
  std::uint64_t line = 0;
  bool timed = false;
  Op op = Op::kGet;
};

class DeliveryLog {
 public:
  void clear() {
    entries_.clear();
    index_.clear();
  }
  [[nodiscard]] const Delivery* find(std::uint32_t key) const {
    const std::uint32_t at = position(key);
    return at == kAbsent ? nullptr : &entries_[at];
  }
  void set(const Delivery& delivery) {
    const std::uint32_t at = position(delivery.key);
    if (at != kAbsent) {
      entries_[at] = delivery;
      return;
    }
    entries_.push_back(delivery);
    if (entries_.size() > kScanned) add_to_index();
  }
  [[nodiscard]] std::span<const Delivery> entries() const { return entries_; }

 private:
  static constexpr std::uint32_t kAbsent = UINT32_MAX;
  static constexpr std::size_t kScanned = 8;  // up to here a scan beats an index

  [[nodiscard]] std::size_t slot(std::uint32_t key) const {
    return (key * 0x9E3779B1u) & (index_.size() - 1);
  }
  [[nodiscard]] std::uint32_t position(std::uint32_t key) const {
    if (entries_.size() <= kScanned) {
      for (std::size_t i = 0; i < entries_.size(); ++i) {
        if (entries_[i].key == key) return static_cast<std::uint32_t>(i);
      }
      return kAbsent;
    }
    for (std::size_t i = slot(key); index_[i] != kAbsent; i = (i + 1) & (index_.size() - 1)) {
      if (entries_[index_[i]].key == key) return index_[i];
    }
    return kAbsent;
  }
  void put(std::uint32_t at) {
    std::size_t i = slot(entries_[at].key);
    while (index_[i] != kAbsent) i = (i + 1) & (index_.size() - 1);
    index_[i] = at;
  }
  void add_to_index() {
    if (index_.size() >= entries_.size() * 2) {
      put(static_cast<std::uint32_t>(entries_.size() - 1));
      return;
    }
    index_.assign(index_.empty() ? 32 : index_.size() * 2, kAbsent);
    for (std::size_t i = 0; i < entries_.size(); ++i) put(static_cast<std::uint32_t>(i));
  }

  std::vector<Delivery> entries_;
  std::vector<std::uint32_t> index_;  // open addressing, power of two
};

}  // namespace stateutils::sbus
