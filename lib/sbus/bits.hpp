// Bit strings, most significant bit first: the bytes of equal layouts compare like the numbers.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace stateutils::sbus {

// A small index of a specification, for containers.
[[nodiscard]] constexpr std::size_t at(int index) {
  return static_cast<std::size_t>(index);
}

// Bits that hold 0 .. largest.
[[nodiscard]] constexpr int bits_for(std::uint64_t largest) {
  return static_cast<int>(std::bit_width(largest));
}

class BitWriter {
 public:
  void put(std::uint64_t value, int bits) {
    for (int i = bits - 1; i >= 0; --i) {
      if (used_ == 0) bytes_.push_back('\0');
      const auto bit = static_cast<unsigned>((value >> i) & 1u);
      auto last = static_cast<unsigned char>(bytes_.back());
      last = static_cast<unsigned char>(last | (bit << (7 - used_)));
      bytes_.back() = static_cast<char>(last);
      used_ = (used_ + 1) & 7;
    }
  }
  [[nodiscard]] std::string take() { return std::move(bytes_); }

 private:
  std::string bytes_;
  int used_ = 0;  // bits used of the last byte; 0 = all
};

class BitReader {
 public:
  explicit BitReader(std::string_view bytes) : bytes_(bytes) {}
  std::uint64_t get(int bits) {
    std::uint64_t value = 0;
    for (int i = 0; i < bits; ++i, ++at_) {
      const auto byte = static_cast<unsigned char>(bytes_[at_ >> 3]);
      value = value << 1 | ((byte >> (7 - (at_ & 7))) & 1u);
    }
    return value;
  }

 private:
  std::string_view bytes_;
  std::size_t at_ = 0;
};

}  // namespace stateutils::sbus
