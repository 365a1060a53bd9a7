// What was used last, up to a number of entries: open files, decoders, scales.
#pragma once

#include <cstddef>
#include <list>
#include <memory>
#include <mutex>
#include <utility>

namespace stateutils::ckpt {

// Safe from several threads. What falls out lives on while somebody holds it.
template <class Key, class Value>
class RecentlyUsed {
 public:
  explicit RecentlyUsed(std::size_t most) : most_(most) {}

  // nullptr when it is not there.
  std::shared_ptr<Value> find(const Key& key) {
    const std::lock_guard lock(mutex_);
    for (auto entry = entries_.begin(); entry != entries_.end(); ++entry) {
      if (entry->first != key) continue;
      entries_.splice(entries_.begin(), entries_, entry);
      return entries_.front().second;
    }
    return nullptr;
  }
  // The value of `key`, made by `make()` unless it is there.
  template <class Make>
  std::shared_ptr<Value> get(const Key& key, const Make& make) {
    if (auto known = find(key)) return known;
    std::shared_ptr<Value> made = make();
    const std::lock_guard lock(mutex_);
    for (const auto& entry : entries_) {
      if (entry.first == key) return entry.second;  // another thread was faster
    }
    entries_.emplace_front(key, made);
    if (entries_.size() > most_) entries_.pop_back();
    return made;
  }
  template <class Predicate>
  void forget_if(const Predicate& gone) {
    const std::lock_guard lock(mutex_);
    entries_.remove_if([&gone](const auto& entry) { return gone(entry.first); });
  }

 private:
  std::size_t most_;
  std::mutex mutex_;
  std::list<std::pair<Key, std::shared_ptr<Value>>> entries_;
};

}  // namespace stateutils::ckpt
