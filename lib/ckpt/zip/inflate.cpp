#include "ckpt/zip/inflate.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "ckpt/model/recent.hpp"
#include "core/error.hpp"
#include "core/output.hpp"
#include "core/signals.hpp"

namespace stateutils::ckpt {
namespace {

constexpr std::size_t kWindow = 32768;             // how far back a match may reach
constexpr std::size_t kInflateChunk = 256u << 10;  // decoded at a time
constexpr unsigned kMostBits = 15;                 // of a code word
constexpr std::size_t kLiterals = 286, kDistances = 30, kEndOfBlock = 256;

// Bits of the deflated stream, least significant first.
class BitReader {
 public:
  BitReader(ByteFilePtr base, std::uint64_t offset, std::uint64_t size)
      : base_(std::move(base)), at_(offset), end_(offset + size) {}

  [[noreturn]] void fail(const std::string& message) const {
    throw core::input_error({base_->name(), std::nullopt, at_}, message);
  }
  // At least `count` bits (<= 32) where the stream has them; zeros past its end.
  void need(unsigned count) {
    while (held_ < count) {
      bits_ |= static_cast<std::uint64_t>(next_byte()) << held_;
      held_ += 8;
    }
  }
  [[nodiscard]] std::uint32_t peek(unsigned count) const {
    return static_cast<std::uint32_t>(bits_ & ((std::uint64_t{1} << count) - 1));
  }
  void drop(unsigned count) {
    if (count > held_ - past_end_) fail("the deflated data is cut off");
    bits_ >>= count;
    held_ -= count;
  }
  std::uint32_t take(unsigned count) {
    need(count);
    const std::uint32_t value = peek(count);
    drop(count);
    return value;
  }
  void to_byte() { drop(held_ % 8); }

 private:
  std::uint8_t next_byte() {
    if (used_ == buffer_.size()) {
      const auto more = std::min<std::uint64_t>(kWindow, end_ - at_);
      if (more == 0) {
        past_end_ += 8;
        return 0;
      }
      buffer_.resize(more);
      base_->read_at(at_, buffer_.data(), more);
      at_ += more;
      used_ = 0;
    }
    return static_cast<std::uint8_t>(buffer_[used_++]);
  }

  ByteFilePtr base_;
  std::uint64_t at_, end_;
  std::vector<char> buffer_;
  std::size_t used_ = 0;
  std::uint64_t bits_ = 0;
  unsigned held_ = 0, past_end_ = 0;  // bits; the last `past_end_` of them are no data
};

// A canonical Huffman code as one table over its longest word: symbol * 16 + length.
class HuffmanCode {
 public:
  // False for lengths that are no prefix code; a single word may be left alone.
  bool build(std::span<const std::uint8_t> lengths) {
    std::array<std::uint32_t, kMostBits + 2> count{}, next{};
    for (const std::uint8_t length : lengths) ++count[length];
    count[0] = 0;
    bits_ = kMostBits;
    while (bits_ > 1 && count[bits_] == 0) --bits_;
    std::uint32_t words = 0, code = 0, used = 0;
    for (unsigned length = 1; length <= kMostBits; ++length) {
      code = (code + count[length - 1]) << 1;
      next[length] = code;
      used += count[length] << (kMostBits - length);
      words += count[length];
    }
    constexpr std::uint32_t kFull = 1u << kMostBits;
    if (used > kFull || (used < kFull && words > 1)) return false;
    table_.assign(std::size_t{1} << bits_, 0);
    for (std::size_t symbol = 0; symbol < lengths.size(); ++symbol) {
      const unsigned length = lengths[symbol];
      if (length == 0) continue;
      const auto entry = static_cast<std::uint16_t>(symbol * 16 + length);
      for (std::size_t i = reversed(next[length]++, length); i < table_.size();
           i += std::size_t{1} << length)
        table_[i] = entry;
    }
    return true;
  }
  [[nodiscard]] std::size_t decode(BitReader& in) const {
    in.need(bits_);
    const std::uint16_t entry = table_[in.peek(bits_)];
    if (entry == 0) in.fail("the deflated data has a word that is not in its code");
    in.drop(entry & 15);
    return entry >> 4;
  }

 private:
  static std::size_t reversed(std::uint32_t code, unsigned length) {
    std::size_t out = 0;
    for (unsigned i = 0; i < length; ++i)
      out |= static_cast<std::size_t>(code >> i & 1) << (length - 1 - i);
    return out;
  }
  std::vector<std::uint16_t> table_;
  unsigned bits_ = 1;
};

// Extra bits and first values of match lengths (257..285) and distances, RFC 1951 section 3.2.5.
constexpr std::uint16_t kLengthBase[] = {3,  4,  5,  6,   7,   8,   9,   10,  11, 13,
                                         15, 17, 19, 23,  27,  31,  35,  43,  51, 59,
                                         67, 83, 99, 115, 131, 163, 195, 227, 258};
constexpr std::uint8_t kLengthExtra[] = {0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2,
                                         2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0};
constexpr std::uint16_t kDistanceBase[] = {
    1,   2,   3,   4,   5,   7,    9,    13,   17,   25,   33,   49,   65,    97,    129,
    193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577};

class Decoder {
 public:
  Decoder(ByteFilePtr base, std::uint64_t offset, std::uint64_t stored)
      : in_(std::move(base), offset, stored) {}

  [[nodiscard]] bool finished() const { return final_ && kind_ == Kind::kNone; }
  [[noreturn]] void fail(const std::string& message) const { in_.fail(message); }
  // Decodes about a chunk more; what is new, valid until the next call.
  std::span<const char> more() {
    if (out_.size() > kWindow) out_.erase(out_.begin(), out_.end() - kWindow);
    const std::size_t before = out_.size();
    while (!finished() && out_.size() < before + kInflateChunk) {
      if (kind_ == Kind::kNone) begin_block();
      kind_ == Kind::kStored ? copy_stored(before + kInflateChunk)
                             : decode_symbols(before + kInflateChunk);
    }
    return std::span<const char>(out_).subspan(before);
  }

 private:
  enum class Kind { kNone, kStored, kCoded };

  void begin_block() {
    final_ = in_.take(1) != 0;
    const std::uint32_t type = in_.take(2);
    kind_ = type == 0 ? Kind::kStored : Kind::kCoded;
    if (type == 0) {
      in_.to_byte();
      stored_left_ = in_.take(16);
      if (in_.take(16) != (stored_left_ ^ 0xffff)) in_.fail("a stored block has a wrong length");
    } else if (type == 1) {
      fixed_codes();
    } else if (type == 2) {
      read_codes();
    } else {
      in_.fail("the deflated data has a block of no known type");
    }
  }
  void fixed_codes() {
    std::array<std::uint8_t, 288> lengths{};
    for (std::size_t i = 0; i < lengths.size(); ++i)
      lengths[i] = i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8;
    std::array<std::uint8_t, 32> distances{};
    distances.fill(5);
    if (!literals_.build(lengths) || !distances_.build(distances)) in_.fail("no fixed code");
  }
  void read_codes() {
    const std::size_t literals = in_.take(5) + 257, distances = in_.take(5) + 1;
    const std::size_t words = in_.take(4) + 4;
    if (literals > kLiterals || distances > kDistances) in_.fail("a code has too many words");
    constexpr std::uint8_t kOrder[] = {16, 17, 18, 0, 8,  7, 9,  6, 10, 5,
                                       11, 4,  12, 3, 13, 2, 14, 1, 15};
    std::array<std::uint8_t, 19> meta{};
    for (std::size_t i = 0; i < words; ++i)
      meta[kOrder[i]] = static_cast<std::uint8_t>(in_.take(3));
    HuffmanCode code;
    if (!code.build(meta)) in_.fail("the code of the code lengths is malformed");
    std::vector<std::uint8_t> lengths;
    while (lengths.size() < literals + distances) read_length(code, lengths);
    if (lengths.size() > literals + distances) in_.fail("a code has too many words");
    const std::span<const std::uint8_t> all(lengths);
    if (lengths[kEndOfBlock] == 0 || !literals_.build(all.first(literals)) ||
        !distances_.build(all.subspan(literals)))
      in_.fail("a code of the deflated data is malformed");
  }
  void read_length(const HuffmanCode& code, std::vector<std::uint8_t>& lengths) {
    const std::size_t symbol = code.decode(in_);
    if (symbol < 16) {
      lengths.push_back(static_cast<std::uint8_t>(symbol));
      return;
    }
    if (symbol == 16 && lengths.empty()) in_.fail("a code repeats a length before the first");
    const std::uint8_t value = symbol == 16 ? lengths.back() : std::uint8_t{0};
    const std::size_t repeat = symbol == 16   ? 3 + in_.take(2)
                               : symbol == 17 ? 3 + in_.take(3)
                                              : 11 + in_.take(7);
    lengths.insert(lengths.end(), repeat, value);
  }

  void copy_stored(std::size_t limit) {
    while (stored_left_ > 0 && out_.size() < limit) {
      out_.push_back(static_cast<char>(in_.take(8)));
      --stored_left_;
    }
    if (stored_left_ == 0) kind_ = Kind::kNone;
  }
  void decode_symbols(std::size_t limit) {
    while (out_.size() < limit) {
      const std::size_t symbol = literals_.decode(in_);
      if (symbol == kEndOfBlock) {
        kind_ = Kind::kNone;
        return;
      }
      symbol < kEndOfBlock ? out_.push_back(static_cast<char>(symbol)) : copy_match(symbol - 257);
    }
  }
  void copy_match(std::size_t code) {
    if (code >= std::size(kLengthBase)) in_.fail("the deflated data has a length of no known code");
    const std::size_t length = kLengthBase[code] + in_.take(kLengthExtra[code]);
    const std::size_t place = distances_.decode(in_);
    if (place >= kDistances) in_.fail("the deflated data has a distance of no known code");
    const unsigned extra = place < 4 ? 0 : static_cast<unsigned>(place / 2 - 1);
    const std::size_t distance = kDistanceBase[place] + in_.take(extra);
    if (distance > out_.size()) in_.fail("the deflated data refers to bytes before its start");
    for (std::size_t i = 0; i < length; ++i) out_.push_back(out_[out_.size() - distance]);
  }

  BitReader in_;
  std::vector<char> out_;  // the window and what is new
  HuffmanCode literals_, distances_;
  Kind kind_ = Kind::kNone;
  bool final_ = false;
  std::uint32_t stored_left_ = 0;
};

// The decoder of one entry and what it has produced so far, in an unlinked file.
class Inflating {
 public:
  Inflating(ByteFilePtr base, std::uint64_t offset, std::uint64_t stored, std::uint64_t size)
      : name_(base->name()), size_(size), decoder_(std::move(base), offset, stored) {}

  void read(std::uint64_t offset, void* data, std::uint64_t size) {
    {
      const std::lock_guard lock(mutex_);
      // The last bytes decide whether the entry has the length that it claims.
      while (produced_ < offset + size || (offset + size == size_ && !decoder_.finished())) more();
    }
    if (size > 0) copy_->read_at(offset, data, size, name_);
  }

 private:
  void more() {
    core::check_stop();
    if (decoder_.finished()) decoder_.fail("the deflated data is shorter than its size");
    const auto fresh = decoder_.more();
    if (fresh.size() > size_ - produced_)
      decoder_.fail("the deflated data is longer than its size");
    if (!copy_) copy_.emplace();
    core::pwrite_fully(copy_->fd(), fresh.data(), fresh.size(), produced_,
                       "temporary copy of " + name_);
    produced_ += fresh.size();
  }

  std::mutex mutex_;
  std::string name_;
  std::uint64_t size_, produced_ = 0;
  Decoder decoder_;
  std::optional<ScratchFile> copy_;
};

// Archives have thousands of entries: only a few decoders and temporary files are held, the
// others begin again.
RecentlyUsed<const void*, Inflating>& decoders() {
  static RecentlyUsed<const void*, Inflating> recent(16);
  return recent;
}

class InflatedFile final : public ByteFile {
 public:
  InflatedFile(ByteFilePtr base, std::uint64_t offset, std::uint64_t stored, std::uint64_t size)
      : base_(std::move(base)), offset_(offset), stored_(stored), size_(size) {}
  InflatedFile(const InflatedFile&) = delete;
  InflatedFile& operator=(const InflatedFile&) = delete;
  ~InflatedFile() override {
    decoders().forget_if([this](const void* owner) { return owner == this; });
  }

  void read_at(std::uint64_t offset, void* data, std::uint64_t size) const override {
    if (offset > size_ || size > size_ - offset)
      throw core::input_error({name(), std::nullopt, offset}, "read past the end");
    const auto make = [this] {
      return std::make_shared<Inflating>(base_, offset_, stored_, size_);
    };
    decoders().get(this, make)->read(offset, data, size);
  }
  [[nodiscard]] std::uint64_t size() const override { return size_; }
  [[nodiscard]] const std::string& name() const override { return base_->name(); }
  [[nodiscard]] const char* operation() const override { return "inflate"; }

 private:
  ByteFilePtr base_;
  std::uint64_t offset_, stored_, size_;
};

}  // namespace

ByteFilePtr inflated_file(ByteFilePtr base, std::uint64_t offset, std::uint64_t stored,
                          std::uint64_t size) {
  return std::make_shared<InflatedFile>(std::move(base), offset, stored, size);
}

}  // namespace stateutils::ckpt
