// Carry-less binary range coder (32-bit interval [low, high], 16-bit probabilities). Both ends of
// the interval are kept; bytes leave when the ends agree on them, so no carry can run backwards.
// Four bytes at the end settle the last interval.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace stateutils::statesmix {

// P(bit = 1) in units of 2^-16, always within [1, 65535].
using Prob16 = std::uint32_t;

class RangeEncoder {
 public:
  explicit RangeEncoder(std::vector<std::uint8_t>& out) : out_(out) {}

  void encode(int bit, Prob16 p) {
    const std::uint32_t mid =
        low_ + static_cast<std::uint32_t>((std::uint64_t{high_ - low_} * p) >> 16);
    if (bit != 0) {
      high_ = mid;
    } else {
      low_ = mid + 1;
    }
    while (((low_ ^ high_) >> 24) == 0) {
      out_.push_back(static_cast<std::uint8_t>(high_ >> 24));
      low_ <<= 8;
      high_ = (high_ << 8) | 255;
    }
  }
  void finish() {
    for (int shift = 24; shift >= 0; shift -= 8) {
      out_.push_back(static_cast<std::uint8_t>(low_ >> shift));
    }
  }

 private:
  std::vector<std::uint8_t>& out_;
  std::uint32_t low_ = 0, high_ = 0xFFFFFFFFu;
};

class RangeDecoder {
 public:
  RangeDecoder(const std::uint8_t* data, std::size_t size) : data_(data), size_(size) {
    for (int i = 0; i < 4; ++i) code_ = (code_ << 8) | next();
  }

  int decode(Prob16 p) {
    const std::uint32_t mid =
        low_ + static_cast<std::uint32_t>((std::uint64_t{high_ - low_} * p) >> 16);
    const int bit = code_ <= mid ? 1 : 0;
    if (bit != 0) {
      high_ = mid;
    } else {
      low_ = mid + 1;
    }
    while (((low_ ^ high_) >> 24) == 0) {
      low_ <<= 8;
      high_ = (high_ << 8) | 255;
      code_ = (code_ << 8) | next();
    }
    return bit;
  }
  // Set once a byte beyond the data was asked for: the block is damaged.
  [[nodiscard]] bool overrun() const { return overrun_; }
  // Every byte was used and the last four are those that the encoder's finish() writes: no bit of
  // a valid stream is free.
  [[nodiscard]] bool at_end() const { return position_ == size_ && code_ == low_; }

 private:
  std::uint32_t next() {
    if (position_ < size_) return data_[position_++];
    overrun_ = true;
    return 0;
  }

  const std::uint8_t* data_;
  std::size_t size_, position_ = 0;
  std::uint32_t low_ = 0, high_ = 0xFFFFFFFFu, code_ = 0;
  bool overrun_ = false;
};

}  // namespace stateutils::statesmix
