// What the contexts are made of: words, lines, brackets, character classes and the bytes that
// followed earlier ones, kept up to date byte by byte.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

namespace stateutils::statesmix {

// Everything a context model can be keyed by. The order is part of a model_id: hashes include it.
enum class Context : std::uint8_t {
  kOrder2,
  kOrder3,
  kOrder4,
  kOrder5,
  kOrder6,
  kOrder7,
  kOrder8,
  kOrder11,
  kWord,      // word prefix and last byte
  kWord1,     // word and previous word
  kWord2,     // word and two previous words
  kWordSkip,  // word and the one before the previous
  kSparse23,
  kSparse24,
  kNibbles,  // last byte and the high nibbles of bytes 2-4
  kShape,    // classes of the last 8 characters, runs of letters collapsed, and last byte
  kColumn,   // byte above, last byte, first byte of the line
  kIndirect1,
  kIndirect2,
  kBracketWord,  // innermost open bracket and word
  kPreviousWordByte,
  kOrder3Word,     // last 3 bytes and word
  kWordClasses,    // word and last 4 character classes
  kPrevious2Byte,  // previous two words and last byte
  kWord2Byte,      // word, previous two words and last byte
  kLineWord,       // word, first byte of the line and column up to 4
  // From here on: presets 7 to 9.
  kOrder9,
  kOrder16,
  kWord3,         // word and three previous words
  kNumberMask,    // last 12 characters with digits masked
  kTagPath,       // innermost tag and word
  kTagParents,    // two innermost tags and last byte
  kSentence,      // words since the start of the sentence (to 3) and word
  kLineStart,     // first three bytes of the line and word
  kRecordAbove,   // bytes one and two records back, last byte
  kRecordColumn,  // position in the record and byte one record back
  kRecordWord,    // field number and word
  kSparse34,
  kSparse13,
  kSparse1234Skip2,
  kColumnWide,   // column and byte above
  kAboveTwo,     // two bytes above and last two bytes
  kWordLength,   // word length, last two bytes and previous word's first letters
  kSuffix,       // last four letters of the word and last byte of the previous
  kWordGap,      // separator before the word and word
  kLastCapital,  // last capital letter word and last byte
  kOrder2Shape,  // last two bytes and shape
  kIndirect12,   // both indirect contexts
  kOpcode,       // x86 opcode-like bytes: high bits of the last four
  kCount
};
inline constexpr std::size_t kContextCount = static_cast<std::size_t>(Context::kCount);

// "order2", "word1", ...: the names eval prints.
[[nodiscard]] std::string_view context_name(Context c);

// 0 control, 1 blank, 2 end of line, 3 digit, 4 lower case, 5 upper case, 6 bytes from 128 on,
// 7 to 15 groups of punctuation.
[[nodiscard]] std::uint8_t character_class(std::uint8_t c);

class TextState {
 public:
  TextState();

  // Appends history[position - 1], the byte just coded.
  void append(const std::uint8_t* history, std::size_t position);
  // The key of a context for the next byte, already hashed with the context's number; made once.
  [[nodiscard]] std::uint64_t hash(Context c) const {
    Key& key = keys_[static_cast<std::size_t>(c)];
    if (key.at != appended_) key = {fresh_hash(c), appended_};
    return key.hash;
  }

  [[nodiscard]] std::uint64_t last8() const { return last8_; }
  [[nodiscard]] std::uint32_t byte(int back) const {
    return static_cast<std::uint32_t>(last8_ >> (8 * (back - 1))) & 255;
  }
  [[nodiscard]] std::uint64_t word() const { return word_; }
  [[nodiscard]] std::uint64_t previous_word(int k) const {
    return words_[static_cast<std::size_t>(k)];
  }
  [[nodiscard]] std::uint32_t word_length() const { return word_length_; }
  [[nodiscard]] std::uint32_t classes() const { return classes_; }  // 4 bits each, latest lowest
  [[nodiscard]] std::uint32_t column() const { return column_; }
  [[nodiscard]] std::uint32_t above() const { return above_; }
  [[nodiscard]] std::uint32_t line_first() const { return line_first_ & 255; }
  [[nodiscard]] bool letter_last() const { return letter_last_; }

 private:
  void append_word(std::uint8_t c);
  void append_line(const std::uint8_t* history, std::size_t position, std::uint8_t c);
  void append_structure(std::uint8_t c);
  void append_record(const std::uint8_t* history, std::size_t position, std::uint8_t c);
  struct Key {
    std::uint64_t hash, at;
  };
  [[nodiscard]] std::uint64_t value(Context c) const;
  [[nodiscard]] std::uint64_t fresh_hash(Context c) const;

  std::uint64_t last8_ = 0, last16_ = 0;
  std::uint64_t word_ = 0, suffix_ = 0, gap_ = 0, masked_ = 0, masked_prefix_ = 0;
  std::array<std::uint64_t, 4> words_{};
  std::uint64_t sentence_ = 0, capital_ = 0, capital_now_ = 0;
  std::uint32_t sentence_words_ = 0;
  std::uint32_t word_length_ = 0, classes_ = 0, shape_ = 0;
  std::uint32_t column_ = 0, above_ = 0, above2_ = 0, line_first_ = 0, field_ = 0;
  std::size_t line_start_ = 0, previous_line_ = 0;
  bool letter_last_ = false;
  std::array<std::uint8_t, 32> brackets_{};
  std::uint32_t depth_ = 0;
  std::array<std::uint32_t, 16> tags_{};
  std::uint32_t tag_depth_ = 0, tag_now_ = 0;
  bool in_tag_ = false, closing_ = false;
  // Record length: distances between equal bytes that keep coming back (paq8 "record model").
  std::array<std::uint32_t, 256> seen_at_{};
  std::array<std::uint16_t, 2049> votes_{};
  std::uint32_t record_ = 0, record_above_ = 0, record_above2_ = 0, record_column_ = 0;
  std::array<std::uint32_t, 256> after1_{};
  std::unique_ptr<std::array<std::uint32_t, 65536>> after2_;
  std::array<std::uint64_t, kContextCount> salt_{};
  std::uint64_t appended_ = 1;
  mutable std::array<Key, kContextCount> keys_{};
};

// The finisher of every table index: full 64-bit avalanche (SplitMix64's).
[[nodiscard]] inline std::uint64_t hash64(std::uint64_t x) {
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ull;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBull;
  return x ^ (x >> 31);
}
[[nodiscard]] inline std::uint64_t combine(std::uint64_t a, std::uint64_t b) {
  return (a + 0x9E3779B97F4A7C15ull) * 0xD6E8FEB86659FD93ull + b * 0xA0761D6478BD642Full;
}

}  // namespace stateutils::statesmix
