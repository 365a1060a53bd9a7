// One mapping of untouched zero pages for all tables of a model: an unused table costs nothing.
#pragma once

#include <cstddef>
#include <cstdint>

namespace stateutils::statesmix {

class Arena {
 public:
  // Huge pages are asked for when `huge`: they spare page faults where most of the memory will be
  // used, and would make a short input touch all of it. Failure is core::Error kEnvironment.
  Arena(std::size_t bytes, bool huge);
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;
  ~Arena();

  // `count` zeroed items, aligned to 64 bytes; asking for more than was reserved is a bug.
  template <class T>
  T* take(std::size_t count) {
    return static_cast<T*>(take_bytes(count * sizeof(T)));
  }
  [[nodiscard]] static constexpr std::size_t rounded(std::size_t bytes) {
    return (bytes + 63) & ~std::size_t{63};
  }

 private:
  void* take_bytes(std::size_t bytes);

  std::uint8_t* base_ = nullptr;
  std::size_t size_ = 0, used_ = 0;
};

}  // namespace stateutils::statesmix
