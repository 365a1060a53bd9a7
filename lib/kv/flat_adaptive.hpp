// Flat policies that learn: ARC, 2Q, SLRU, W-TinyLFU, GDSF. access() says whether it was a hit.
#pragma once

#include <cstdint>
#include <queue>
#include <vector>

#include "kv/index_list.hpp"

namespace stateutils::kv {

// Megiddo and Modha, FAST'03, figure 4; the target of T1 is kept as a real number.
class Arc {
 public:
  Arc(std::uint32_t blocks, std::uint64_t capacity)
      : capacity_(capacity), links_(blocks), where_(blocks, kOut) {}
  bool access(std::uint32_t block);

 private:
  enum Where : std::uint8_t { kOut, kT1, kT2, kB1, kB2 };
  void replace(bool in_b2);
  void move(std::uint32_t block, Where to);
  IndexList& list(Where where) { return lists_[where]; }

  std::uint64_t capacity_;
  double target_ = 0;
  Links links_;
  std::vector<Where> where_;
  IndexList lists_[5];
};

// Johnson and Shasha, VLDB'94, full version: Kin = C/4, Kout = C/2.
class TwoQueues {
 public:
  TwoQueues(std::uint32_t blocks, std::uint64_t capacity)
      : capacity_(capacity),
        in_size_(std::max<std::uint64_t>(1, capacity / 4)),
        out_size_(std::max<std::uint64_t>(1, capacity / 2)),
        links_(blocks),
        where_(blocks, kOut) {}
  bool access(std::uint32_t block);

 private:
  enum Where : std::uint8_t { kOut, kIn, kGhost, kMain };
  void reclaim();

  std::uint64_t capacity_, in_size_, out_size_;
  Links links_;
  std::vector<Where> where_;
  IndexList in_, ghost_, main_;
};

// Karedla, Love and Wherry 1994: probation and a protected segment of floor(4C/5).
class SegmentedLru {
 public:
  SegmentedLru(std::uint32_t blocks, std::uint64_t capacity)
      : capacity_(capacity),
        protected_size_(capacity * 4 / 5),
        links_(blocks),
        where_(blocks, kOut) {}
  bool access(std::uint32_t block);
  // For TinyLFU, which decides itself what enters and leaves.
  [[nodiscard]] bool touch(std::uint32_t block);
  [[nodiscard]] bool full() const { return probation_.size + protected_.size >= capacity_; }
  [[nodiscard]] std::uint32_t victim() const {
    return probation_.size > 0 ? probation_.oldest : protected_.oldest;
  }
  void evict(std::uint32_t block);
  void insert(std::uint32_t block);

 private:
  enum Where : std::uint8_t { kOut, kProbation, kProtected };
  std::uint64_t capacity_, protected_size_;
  Links links_;
  std::vector<Where> where_;
  IndexList probation_, protected_;
};

// Einziger, Friedman and Manes, ToS'17: an LRU window of 1 % (at least one block) before a
// segmented LRU; the newcomer enters when it was used more often than the victim. Counts are exact
// (the paper's sketch approximates them), at most 15 and halved every 10 C accesses.
class TinyLfu {
 public:
  TinyLfu(std::uint32_t blocks, std::uint64_t capacity)
      : window_size_(std::max<std::uint64_t>(1, capacity / 100)),
        period_(capacity * 10),
        main_(blocks, capacity - window_size_),
        links_(blocks),
        in_window_(blocks, false),
        count_(blocks, 0),
        has_main_(capacity > window_size_) {}
  bool access(std::uint32_t block);

 private:
  void count(std::uint32_t block);

  std::uint64_t window_size_, period_, since_ = 0;
  SegmentedLru main_;
  Links links_;
  std::vector<bool> in_window_;
  std::vector<std::uint8_t> count_;
  IndexList window_;
  bool has_main_;
};

// Cherkasova 1998: priority = clock + frequency * cost / size, here of unit cost and size; the
// clock rises to each victim's priority. Ties leave in the order of their last use.
class Gdsf {
 public:
  Gdsf(std::uint32_t blocks, std::uint64_t capacity) : capacity_(capacity), objects_(blocks) {}
  bool access(std::uint32_t block);

 private:
  struct Object {
    std::uint64_t priority = 0, used = 0;
    std::uint32_t frequency = 0;  // 0: absent
  };
  struct Entry {
    std::uint64_t priority, used;
    std::uint32_t block;
    bool operator<(const Entry& other) const {
      return priority != other.priority ? priority > other.priority : used > other.used;
    }
  };
  void evict();

  std::uint64_t capacity_, clock_ = 0, now_ = 0, resident_ = 0;
  std::vector<Object> objects_;
  std::priority_queue<Entry> queue_;
};

}  // namespace stateutils::kv
