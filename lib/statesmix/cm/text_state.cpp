#include "statesmix/cm/text_state.hpp"

namespace stateutils::statesmix {
namespace {

constexpr std::array<std::uint8_t, 256> make_classes() {
  std::array<std::uint8_t, 256> c{};
  for (std::size_t i = 0; i < 256; ++i) {
    std::uint8_t k = 0;
    if (i == ' ' || i == '\t')
      k = 1;
    else if (i == '\n' || i == '\r')
      k = 2;
    else if (i >= '0' && i <= '9')
      k = 3;
    else if (i >= 'a' && i <= 'z')
      k = 4;
    else if (i >= 'A' && i <= 'Z')
      k = 5;
    else if (i >= 128)
      k = 6;
    else if (i == '.' || i == '!' || i == '?')
      k = 7;
    else if (i == ',' || i == ';' || i == ':')
      k = 8;
    else if (i == '"' || i == '\'' || i == '`')
      k = 9;
    else if (i == '<' || i == '(' || i == '[' || i == '{')
      k = 10;
    else if (i == '>' || i == ')' || i == ']' || i == '}')
      k = 11;
    else if (i == '-' || i == '_')
      k = 12;
    else if (i == '=' || i == '+' || i == '*' || i == '|')
      k = 13;
    else if (i == '&' || i == '/' || i == '\\')
      k = 14;
    else if (i > ' ')
      k = 15;
    c[i] = k;
  }
  return c;
}
constexpr std::array<std::uint8_t, 256> kClass = make_classes();

constexpr std::uint8_t lower(std::uint8_t c) {
  return c >= 'A' && c <= 'Z' ? static_cast<std::uint8_t>(c + 32) : c;
}
constexpr bool is_letter(std::uint8_t c) {
  const std::uint8_t k = kClass[c];
  return k >= 4 && k <= 6;
}

}  // namespace

std::string_view context_name(Context c) {
  static constexpr std::array<std::string_view, kContextCount> kNames = {"order2",
                                                                         "order3",
                                                                         "order4",
                                                                         "order5",
                                                                         "order6",
                                                                         "order7",
                                                                         "order8",
                                                                         "order11",
                                                                         "word",
                                                                         "word1",
                                                                         "word2",
                                                                         "word_skip",
                                                                         "sparse23",
                                                                         "sparse24",
                                                                         "nibbles",
                                                                         "shape",
                                                                         "column",
                                                                         "indirect1",
                                                                         "indirect2",
                                                                         "bracket_word",
                                                                         "previous_word_byte",
                                                                         "order3_word",
                                                                         "word_classes",
                                                                         "previous2_byte",
                                                                         "word2_byte",
                                                                         "line_word",
                                                                         "order9",
                                                                         "order16",
                                                                         "word3",
                                                                         "number_mask",
                                                                         "tag_path",
                                                                         "tag_parents",
                                                                         "sentence",
                                                                         "line_start",
                                                                         "record_above",
                                                                         "record_column",
                                                                         "record_word",
                                                                         "sparse34",
                                                                         "sparse13",
                                                                         "sparse1234_skip2",
                                                                         "column_wide",
                                                                         "above_two",
                                                                         "word_length",
                                                                         "suffix",
                                                                         "word_gap",
                                                                         "last_capital",
                                                                         "order2_shape",
                                                                         "indirect12",
                                                                         "opcode"};
  return kNames[static_cast<std::size_t>(c)];
}

std::uint8_t character_class(std::uint8_t c) {
  return kClass[c];
}

TextState::TextState() : after2_(std::make_unique<std::array<std::uint32_t, 65536>>()) {
  for (std::size_t i = 0; i < kContextCount; ++i) salt_[i] = hash64(i + 1);
}

void TextState::append(const std::uint8_t* history, std::size_t position) {
  const std::uint8_t c = history[position - 1];
  ++appended_;
  const std::uint32_t last = byte(1), pair = static_cast<std::uint32_t>(last8_) & 0xFFFF;
  after1_[last] = (after1_[last] << 8) | c;
  (*after2_)[pair] = ((*after2_)[pair] << 8) | c;
  last16_ = (last16_ << 8) | (last8_ >> 56);
  last8_ = (last8_ << 8) | c;
  const std::uint8_t k = kClass[c];
  classes_ = (classes_ << 4) | k;
  // A run of letters is one sign of the shape.
  if (!(is_letter(c) && (shape_ & 15) == 4)) shape_ = (shape_ << 4) | (is_letter(c) ? 4u : k);
  append_word(c);
  append_line(history, position, c);
  append_structure(c);
  append_record(history, position, c);
}

void TextState::append_word(std::uint8_t c) {
  const std::uint64_t sign = c >= '0' && c <= '9' ? '0' : c;
  masked_prefix_ = (masked_prefix_ << 8) | (masked_ >> 56);
  masked_ = (masked_ << 8) | sign;
  letter_last_ = is_letter(c);
  if (letter_last_) {
    word_ = combine(word_, lower(c));
    suffix_ = (suffix_ << 8) | lower(c);
    if (c >= 'A' && c <= 'Z' && word_length_ == 0) capital_now_ = 1;
    if (capital_now_ != 0) capital_now_ = combine(capital_now_, lower(c));
    ++word_length_;
    return;
  }
  if (word_length_ != 0) {
    words_[3] = words_[2];
    words_[2] = words_[1];
    words_[1] = words_[0];
    words_[0] = word_;
    if (sentence_words_ < 3) {
      sentence_ = combine(sentence_, word_);
      ++sentence_words_;
    }
    if (capital_now_ != 0) capital_ = capital_now_;
    word_ = 0;
    word_length_ = 0;
    capital_now_ = 0;
    gap_ = 0;
  }
  gap_ = combine(gap_, c);
  if (kClass[c] == 7) {
    sentence_ = 0;
    sentence_words_ = 0;
  }
}

void TextState::append_line(const std::uint8_t* history, std::size_t position, std::uint8_t c) {
  if (c == '\n') {
    previous_line_ = line_start_;
    line_start_ = position;
    column_ = 0;
    line_first_ = 0;
    field_ = 0;
  } else {
    if (column_ < 3) line_first_ |= std::uint32_t{c} << (8 * column_);
    ++column_;
    if (c == ',' || c == '\t' || c == ';' || c == ':') ++field_;
  }
  const std::size_t at = previous_line_ + column_;
  above_ = at < line_start_ ? history[at] : 0;
  above2_ = at + 1 < line_start_ ? history[at + 1] : 0;
}

void TextState::append_structure(std::uint8_t c) {
  const std::uint8_t k = kClass[c];
  if (k == 10) {
    depth_ = depth_ < 31 ? depth_ + 1 : 31;
    brackets_[depth_] = c;
  } else if (k == 11 && depth_ > 0) {
    --depth_;
  }
  // Names between < and the first blank, / or >: a stack of open XML elements.
  if (c == '<') {
    in_tag_ = true;
    closing_ = false;
    tag_now_ = 0;
  } else if (in_tag_ && c == '/' && tag_now_ == 0) {
    closing_ = true;
  } else if (in_tag_ && (is_letter(c) || k == 3 || k == 12)) {
    tag_now_ = (tag_now_ + c + 1) * 0x2F0B4C47u;
  } else if (in_tag_ && (k == 1 || c == '>' || c == '/')) {
    in_tag_ = false;
    if (closing_) {
      tag_depth_ = tag_depth_ > 0 ? tag_depth_ - 1 : 0;
    } else if (c != '/') {
      tag_depth_ = tag_depth_ < 15 ? tag_depth_ + 1 : 15;
      tags_[tag_depth_] = tag_now_;
    }
  }
}

void TextState::append_record(const std::uint8_t* history, std::size_t position, std::uint8_t c) {
  // A distance that returned for the same byte three times running is taken as the record length
  // when its votes pass those of the current one.
  const auto now = static_cast<std::uint32_t>(position);
  const std::uint32_t distance = now - seen_at_[c];
  seen_at_[c] = now;
  if (distance >= 2 && distance <= 2048) {
    std::uint16_t& vote = votes_[distance];
    vote = static_cast<std::uint16_t>(vote < 60000 ? vote + 4 : vote);
    if (record_ == 0 || vote > votes_[record_] + 16) record_ = distance;
  }
  if ((now & 1023) == 0) {
    for (std::uint16_t& v : votes_) v = static_cast<std::uint16_t>(v - (v >> 2));
  }
  record_column_ = record_ == 0 ? 0 : now % record_;
  record_above_ = record_ != 0 && position >= record_ ? history[position - record_] : 0;
  record_above2_ =
      record_ != 0 && position >= 2 * std::size_t{record_} ? history[position - 2 * record_] : 0;
}

std::uint64_t TextState::fresh_hash(Context c) const {
  return hash64(value(c) * 0x9E3779B97F4A7C15ull + salt_[static_cast<std::size_t>(c)]);
}

std::uint64_t TextState::value(Context c) const {
  const std::uint64_t l = last8_;
  const auto low = [l](int bytes) { return l & ((std::uint64_t{1} << (8 * bytes)) - 1); };
  switch (c) {
    case Context::kOrder2:
      return low(2);
    case Context::kOrder3:
      return low(3);
    case Context::kOrder4:
      return low(4);
    case Context::kOrder5:
      return low(5);
    case Context::kOrder6:
      return low(6);
    case Context::kOrder7:
      return low(7);
    case Context::kOrder8:
      return l;
    case Context::kOrder9:
      return combine(l, last16_ & 0xFF);
    case Context::kOrder11:
      return combine(l, last16_ & 0xFFFFFF);
    case Context::kOrder16:
      return combine(l, last16_);
    case Context::kWord:
      return combine(word_, low(1));
    case Context::kWord1:
      return combine(combine(word_, words_[0]), letter_last_ ? 0 : low(1));
    case Context::kWord2:
      return combine(combine(word_, words_[0]), words_[1]);
    case Context::kWordSkip:
      return combine(combine(word_, words_[1]), letter_last_ ? 1 : 0);
    case Context::kWord3:
      return combine(combine(combine(word_, words_[0]), words_[1]), words_[2]);
    case Context::kSparse23:
      return l & 0xFFFF00;
    case Context::kSparse24:
      return l & 0xFF00FF00;
    case Context::kSparse34:
      return l & 0xFFFF0000;
    case Context::kSparse13:
      return l & 0xFF00FF;
    case Context::kSparse1234Skip2:
      return l & 0xFFFF00FF;
    case Context::kNibbles:
      return l & 0xF0F0F0FF;
    case Context::kShape:
      return combine(shape_, low(1));
    case Context::kOrder2Shape:
      return combine(shape_ & 0xFFFFFF, low(2));
    case Context::kColumn:
      return (std::uint64_t{above_} << 16) | (low(1) << 8) | line_first();
    case Context::kColumnWide:
      return (std::uint64_t{above_} << 32) | column_;
    case Context::kAboveTwo:
      return (std::uint64_t{above_} << 32) | (std::uint64_t{above2_} << 40) | low(2);
    case Context::kIndirect1:
      return (std::uint64_t{after1_[byte(1)] & 0xFFFFFF} << 8) | low(1);
    case Context::kIndirect2:
      return (std::uint64_t{(*after2_)[low(2)] & 0xFFFFFF} << 8) | low(1);
    case Context::kIndirect12:
      return (std::uint64_t{after1_[byte(1)] & 0xFFFF} << 32) |
             (std::uint64_t{(*after2_)[low(2)] & 0xFFFF} << 8) | low(1);
    case Context::kBracketWord:
      return combine(word_, (std::uint64_t{brackets_[depth_]} << 8) | (letter_last_ ? 0 : low(1)));
    case Context::kPreviousWordByte:
      return combine(words_[0], low(1));
    case Context::kOrder3Word:
      return combine(word_, low(3));
    case Context::kWordClasses:
      return combine(word_, classes_ & 0xFFFF);
    case Context::kPrevious2Byte:
      return combine(combine(words_[0], words_[1]), low(1));
    case Context::kWord2Byte:
      return combine(combine(combine(word_, words_[0]), words_[1]), low(1));
    case Context::kLineWord:
      return combine(word_, (std::uint64_t{line_first()} << 8) | (column_ < 4 ? column_ : 4));
    case Context::kNumberMask:
      return combine(masked_, masked_prefix_ & 0xFFFFFFFF);
    case Context::kTagPath:
      return combine(word_, tags_[tag_depth_]);
    case Context::kTagParents:
      return combine(combine(tags_[tag_depth_], tags_[tag_depth_ > 0 ? tag_depth_ - 1 : 0]),
                     low(1) + (in_tag_ ? 256 : 0));
    case Context::kSentence:
      return combine(sentence_, word_);
    case Context::kLineStart:
      return combine(line_first_, word_);
    case Context::kRecordAbove:
      return (std::uint64_t{record_above_} << 16) | (std::uint64_t{record_above2_} << 8) | low(1) |
             (std::uint64_t{record_} << 32);
    case Context::kRecordColumn:
      return (std::uint64_t{record_column_} << 8) | record_above_ | (std::uint64_t{record_} << 32);
    case Context::kRecordWord:
      return combine(word_, (std::uint64_t{field_} << 8) | low(1));
    case Context::kWordLength:
      return (std::uint64_t{word_length_ < 15 ? word_length_ : 15} << 16 | low(2)) +
             (words_[0] & 0xFF000000);
    case Context::kSuffix:
      return combine(suffix_ & 0xFFFFFFFF, letter_last_ ? 0 : low(1));
    case Context::kWordGap:
      return combine(word_, gap_);
    case Context::kLastCapital:
      return combine(capital_, combine(word_, low(1)));
    case Context::kOpcode:
      return l & 0xF8F8F8FFC0C0ull;
    case Context::kCount:
      break;
  }
  return 0;
}

}  // namespace stateutils::statesmix
