// The delta codecs that store which elements changed, and by how much.
#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <type_traits>

#include "ckpt/ckz/chunk.hpp"

namespace stateutils::ckpt::ckz {
namespace {

// Small differences of either sign become small numbers: 0, -1, 1, -2 ... to 0, 1, 2, 3 ...
template <class Word>
Word zigzag(Word difference) {
  constexpr int kTop = 8 * sizeof(Word) - 1;
  const Word sign = static_cast<Word>(difference >> kTop);
  return static_cast<Word>(static_cast<Word>(difference << 1) ^ static_cast<Word>(0 - sign));
}
template <class Word>
Word unzigzag(Word value) {
  return static_cast<Word>((value >> 1) ^ static_cast<Word>(0 - (value & 1)));
}

template <class Word>
Word word_at(const char* data, std::uint64_t index) {
  Word word;
  std::memcpy(&word, data + index * sizeof(Word), sizeof(Word));
  return word;
}

// The base's exponent: 0 for types that are not grouped.
unsigned group_of(DType dtype, std::uint64_t bits) {
  switch (dtype) {
    case DType::kBF16:
      return static_cast<unsigned>(bits >> 7) & 0xff;
    case DType::kF16:
      return static_cast<unsigned>(bits >> 10) & 0x1f;
    case DType::kF32:
      return static_cast<unsigned>(bits >> 23) & 0xff;
    case DType::kF8E4M3:
      return static_cast<unsigned>(bits >> 3) & 0x0f;
    case DType::kF8E5M2:
      return static_cast<unsigned>(bits >> 2) & 0x1f;
    default:
      return 0;
  }
}

// Element indices in the order in which they are coded, and where each group ends.
struct Order {
  const std::uint32_t* index;  // nullptr: as they lie
  std::array<std::uint64_t, 256> ends{};
  [[nodiscard]] std::uint64_t at(std::uint64_t i) const { return index == nullptr ? i : index[i]; }
};

template <class Word>
Order order_of(DType dtype, bool grouped, std::span<const char> base, std::uint64_t n,
               Buffer& room) {
  Order order{.index = nullptr};
  if (!grouped) {
    order.ends.fill(n);
    return order;
  }
  std::array<std::uint64_t, 256> next{};
  for (std::uint64_t i = 0; i < n; ++i) ++next[group_of(dtype, word_at<Word>(base.data(), i))];
  std::uint64_t sum = 0;
  for (std::size_t g = 0; g < next.size(); ++g) {
    const std::uint64_t first = sum;
    sum += next[g];
    next[g] = first;
    order.ends[g] = sum;
  }
  auto* index = reinterpret_cast<std::uint32_t*>(room.room(n * sizeof(std::uint32_t)));
  for (std::uint64_t i = 0; i < n; ++i) {
    index[next[group_of(dtype, word_at<Word>(base.data(), i))]++] = static_cast<std::uint32_t>(i);
  }
  order.index = index;
  return order;
}

// Offsets where a new block, with its own Huffman table, is worth its header.
class Cuts {
 public:
  explicit Cuts(std::uint64_t spacing) : spacing_(spacing) {}
  void offer(std::uint64_t at) {
    if (at >= last_ + spacing_) force(at);
  }
  void force(std::uint64_t at) {
    if (at > last_) offsets_.push_back(last_ = at);
  }
  [[nodiscard]] std::vector<std::uint64_t>& offsets() { return offsets_; }

 private:
  std::uint64_t spacing_, last_ = 0;
  std::vector<std::uint64_t> offsets_;
};
constexpr std::uint64_t kBitmapSpacing = 512, kDifferenceSpacing = 256;

struct SparseParts {
  std::uint64_t changed = 0;
  std::vector<std::uint64_t> first_cuts, other_cuts;  // of plane 0 and of the others
};

template <class Word>
SparseParts split_changes(std::span<const char> data, std::span<const char> base,
                          const Order& order, const PlaneData& planes) {
  const std::uint64_t n = data.size() / sizeof(Word), bitmap = (n + 7) / 8;
  std::memset(planes[0], 0, bitmap);
  char* differences = planes[0] + bitmap;
  Cuts map_cuts(kBitmapSpacing), other_cuts(kDifferenceSpacing);
  std::vector<std::uint64_t> group_changes;
  SparseParts parts;
  std::uint64_t i = 0;
  for (const std::uint64_t end : order.ends) {
    for (; i < end; ++i) {
      const std::uint64_t at = order.at(i);
      const auto before = word_at<Word>(base.data(), at), after = word_at<Word>(data.data(), at);
      if (before == after) continue;
      planes[0][i / 8] = static_cast<char>(planes[0][i / 8] | (1 << (i % 8)));
      const Word coded = zigzag(static_cast<Word>(after - before));
      differences[parts.changed] = static_cast<char>(coded);
      for (unsigned p = 1; p < sizeof(Word); ++p) {
        planes[p][parts.changed] = static_cast<char>(coded >> (8 * p));
      }
      ++parts.changed;
    }
    map_cuts.offer(i / 8);
    other_cuts.offer(parts.changed);
  }
  map_cuts.force(bitmap);
  parts.other_cuts = other_cuts.offsets();
  parts.first_cuts = map_cuts.offsets();
  for (const std::uint64_t cut : parts.other_cuts) parts.first_cuts.push_back(bitmap + cut);
  return parts;
}

template <class Word>
const char* apply_changes(std::span<const char> base, const Order& order, const char* bitmap,
                          const PlaneData& differences, std::uint64_t changed,
                          std::span<char> data) {
  const std::uint64_t n = data.size() / sizeof(Word);
  std::memcpy(data.data(), base.data(), data.size());
  std::uint64_t next = 0;
  for (std::uint64_t byte = 0; byte < (n + 7) / 8; ++byte) {
    for (unsigned bits = static_cast<unsigned char>(bitmap[byte]); bits != 0; bits &= bits - 1) {
      const std::uint64_t i = byte * 8 + static_cast<unsigned>(std::countr_zero(bits));
      if (i >= n || next >= changed) return "a bitmap that does not fit its differences";
      Word coded = 0;
      for (unsigned p = 0; p < sizeof(Word); ++p) {
        const auto part = static_cast<unsigned char>(differences[p][next]);
        coded = static_cast<Word>(coded | (static_cast<Word>(part) << (8 * p)));
      }
      ++next;
      const std::uint64_t at = order.at(i);
      const auto after = static_cast<Word>(word_at<Word>(base.data(), at) + unzigzag<Word>(coded));
      std::memcpy(data.data() + at * sizeof(Word), &after, sizeof after);
    }
  }
  return next == changed ? nullptr : "a bitmap that does not fit its differences";
}

template <class Call>
auto with_word(unsigned item, const Call& call) {
  switch (item) {
    case 1:
      return call(std::uint8_t{});
    case 2:
      return call(std::uint16_t{});
    case 4:
      return call(std::uint32_t{});
    default:
      return call(std::uint64_t{});
  }
}

}  // namespace

void ChunkCoder::encode_sparse(const ChunkKind& kind, std::span<const char> data,
                               std::span<const char> base, bool grouped, EncodedChunk& out) {
  const std::uint64_t n = data.size() / kind.item, bitmap = (n + 7) / 8;
  out.codec = grouped ? Codec::kGrouped : Codec::kSparse;
  PlaneData to{};
  for (unsigned p = 0; p < kMaxPlanes; ++p) {
    out.planes[p].framed = false;
    out.planes[p].plain.clear();
    if (p < kind.item) to[p] = out.planes[p].plain.room((p == 0 ? bitmap : 0) + n);
  }
  const SparseParts parts = with_word(kind.item, [&](auto word) {
    using Word = decltype(word);
    const Order order = order_of<Word>(kind.dtype, grouped, base, n, order_);
    return split_changes<Word>(data, base, order, to);
  });
  Buffer& other = mixed_;
  for (unsigned p = 0; p < kind.item; ++p) {
    EncodedPlane& plane = out.planes[p];
    plane.plain.set_size((p == 0 ? bitmap : 0) + parts.changed);
    const auto& cuts = p == 0 ? parts.first_cuts : parts.other_cuts;
    coder_.encode(Effort::kHuffman, plane.plain.view(), plane.frame, cuts);
    coder_.encode(Effort::kMatches, plane.plain.view(), other, cuts);
    if (other.size() < plane.frame.size()) std::swap(other, plane.frame);
    plane.framed = plane.frame.size() < plane.plain.size();
  }
}

const char* ChunkCoder::decode_sparse(const ChunkKind& kind, bool grouped,
                                      std::span<const Stored> planes, std::span<const char> base,
                                      std::span<char> data) {
  if (kind.item > 8) return "a codec that its type does not have";
  const std::uint64_t n = data.size() / kind.item, bitmap = (n + 7) / 8;
  std::uint64_t first = planes[0].bytes.size();
  if (planes[0].framed && !FrameCoder::content_size(planes[0].bytes, first)) {
    return "a damaged plane";
  }
  if (first < bitmap || first - bitmap > n) return "a bitmap of another size";
  PlaneData from{};
  for (unsigned p = 0; p < kind.item; ++p) {
    const char* bytes = nullptr;
    if (!plain(planes[p], p == 0 ? first : first - bitmap, rooms_[p], bytes)) {
      return "a damaged plane";
    }
    from[p] = const_cast<char*>(bytes);  // only read
  }
  const char* map = from[0];
  from[0] += bitmap;
  return with_word(kind.item, [&](auto word) {
    using Word = decltype(word);
    const Order order = order_of<Word>(kind.dtype, grouped, base, n, order_);
    return apply_changes<Word>(base, order, map, from, first - bitmap, data);
  });
}

}  // namespace stateutils::ckpt::ckz
