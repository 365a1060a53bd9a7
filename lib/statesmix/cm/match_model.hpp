// Long repeats: the last place where the latest `min_length` bytes stood predicts the next byte.
// A candidate is verified byte by byte, a wrong bit drops it until the next byte boundary.
#pragma once

#include <cstddef>
#include <cstdint>

#include "statesmix/cm/adaptive.hpp"
#include "statesmix/cm/arena.hpp"
#include "statesmix/cm/logistic.hpp"

namespace stateutils::statesmix {

class MatchModel {
 public:
  static constexpr std::uint32_t kLengthClasses = 32;
  static constexpr std::uint32_t kCells = kLengthClasses * 2;

  [[nodiscard]] static std::size_t memory(int bits) {
    return Arena::rounded(std::size_t{4} << bits) + Arena::rounded(kCells * 4);
  }
  // `positions` has 2^bits entries, `cells` kCells.
  void attach(std::uint32_t* positions, int bits, std::uint32_t* cells, std::uint32_t min_length);
  // history[0, position) is known. prepare_byte asks for the table's memory; start_byte looks for
  // (or follows) the match for the next byte.
  void prepare_byte(const std::uint8_t* history, std::size_t position);
  void start_byte(const std::uint8_t* history, std::size_t position);

  struct Inputs {
    std::int16_t stretched, linear;
  };
  // Both 0 without a match.
  Inputs predict(const LogisticTables& t, int bit_index);
  // Whether the match ended with this bit.
  bool update(int bit, const LogisticTables& t);

  [[nodiscard]] std::uint32_t length() const { return length_; }
  // The expected byte, or -1.
  [[nodiscard]] int expected() const { return length_ != 0 ? predicted_ : -1; }
  // 0 without a match, else 1..7 by length.
  [[nodiscard]] std::uint32_t length_class() const;

 private:
  std::uint32_t* positions_ = nullptr;
  std::uint32_t* cells_ = nullptr;
  std::uint32_t* cell_ = nullptr;
  std::uint32_t* place_ = nullptr;  // where the last min_length bytes were seen before
  int shift_ = 63;
  std::uint32_t min_length_ = 5, length_ = 0, pointer_ = 0;
  int predicted_ = 0, expected_bit_ = 0;
};

}  // namespace stateutils::statesmix
