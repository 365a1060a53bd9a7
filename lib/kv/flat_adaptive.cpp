#include "kv/flat_adaptive.hpp"

#include <algorithm>

namespace stateutils::kv {

void Arc::move(std::uint32_t block, Where to) {
  if (where_[block] != kOut) list(where_[block]).remove(links_, block);
  where_[block] = to;
  if (to != kOut) list(to).push(links_, block);
}

void Arc::replace(bool in_b2) {
  const auto t1 = static_cast<double>(list(kT1).size);
  if (list(kT1).size > 0 && (t1 > target_ || (in_b2 && t1 == target_) || list(kT2).size == 0)) {
    move(list(kT1).oldest, kB1);
  } else {
    move(list(kT2).oldest, kB2);
  }
}

bool Arc::access(std::uint32_t block) {
  const auto size = [this](Where where) { return static_cast<double>(list(where).size); };
  switch (where_[block]) {
    case kT1:
    case kT2:
      move(block, kT2);
      return true;
    case kB1:
      target_ =
          std::min(static_cast<double>(capacity_), target_ + std::max(size(kB2) / size(kB1), 1.0));
      replace(false);
      move(block, kT2);
      return false;
    case kB2:
      target_ = std::max(0.0, target_ - std::max(size(kB1) / size(kB2), 1.0));
      replace(true);
      move(block, kT2);
      return false;
    case kOut:
      break;
  }
  const std::uint64_t l1 = list(kT1).size + list(kB1).size;
  const std::uint64_t all = l1 + list(kT2).size + list(kB2).size;
  if (l1 == capacity_) {
    if (list(kT1).size < capacity_) {
      move(list(kB1).oldest, kOut);
      replace(false);
    } else {
      move(list(kT1).oldest, kOut);
    }
  } else if (all >= capacity_) {
    if (all == 2 * capacity_) move(list(kB2).oldest, kOut);
    replace(false);
  }
  move(block, kT1);
  return false;
}

void TwoQueues::reclaim() {
  if (in_.size + main_.size < capacity_) return;
  if (in_.size > in_size_ || main_.size == 0) {
    const std::uint32_t block = in_.pop(links_);
    if (ghost_.size == out_size_) where_[ghost_.pop(links_)] = kOut;
    where_[block] = kGhost;
    ghost_.push(links_, block);
  } else {
    where_[main_.pop(links_)] = kOut;
  }
}

bool TwoQueues::access(std::uint32_t block) {
  if (where_[block] == kMain) return main_.renew(links_, block), true;
  if (where_[block] == kIn) return true;
  const bool remembered = where_[block] == kGhost;
  if (remembered) {
    ghost_.remove(links_, block);
    where_[block] = kOut;
  }
  reclaim();
  where_[block] = remembered ? kMain : kIn;
  (remembered ? main_ : in_).push(links_, block);
  return false;
}

bool SegmentedLru::touch(std::uint32_t block) {
  if (where_[block] == kOut) return false;
  if (where_[block] == kProtected) return protected_.renew(links_, block), true;
  if (protected_size_ == 0) return probation_.renew(links_, block), true;
  probation_.remove(links_, block);
  if (protected_.size == protected_size_) {
    const std::uint32_t demoted = protected_.pop(links_);
    where_[demoted] = kProbation;
    probation_.push(links_, demoted);
  }
  where_[block] = kProtected;
  protected_.push(links_, block);
  return true;
}

void SegmentedLru::evict(std::uint32_t block) {
  (where_[block] == kProbation ? probation_ : protected_).remove(links_, block);
  where_[block] = kOut;
}

void SegmentedLru::insert(std::uint32_t block) {
  where_[block] = kProbation;
  probation_.push(links_, block);
}

bool SegmentedLru::access(std::uint32_t block) {
  if (touch(block)) return true;
  if (full()) evict(victim());
  insert(block);
  return false;
}

void TinyLfu::count(std::uint32_t block) {
  if (count_[block] < 15) ++count_[block];
  if (++since_ < period_) return;
  since_ = 0;
  for (std::uint8_t& value : count_) value = static_cast<std::uint8_t>(value / 2);
}

bool TinyLfu::access(std::uint32_t block) {
  count(block);
  if (in_window_[block]) return window_.renew(links_, block), true;
  if (main_.touch(block)) return true;
  if (window_.size == window_size_) {
    const std::uint32_t candidate = window_.pop(links_);
    in_window_[candidate] = false;
    if (has_main_ && !main_.full()) {
      main_.insert(candidate);
    } else if (has_main_ && count_[candidate] > count_[main_.victim()]) {
      main_.evict(main_.victim());
      main_.insert(candidate);
    }
  }
  in_window_[block] = true;
  window_.push(links_, block);
  return false;
}

void Gdsf::evict() {
  for (;;) {
    const Entry entry = queue_.top();
    queue_.pop();
    Object& object = objects_[entry.block];
    if (object.frequency == 0 || object.used != entry.used) continue;  // touched since
    object.frequency = 0;
    clock_ = entry.priority;
    --resident_;
    return;
  }
}

bool Gdsf::access(std::uint32_t block) {
  Object& object = objects_[block];
  const bool hit = object.frequency != 0;
  if (!hit) {
    if (resident_ == capacity_) evict();
    ++resident_;
  }
  ++object.frequency;
  object.used = ++now_;
  object.priority = clock_ + object.frequency;
  queue_.push({object.priority, object.used, block});
  return hit;
}

}  // namespace stateutils::kv
