#include "ckpt/ckz/chunk.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace stateutils::ckpt::ckz {
namespace {

constexpr double kWorthCoding = 7.9;    // bits per byte; above it a plane stays as it is
constexpr double kUnusualShare = 0.94;  // a mantissa plane that codes below this repeats itself

void clear_planes(EncodedChunk& chunk, unsigned from) {
  for (unsigned p = from; p < kMaxPlanes; ++p) {
    chunk.planes[p].plain.clear();
    chunk.planes[p].framed = false;
  }
}

void put_plain(EncodedChunk& chunk, Codec codec, std::span<const char> bytes) {
  chunk.codec = codec;
  clear_planes(chunk, 0);
  char* to = chunk.planes[0].plain.room(bytes.size());
  if (!bytes.empty()) std::memcpy(to, bytes.data(), bytes.size());
  chunk.planes[0].plain.set_size(bytes.size());
}

bool is_constant(unsigned item, std::span<const char> data) {
  return data.size() >= item &&
         std::memcmp(data.data(), data.data() + item, data.size() - item) == 0;
}

void mix(std::span<const char> a, std::span<const char> b, char* out) {
  for (std::size_t i = 0; i < a.size(); ++i) out[i] = static_cast<char>(a[i] ^ b[i]);
}

}  // namespace

ChunkKind ChunkKind::of(DType dtype) {
  return {dtype, exponent_split(dtype), element_bytes(dtype), plane_count(dtype)};
}

std::uint64_t EncodedChunk::size(unsigned count) const {
  std::uint64_t sum = 0;
  for (unsigned p = 0; p < count; ++p) sum += planes[p].size();
  return sum;
}

void ChunkCoder::encode(const ChunkKind& kind, std::span<const char> data,
                        std::span<const char> base, EncodedChunk& out) {
  encode_alone(kind, data, out);
  if (base.empty() || out.codec == Codec::kConst) return;
  if (kind.item <= 8) {
    encode_sparse(kind, data, base, false, candidate_);
    keep_smaller(kind, out);
    if (is_floating(kind.dtype) && kind.item <= 4) {
      encode_sparse(kind, data, base, true, candidate_);
      keep_smaller(kind, out);
    }
  }
  char* mixed = mixed_.room(data.size());
  mix(data, base, mixed);
  encode_split(kind, kind.split, Effort::kHuffman, {mixed, data.size()}, candidate_);
  candidate_.codec = Codec::kXorExp;
  keep_smaller(kind, out);
  encode_split(kind, Split::kBytes, Effort::kMatches, {mixed, data.size()}, candidate_);
  candidate_.codec = Codec::kXorShuffle;
  keep_smaller(kind, out);
}

void ChunkCoder::keep_smaller(const ChunkKind& kind, EncodedChunk& best) {
  if (candidate_.size(kind.planes) < best.size(kind.planes)) std::swap(best, candidate_);
}

void ChunkCoder::encode_alone(const ChunkKind& kind, std::span<const char> data,
                              EncodedChunk& out) {
  if (is_constant(kind.item, data)) return put_plain(out, Codec::kConst, data.first(kind.item));
  bool repeats = true;
  if (is_floating(kind.dtype)) {
    encode_split(kind, kind.split, Effort::kHuffman, data, out);
    out.codec = Codec::kExp;
    repeats = false;
    for (unsigned p = 1; p < kind.planes; ++p) {
      const EncodedPlane& plane = out.planes[p];
      const auto usual = kUnusualShare * static_cast<double>(plane.plain.size());
      repeats = repeats || static_cast<double>(plane.size()) < usual;
    }
  } else {
    put_plain(out, Codec::kRaw, data);
  }
  if (repeats) {
    encode_split(kind, Split::kBytes, Effort::kMatches, data, candidate_);
    candidate_.codec = Codec::kShuffle;
    keep_smaller(kind, out);
  }
  if (out.size(kind.planes) >= data.size()) put_plain(out, Codec::kRaw, data);
}

void ChunkCoder::encode_split(const ChunkKind& kind, Split split, Effort effort,
                              std::span<const char> data, EncodedChunk& out) {
  const std::uint64_t elements = data.size() / kind.item;
  const std::uint64_t bytes = plane_bytes(split, elements);
  const unsigned count = split_planes(split, kind.item);
  PlaneData to{};
  for (unsigned p = 0; p < count; ++p) {
    to[p] = out.planes[p].plain.room(bytes);
    out.planes[p].plain.set_size(bytes);
  }
  clear_planes(out, count);
  split_elements(split, kind.item, data.data(), elements, to);
  for (unsigned p = 0; p < count; ++p) {
    EncodedPlane& plane = out.planes[p];
    plane.framed = false;
    if (effort == Effort::kHuffman && sampled_entropy(plane.plain.view()) >= kWorthCoding) continue;
    coder_.encode(effort, plane.plain.view(), plane.frame);
    plane.framed = plane.frame.size() < plane.plain.size();
  }
}

bool ChunkCoder::plain(const Stored& plane, std::uint64_t size, Buffer& room, const char*& bytes) {
  if (!plane.framed || plane.bytes.empty()) {
    bytes = plane.bytes.data();
    return plane.bytes.size() == size;
  }
  std::uint64_t claimed = 0;
  if (!FrameCoder::content_size(plane.bytes, claimed) || claimed != size) return false;
  bytes = room.room(size);
  return coder_.decode(plane.bytes, room.data(), size);
}

const char* ChunkCoder::decode(const ChunkKind& kind, Codec codec, std::span<const Stored> planes,
                               std::span<const char> base, std::span<char> data) {
  const char* bytes = nullptr;
  switch (codec) {
    case Codec::kRaw:
      if (!plain(planes[0], data.size(), rooms_[0], bytes)) return "a damaged raw chunk";
      if (!data.empty()) std::memcpy(data.data(), bytes, data.size());
      return nullptr;
    case Codec::kConst:
      if (!plain(planes[0], kind.item, rooms_[0], bytes)) return "a damaged constant";
      for (std::size_t at = 0; at < data.size(); at += kind.item) {
        std::memcpy(data.data() + at, bytes, kind.item);
      }
      return nullptr;
    case Codec::kExp:
      return decode_split(kind, kind.split, planes, data);
    case Codec::kShuffle:
      return decode_split(kind, Split::kBytes, planes, data);
    case Codec::kXorExp:
    case Codec::kXorShuffle: {
      const Split split = codec == Codec::kXorExp ? kind.split : Split::kBytes;
      if (const char* wrong = decode_split(kind, split, planes, data)) return wrong;
      mix(data, base, data.data());
      return nullptr;
    }
    case Codec::kSparse:
      return decode_sparse(kind, false, planes, base, data);
    case Codec::kGrouped:
      return decode_sparse(kind, true, planes, base, data);
  }
  return "an unknown codec";
}

const char* ChunkCoder::decode_split(const ChunkKind& kind, Split split,
                                     std::span<const Stored> planes, std::span<char> data) {
  const std::uint64_t elements = data.size() / kind.item;
  const std::uint64_t bytes = plane_bytes(split, elements);
  const unsigned count = split_planes(split, kind.item);
  PlaneData from{};
  for (unsigned p = 0; p < count; ++p) {
    const char* plane = nullptr;
    if (!plain(planes[p], bytes, rooms_[p], plane)) return "a damaged plane";
    from[p] = const_cast<char*>(plane);  // joining only reads
  }
  join_elements(split, kind.item, from, elements, data.data());
  return nullptr;
}

}  // namespace stateutils::ckpt::ckz
