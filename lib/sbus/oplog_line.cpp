#include "sbus/oplog_line.hpp"

#include <bit>
#include <cstring>

namespace stateutils::sbus {
namespace {

// Eight bytes at a time (Lamport 1975). Of the marks of a test, which are the bytes' high bits, the
// lowest is exact; those above it may come from a carry.
constexpr std::uint64_t kOnes = 0x0101010101010101u;
constexpr std::uint64_t kHigh = 0x8080808080808080u;

std::uint64_t load(const char* at) {
  std::uint64_t word = 0;
  std::memcpy(&word, at, sizeof word);
  return word;
}
std::uint64_t marks_below(std::uint64_t word, unsigned char limit) {
  return (word - kOnes * limit) & ~word & kHigh;
}
std::uint64_t marks_of(std::uint64_t word, unsigned char byte) {
  return marks_below(word ^ kOnes * byte, 1);
}
// The byte with the lowest mark; 8 when there is none.
unsigned first_mark(std::uint64_t marks) {
  return static_cast<unsigned>(std::countr_zero(marks)) / 8;
}

// The number whose `size` decimal digits begin a word, 1 <= size <= 8: pairs of digits, then of
// those, then of those.
std::uint64_t decimal(std::uint64_t word, unsigned size) {
  word = (word << (64 - 8 * size)) & kOnes * 0x0f;
  word = word * (1 + (10u << 8)) >> 8;
  word = (word & 0x00ff00ff00ff00ffu) * (1 + (100u << 16)) >> 16;
  return (word & 0x0000ffff0000ffffu) * (1 + (std::uint64_t{10000} << 32)) >> 32;
}

// Every loop looks for the line's end, behind which anything may stand, and the padding is longer
// than what one turn reads; a line is plain only when it ends where the object does.
class PlainLine {
 public:
  PlainLine(std::string_view line, OpRecord& out)
      : at_(line.data()), end_(line.data() + line.size()), out_(out) {}

  bool read() {
    clear();
    if (!skip('{')) return false;
    do {
      if (at_ >= end_ || *at_ != '"') return false;
      ++at_;
      const Field name = field();
      if (name == kUnknown || has(name)) return false;
      seen_ |= 1u << name;
      blank();
      if (!value_of(name)) return false;
    } while (skip(','));
    return *at_ == '}' && at_ + 1 == end_ && is_whole();
  }

 private:
  enum Field : unsigned {
    kTs,
    kStart,
    kEnd,
    kAgent,
    kOp,
    kKey,
    kExpected,
    kStatus,
    kVersion,
    kReadSet,
    kError,
    kKeys,
    kUnknown
  };

  [[nodiscard]] bool has(Field field) const { return (seen_ >> field & 1u) != 0; }
  void clear() {
    out_.ts.reset();
    out_.start.reset();
    out_.end.reset();
    out_.version.reset();
    out_.expected.reset();
    out_.agent = out_.key = out_.error = {};
    out_.read_set.clear();
    out_.keys.clear();
    out_.whole_read_set = false;
  }

  void blank() { at_ += *at_ == ' ' ? 1 : 0; }
  bool skip(char c) {
    blank();
    if (*at_ != c) return false;
    ++at_;
    blank();
    return true;
  }
  template <std::size_t kSize>
  bool skip_word(const char (&word)[kSize]) {
    if (std::memcmp(at_, word, kSize - 1) != 0) return false;
    at_ += kSize - 1;
    return true;
  }

  // A name with its closing quote and colon.
  Field field() {
    switch (*at_) {
      case 'a':
        return skip_word("agent\":") ? kAgent : kUnknown;
      case 'e':
        if (skip_word("expected_version\":")) return kExpected;
        if (skip_word("error\":")) return kError;
        return skip_word("end\":") ? kEnd : kUnknown;
      case 'k':
        if (skip_word("key\":")) return kKey;
        return skip_word("keys\":") ? kKeys : kUnknown;
      case 'o':
        return skip_word("op\":") ? kOp : kUnknown;
      case 'r':
        return skip_word("read_set\":") ? kReadSet : kUnknown;
      case 's':
        if (skip_word("status\":")) return kStatus;
        return skip_word("start\":") ? kStart : kUnknown;
      case 't':
        return skip_word("ts\":") ? kTs : kUnknown;
      case 'v':
        return skip_word("version\":") ? kVersion : kUnknown;
      default:
        return kUnknown;
    }
  }
  bool value_of(Field name) {
    switch (name) {
      case kTs:
        return integer(out_.ts.emplace());
      case kStart:
        return integer(out_.start.emplace());
      case kEnd:
        return integer(out_.end.emplace());
      case kAgent:
        return text(out_.agent);
      case kOp:
        return op();
      case kKey:
        return text(out_.key);
      case kExpected:
        return integer(out_.expected.emplace());
      case kStatus:
        return status();
      case kVersion:
        return integer(out_.version.emplace());
      case kReadSet:
        return read_set();
      case kError:
        return text(out_.error);
      case kKeys:
        return keys();
      case kUnknown:
        break;
    }
    return false;
  }

  bool text(std::string_view& out) {
    if (*at_ != '"') return false;
    const char* const begin = ++at_;
    for (; at_ < end_; at_ += 8) {
      const std::uint64_t word = load(at_);
      const std::uint64_t marks =
          marks_of(word, '"') | marks_of(word, '\\') | marks_below(word, 0x20) | (word & kHigh);
      if (marks == 0) continue;
      at_ += first_mark(marks);
      out = {begin, static_cast<std::size_t>(at_ - begin)};
      return *at_++ == '"';
    }
    return false;
  }
  bool integer(std::int64_t& out) {
    constexpr std::uint64_t kZeros = kOnes * '0';
    std::uint64_t value = 0;
    const char* const begin = at_;
    for (unsigned part = 8; part == 8;) {
      const std::uint64_t word = load(at_);
      const std::uint64_t digits = word ^ kZeros;
      part = first_mark(((digits + kOnes * (0x80 - 10)) | digits) & kHigh);
      if (part == 0) break;
      constexpr std::uint64_t kPowers[] = {1,      10,      100,      1000,     10000,
                                           100000, 1000000, 10000000, 100000000};
      at_ += part;
      if (at_ - begin > 19) return false;
      value = value * kPowers[part] + decimal(word, part);
    }
    if (at_ == begin || (*begin == '0' && at_ - begin > 1)) return false;
    out = static_cast<std::int64_t>(value);
    return out >= 0;  // 19 digits fit 64 bits, but not all of them with a sign
  }
  bool status() {
    std::int64_t value = 0;
    if (!integer(value) || value > 999) return false;
    out_.status = static_cast<int>(value);
    return true;
  }
  bool op() {
    if (skip_word("\"get\"")) {
      out_.op = Op::kGet;
    } else if (skip_word("\"commit\"")) {
      out_.op = Op::kCommit;
    } else if (skip_word("\"create\"")) {
      out_.op = Op::kCreate;
    } else if (skip_word("\"rollback\"")) {
      out_.op = Op::kRollback;
    } else if (skip_word("\"session\"")) {
      out_.op = Op::kSession;
    } else if (skip_word("\"register\"")) {
      out_.op = Op::kRegister;
    } else {
      out_.op = Op::kExpire;
      return skip_word("\"expire\"");
    }
    return true;
  }
  bool read_set() {
    if (!skip('[')) return false;
    if (skip(']')) return true;
    do {
      ReadItem& item = out_.read_set.emplace_back();
      const bool good = at_ < end_ && skip('{') && skip_word("\"key\":") &&
                        skip_blank_text(item.key) && skip(',') && skip_word("\"version_at_read\":");
      if (!good) return false;
      blank();
      if (!integer(item.version) || !skip('}')) return false;
    } while (skip(','));
    return skip(']');
  }
  bool skip_blank_text(std::string_view& out) {
    blank();
    return text(out);
  }
  bool keys() {
    if (!skip('[')) return false;
    if (skip(']')) return true;
    do {
      if (at_ >= end_ || !text(out_.keys.emplace_back())) return false;
    } while (skip(','));
    return skip(']');
  }

  // Whether nothing is missing, and what an operation does not have is left out.
  bool is_whole() {
    if (!has(kOp) || !has(kStatus)) return false;
    const bool names_key =
        out_.op != Op::kSession && out_.op != Op::kRegister && out_.op != Op::kExpire;
    if (names_key) {
      if (!has(kKey) || (out_.succeeded() && !has(kVersion))) return false;
    } else {
      out_.key = {};
    }
    if (out_.op != Op::kCreate && out_.op != Op::kRollback && !has(kAgent)) return false;
    if (out_.op != Op::kCommit) {
      out_.expected.reset();
    } else if (!has(kExpected)) {
      return false;
    }
    if (out_.start && out_.end && *out_.start > *out_.end) return false;
    if (out_.op != Op::kRegister) {
      out_.keys.clear();
    } else if (!has(kKeys)) {
      return false;
    }
    return true;
  }

  const char* at_;
  const char* end_;
  OpRecord& out_;
  unsigned seen_ = 0;
};

}  // namespace

bool decode_plain_line(std::string_view line, OpRecord& out) {
  if constexpr (std::endian::native != std::endian::little) return false;
  return PlainLine(line, out).read();
}

}  // namespace stateutils::sbus
