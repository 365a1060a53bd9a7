// Texts of a trace to dense numbers, in order of first appearance.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace stateutils::kv {

inline constexpr std::uint32_t kNone = std::numeric_limits<std::uint32_t>::max();

// Numbers 0, 1, 2, ... by the hash of what each stands for, which the caller keeps.
class NumberTable {
 public:
  // The number of this hash that `is` what is sought; kNone when there is none.
  template <class Is>
  [[nodiscard]] std::uint32_t find(std::uint64_t hash, Is is) const {
    if (slots_.empty()) return kNone;
    for (std::size_t slot = hash & mask(); slots_[slot] != kNone; slot = (slot + 1) & mask()) {
      if (is(slots_[slot])) return slots_[slot];
    }
    return kNone;
  }
  // The next number. `hash_of` tells the hashes of those before: they move when the table grows.
  template <class HashOf>
  std::uint32_t add(std::uint64_t hash, HashOf hash_of) {
    // At most 5/8 full: probes stay short and the table costs under 13 bytes a number.
    if (slots_.size() * 5 <= std::size_t{size_} * 8) {
      const std::size_t larger = slots_.empty() ? 64 : slots_.size() * 2;
      slots_ = std::vector<std::uint32_t>();  // the old room goes before the new one comes
      slots_.assign(larger, kNone);
      for (std::uint32_t number = 0; number < size_; ++number) put(number, hash_of(number));
    }
    put(size_, hash);
    return size_++;
  }

 private:
  [[nodiscard]] std::size_t mask() const { return slots_.size() - 1; }
  void put(std::uint32_t number, std::uint64_t hash) {
    std::size_t slot = hash & mask();
    while (slots_[slot] != kNone) slot = (slot + 1) & mask();
    slots_[slot] = number;
  }

  std::vector<std::uint32_t> slots_;  // open addressing, a power of two
  std::uint32_t size_ = 0;
};

// A few texts that many records name: sessions, agents, tools.
class Names {
 public:
  [[nodiscard]] std::uint32_t intern(std::string_view text);
  [[nodiscard]] std::uint32_t find(std::string_view text) const;  // kNone when unknown
  [[nodiscard]] std::string_view operator[](std::uint32_t number) const {
    const std::uint32_t from = number == 0 ? 0 : ends_[number - 1];
    return std::string_view(text_).substr(from, ends_[number] - from);
  }
  [[nodiscard]] std::uint32_t size() const { return static_cast<std::uint32_t>(ends_.size()); }

 private:
  [[nodiscard]] std::uint64_t hash_of(std::uint32_t number) const;

  std::string text_;
  std::vector<std::uint32_t> ends_;
  NumberTable table_;
};

// Texts of which each is another, but of few shapes: ids of requests. A shape is what is left of
// a text without its hexadecimal digits; where most characters are digits the text is kept as the
// number of its shape, a byte, and half a byte a digit: a UUID takes 17 bytes of 36. Every text
// comes back exactly as it was.
class IdTexts {
 public:
  [[nodiscard]] std::uint32_t intern(std::string_view text);
  [[nodiscard]] std::string operator[](std::uint32_t number) const;
  [[nodiscard]] std::uint32_t size() const { return size_; }
  // Gives back what only intern() needs, which is not called after this.
  void freeze();

 private:
  // Entries of `kBlock` texts lie in one piece, so that no growth copies them all; every `kGroup`th
  // has its place noted, the others are walked to.
  static constexpr std::uint32_t kGroup = 4, kBlock = 4096;
  void encode(std::string_view text);
  void append_entry();
  [[nodiscard]] const char* entry(std::uint32_t number) const;
  [[nodiscard]] std::size_t entry_size(const char* entry) const;
  [[nodiscard]] std::uint64_t hash_of(std::uint32_t number) const;

  std::vector<std::string> blocks_;
  std::vector<std::uint32_t> starts_;  // by group, within its block
  std::uint32_t size_ = 0;
  NumberTable table_;
  Names shapes_;                                 // texts whose digits are gaps
  std::array<std::uint8_t, 255> shape_bytes_{};  // of its digits, two in one
  std::string entry_, shape_;                    // of the text in hand
};

}  // namespace stateutils::kv
