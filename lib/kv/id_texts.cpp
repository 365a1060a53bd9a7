#include <algorithm>

#include "core/error.hpp"
#include "core/hash.hpp"
#include "kv/names.hpp"

namespace stateutils::kv {
namespace {

// The first byte of an entry: a shape, or that its size and the text as it is follow.
constexpr unsigned char kPlainId = 255;
constexpr char kIdGap = '\x01';  // a digit of a shape; a text that holds it is kept as it is
constexpr char kLowerId = 'a', kUpperId = 'A';
constexpr std::size_t kLongestShaped = 255;

// By character: the value of a decimal digit, that of a letter with 16 or 32 for its case, else
// 255.
constexpr std::uint8_t kLowerDigit = 16, kUpperDigit = 32, kNoDigit = 255;
constexpr std::array<std::uint8_t, 256> digit_table() {
  std::array<std::uint8_t, 256> table{};
  for (std::uint8_t& entry : table) entry = kNoDigit;
  for (std::uint8_t i = 0; i < 10; ++i) table[std::size_t{'0'} + i] = i;
  for (std::uint8_t i = 10; i < 16; ++i) {
    table[std::size_t{'a'} + i - 10] = kLowerDigit | i;
    table[std::size_t{'A'} + i - 10] = kUpperDigit | i;
  }
  return table;
}
constexpr std::array<std::uint8_t, 256> kDigitTable = digit_table();

std::uint8_t digit_of(char c) {
  return kDigitTable[static_cast<unsigned char>(c)];
}

// Sizes in groups of 7 bits, the last one without its upper bit.
void put_size(std::string& out, std::size_t size) {
  for (; size >= 128; size >>= 7) out += static_cast<char>((size & 127) | 128);
  out += static_cast<char>(size);
}
std::size_t take_size(const char*& at) {
  std::size_t size = 0;
  for (int shift = 0;; shift += 7) {
    const auto byte = static_cast<unsigned char>(*at++);
    size |= static_cast<std::size_t>(byte & 127) << shift;
    if (byte < 128) return size;
  }
}

// Fills `shape` with the case of the text's digits and the text with gaps; how many these are.
// Letters of the other case are no digits.
std::uint32_t shape_of(std::string_view text, std::string& shape) {
  bool lower = false;
  for (const char c : text) lower |= c >= 'a' && c <= 'f';
  const std::uint8_t other = lower ? kUpperDigit : kLowerDigit;
  shape.resize(text.size() + 1);
  shape[0] = lower ? kLowerId : kUpperId;
  std::uint32_t digits = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool is_digit = (digit_of(text[i]) & (other | 128)) == 0;
    shape[i + 1] = is_digit ? kIdGap : text[i];
    digits += is_digit ? 1 : 0;
  }
  return digits;
}

}  // namespace

// A text has one entry for good: shapes are never taken away, and none comes once all are taken.
void IdTexts::encode(std::string_view text) {
  entry_.clear();
  std::uint32_t shape = kNone;
  if (text.size() <= kLongestShaped && text.find(kIdGap) == text.npos) {
    const std::uint32_t digits = shape_of(text, shape_);
    if (digits > 0 && 2 * digits >= text.size()) {
      shape = shapes_.size() < kPlainId ? shapes_.intern(shape_) : shapes_.find(shape_);
      if (shape != kNone) shape_bytes_[shape] = static_cast<std::uint8_t>((digits + 1) / 2);
    }
  }
  if (shape == kNone) {
    entry_ += static_cast<char>(kPlainId);
    put_size(entry_, text.size());
    entry_ += text;
    return;
  }
  entry_ += static_cast<char>(shape);
  bool half = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (shape_[i + 1] != kIdGap) continue;
    const int value = digit_of(text[i]) & 15;
    if (half) {
      entry_.back() = static_cast<char>(entry_.back() | value);
    } else {
      entry_ += static_cast<char>(value << 4);
    }
    half = !half;
  }
}

std::size_t IdTexts::entry_size(const char* entry) const {
  const auto shape = static_cast<unsigned char>(*entry);
  if (shape != kPlainId) return std::size_t{1} + shape_bytes_[shape];
  const char* at = entry + 1;
  const std::size_t size = take_size(at);
  return static_cast<std::size_t>(at - entry) + size;
}

const char* IdTexts::entry(std::uint32_t number) const {
  const char* at = blocks_[number / kBlock].data() + starts_[number / kGroup];
  for (std::uint32_t k = number % kGroup; k > 0; --k) at += entry_size(at);
  return at;
}

std::uint64_t IdTexts::hash_of(std::uint32_t number) const {
  const char* at = entry(number);
  return core::xxh3_64(at, entry_size(at));
}

void IdTexts::append_entry() {
  if (size_ >= kNone - 1) throw core::environment_error("more than 2^32 ids in a trace");
  if (size_ % kBlock == 0) {
    const std::size_t room = blocks_.empty() ? 0 : blocks_.back().size();
    if (!blocks_.empty()) blocks_.back().shrink_to_fit();
    blocks_.emplace_back().reserve(room);
  }
  std::string& block = blocks_.back();
  if (block.size() + entry_.size() > kNone) {
    throw core::environment_error("more than 4 GiB of ids in a row in a trace");
  }
  if (size_ % kGroup == 0) starts_.push_back(static_cast<std::uint32_t>(block.size()));
  block += entry_;
  ++size_;
}

std::uint32_t IdTexts::intern(std::string_view text) {
  encode(text);
  const std::uint64_t hash = core::xxh3_64(entry_.data(), entry_.size());
  const std::uint32_t known = table_.find(hash, [this](std::uint32_t number) {
    const char* at = entry(number);
    // Entries are unlike within their own sizes, so that none is read past its end.
    return entry_size(at) == entry_.size() && std::equal(entry_.begin(), entry_.end(), at);
  });
  if (known != kNone) return known;
  append_entry();
  return table_.add(hash, [this](std::uint32_t number) { return hash_of(number); });
}

std::string IdTexts::operator[](std::uint32_t number) const {
  const char* at = entry(number);
  const auto number_of_shape = static_cast<unsigned char>(*at++);
  if (number_of_shape == kPlainId) {
    const std::size_t size = take_size(at);
    return {at, size};
  }
  const std::string_view shape = shapes_[number_of_shape];
  std::string text(shape.substr(1));
  bool half = false;
  for (char& c : text) {
    if (c != kIdGap) continue;
    const auto byte = static_cast<unsigned char>(*at);
    const int value = half ? byte & 15 : byte >> 4;
    c = static_cast<char>(value < 10 ? '0' + value : shape[0] + value - 10);
    at += half ? 1 : 0;
    half = !half;
  }
  return text;
}

void IdTexts::freeze() {
  table_ = NumberTable();
  starts_.shrink_to_fit();
  if (!blocks_.empty()) blocks_.back().shrink_to_fit();
}

}  // namespace stateutils::kv
