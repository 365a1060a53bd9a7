// Exact sets and queues of packed states for one partition of the search.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>
#include <span>
#include <utility>

#include "sbus/packed_ori.hpp"

namespace stateutils::sbus {

// Bytes in use over all partitions and threads, against --mem.
struct MemoryMeter {
  std::atomic<std::int64_t> used{0}, peak{0};
  std::int64_t limit = 0;
  void add(std::int64_t bytes) {
    const std::int64_t now = used.fetch_add(bytes, std::memory_order_relaxed) + bytes;
    std::int64_t old = peak.load(std::memory_order_relaxed);
    while (now > old && !peak.compare_exchange_weak(old, now, std::memory_order_relaxed)) {
    }
  }
  [[nodiscard]] bool exceeded() const { return used.load(std::memory_order_relaxed) > limit; }
};

inline std::uint64_t mix(Word64 x) {
  x ^= x >> 32;
  x *= 0x9E3779B97F4A7C15u;
  x ^= x >> 29;
  x *= 0xBF58476D1CE4E5B9u;
  return x ^ (x >> 32);
}
inline std::uint64_t mix(Word128 x) {
  return mix(static_cast<Word64>(x) ^ (mix(static_cast<Word64>(x >> 64)) + 0x632BE59BD9B4E019u));
}

// Memory of trivially copyable items that reports what it holds to a meter.
template <class T>
class Buffer {
 public:
  Buffer() = default;
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  Buffer(Buffer&& other) noexcept { swap(other); }
  Buffer& operator=(Buffer&& other) noexcept {
    swap(other);
    return *this;
  }
  ~Buffer() { release(); }

  void push(T item, MemoryMeter& meter) {
    if (size_ == capacity_) reserve(capacity_ == 0 ? 16 : capacity_ + capacity_ / 2, meter);
    data_[size_++] = item;
  }
  void reserve(std::size_t capacity, MemoryMeter& meter) {
    if (capacity <= capacity_) return;
    void* grown = std::realloc(data_, capacity * sizeof(T));
    if (grown == nullptr) throw std::bad_alloc();
    meter.add(static_cast<std::int64_t>((capacity - capacity_) * sizeof(T)));
    meter_ = &meter;
    data_ = static_cast<T*>(grown);
    capacity_ = capacity;
  }
  void clear() { size_ = 0; }
  void release() {
    if (data_ == nullptr) return;
    meter_->add(-static_cast<std::int64_t>(capacity_ * sizeof(T)));
    std::free(data_);
    data_ = nullptr;
    size_ = capacity_ = 0;
  }
  void swap(Buffer& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(capacity_, other.capacity_);
    std::swap(meter_, other.meter_);
  }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] std::size_t capacity() const { return capacity_; }
  [[nodiscard]] std::span<const T> items() const { return {data_, size_}; }

 private:
  T* data_ = nullptr;
  std::size_t size_ = 0, capacity_ = 0;
  MemoryMeter* meter_ = nullptr;
};

// Open addressing with linear probing; a slot holds word + 1, so that 0 is free. Any capacity will
// do: the slot is the high half of hash * capacity.
template <class W>
class WordSet {
 public:
  WordSet() = default;
  WordSet(const WordSet&) = delete;
  WordSet& operator=(const WordSet&) = delete;
  WordSet(WordSet&& other) noexcept
      : slots_(std::exchange(other.slots_, nullptr)),
        capacity_(std::exchange(other.capacity_, 0)),
        size_(std::exchange(other.size_, 0)),
        most_(std::exchange(other.most_, 0)),
        meter_(other.meter_) {}
  WordSet& operator=(WordSet&&) = delete;
  ~WordSet() { release(); }

  // False when the word was there already.
  bool insert(W w, std::uint64_t hash, MemoryMeter& meter) {
    if (size_ >= most_) grow(meter);
    const W key = w + 1;
    std::size_t i = slot(hash);
    while (slots_[i] != 0) {
      if (slots_[i] == key) return false;
      if (++i == capacity_) i = 0;
    }
    slots_[i] = key;
    ++size_;
    return true;
  }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] std::size_t capacity() const { return capacity_; }
  void release() {
    if (slots_ == nullptr) return;
    meter_->add(-static_cast<std::int64_t>(capacity_ * sizeof(W)));
    std::free(slots_);
    slots_ = nullptr;
    capacity_ = size_ = most_ = 0;
  }
  template <class Visit>
  void for_each(Visit&& visit) const {
    for (std::size_t i = 0; i < capacity_; ++i) {
      if (slots_[i] != 0) visit(static_cast<W>(slots_[i] - 1));
    }
  }
  // Room for `size` words without another growth.
  void reserve(std::size_t size, MemoryMeter& meter) {
    if (size > most_) rehash(size + size / 2 + 16, meter);
  }

 private:
  [[nodiscard]] std::size_t slot(std::uint64_t hash) const {
    // The top bits chose the partition.
    __extension__ typedef unsigned __int128 Wide;
    return static_cast<std::size_t>((static_cast<Wide>(hash << 12) * capacity_) >> 64);
  }
  void grow(MemoryMeter& meter) { rehash(capacity_ < 32 ? 64 : capacity_ + capacity_ / 2, meter); }
  void rehash(std::size_t capacity, MemoryMeter& meter);

  W* slots_ = nullptr;
  std::size_t capacity_ = 0, size_ = 0, most_ = 0;
  MemoryMeter* meter_ = nullptr;
};

template <class W>
void WordSet<W>::rehash(std::size_t capacity, MemoryMeter& meter) {
  W* const old = slots_;
  const std::size_t old_capacity = capacity_;
  slots_ = static_cast<W*>(std::calloc(capacity, sizeof(W)));
  if (slots_ == nullptr) {
    slots_ = old;
    throw std::bad_alloc();
  }
  meter.add(static_cast<std::int64_t>(capacity * sizeof(W)));
  meter_ = &meter;
  capacity_ = capacity;
  most_ = capacity - capacity * 3 / 10;
  for (std::size_t i = 0; i < old_capacity; ++i) {
    if (old[i] == 0) continue;
    std::size_t j = slot(mix(static_cast<W>(old[i] - 1)));
    while (slots_[j] != 0) {
      if (++j == capacity_) j = 0;
    }
    slots_[j] = old[i];
  }
  if (old != nullptr) meter.add(-static_cast<std::int64_t>(old_capacity * sizeof(W)));
  std::free(old);
}

}  // namespace stateutils::sbus
