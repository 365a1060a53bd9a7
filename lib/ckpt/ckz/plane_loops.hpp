// The loops behind plane_kernels_*(), written once: each file that includes this compiles them for
// its own instruction set. Plain counted loops over distinct arrays, which compilers vectorize.
#pragma once

#include <cstdint>
#include <cstring>

#include "ckpt/ckz/planes.hpp"

namespace stateutils::ckpt::ckz {
namespace {

using Byte = std::uint8_t;

inline Byte* bytes_of(char* plane) {
  return reinterpret_cast<Byte*>(plane);
}

template <class Word>
Word load(const char* data, std::uint64_t index) {
  Word word;
  std::memcpy(&word, data + index * sizeof(Word), sizeof(Word));
  return word;
}

template <class Word>
void store(char* data, std::uint64_t index, Word word) {
  std::memcpy(data + index * sizeof(Word), &word, sizeof(Word));
}

void split_exponent16(const char* __restrict data, std::uint64_t n, const PlaneData& planes) {
  Byte* __restrict exponent = bytes_of(planes[0]), * __restrict rest = bytes_of(planes[1]);
  for (std::uint64_t i = 0; i < n; ++i) {
    const auto x = load<std::uint16_t>(data, i);
    exponent[i] = static_cast<Byte>(x >> 7);
    rest[i] = static_cast<Byte>(((x >> 8) & 0x80) | (x & 0x7f));
  }
}

void join_exponent16(const PlaneData& planes, std::uint64_t n, char* __restrict data) {
  const Byte* __restrict exponent = bytes_of(planes[0]), * __restrict rest = bytes_of(planes[1]);
  for (std::uint64_t i = 0; i < n; ++i) {
    const auto e = static_cast<std::uint16_t>(exponent[i]);
    const auto r = static_cast<std::uint16_t>(rest[i]);
    store(data, i, static_cast<std::uint16_t>(((r & 0x80) << 8) | (e << 7) | (r & 0x7f)));
  }
}

void split_exponent32(const char* __restrict data, std::uint64_t n, const PlaneData& planes) {
  Byte* __restrict exponent = bytes_of(planes[0]), * __restrict top = bytes_of(planes[1]);
  Byte* __restrict middle = bytes_of(planes[2]), * __restrict low = bytes_of(planes[3]);
  for (std::uint64_t i = 0; i < n; ++i) {
    const auto x = load<std::uint32_t>(data, i);
    exponent[i] = static_cast<Byte>(x >> 23);
    top[i] = static_cast<Byte>(((x >> 24) & 0x80) | ((x >> 16) & 0x7f));
    middle[i] = static_cast<Byte>(x >> 8);
    low[i] = static_cast<Byte>(x);
  }
}

void join_exponent32(const PlaneData& planes, std::uint64_t n, char* __restrict data) {
  const Byte* __restrict exponent = bytes_of(planes[0]), * __restrict top = bytes_of(planes[1]);
  const Byte* __restrict middle = bytes_of(planes[2]), * __restrict low = bytes_of(planes[3]);
  for (std::uint64_t i = 0; i < n; ++i) {
    const std::uint32_t t = top[i];
    store(data, i,
          ((t & 0x80) << 24) | (static_cast<std::uint32_t>(exponent[i]) << 23) |
              ((t & 0x7f) << 16) | (static_cast<std::uint32_t>(middle[i]) << 8) |
              static_cast<std::uint32_t>(low[i]));
  }
}

void split_bytes2(const char* __restrict data, std::uint64_t n, const PlaneData& planes) {
  Byte* __restrict high = bytes_of(planes[0]), * __restrict low = bytes_of(planes[1]);
  for (std::uint64_t i = 0; i < n; ++i) {
    const auto x = load<std::uint16_t>(data, i);
    high[i] = static_cast<Byte>(x >> 8);
    low[i] = static_cast<Byte>(x);
  }
}

void join_bytes2(const PlaneData& planes, std::uint64_t n, char* __restrict data) {
  const Byte* __restrict high = bytes_of(planes[0]), * __restrict low = bytes_of(planes[1]);
  for (std::uint64_t i = 0; i < n; ++i) {
    store(data, i, static_cast<std::uint16_t>((high[i] << 8) | low[i]));
  }
}

void split_bytes4(const char* __restrict data, std::uint64_t n, const PlaneData& planes) {
  Byte* __restrict a = bytes_of(planes[0]), * __restrict b = bytes_of(planes[1]);
  Byte* __restrict c = bytes_of(planes[2]), * __restrict d = bytes_of(planes[3]);
  for (std::uint64_t i = 0; i < n; ++i) {
    const auto x = load<std::uint32_t>(data, i);
    a[i] = static_cast<Byte>(x >> 24);
    b[i] = static_cast<Byte>(x >> 16);
    c[i] = static_cast<Byte>(x >> 8);
    d[i] = static_cast<Byte>(x);
  }
}

void join_bytes4(const PlaneData& planes, std::uint64_t n, char* __restrict data) {
  const Byte* __restrict a = bytes_of(planes[0]), * __restrict b = bytes_of(planes[1]);
  const Byte* __restrict c = bytes_of(planes[2]), * __restrict d = bytes_of(planes[3]);
  for (std::uint64_t i = 0; i < n; ++i) {
    store(data, i,
          (static_cast<std::uint32_t>(a[i]) << 24) | (static_cast<std::uint32_t>(b[i]) << 16) |
              (static_cast<std::uint32_t>(c[i]) << 8) | static_cast<std::uint32_t>(d[i]));
  }
}

void split_nibbles(const char* __restrict data, std::uint64_t n, const PlaneData& planes) {
  Byte* __restrict high = bytes_of(planes[0]), * __restrict low = bytes_of(planes[1]);
  for (std::uint64_t i = 0; i < n / 2; ++i) {
    const auto pair = load<std::uint16_t>(data, i);  // the first element is the low byte
    high[i] = static_cast<Byte>(((pair >> 4) & 0x0f) | ((pair >> 8) & 0xf0));
    low[i] = static_cast<Byte>((pair & 0x0f) | ((pair >> 4) & 0xf0));
  }
  if (n % 2 != 0) {
    const auto last = static_cast<Byte>(data[n - 1]);
    high[n / 2] = static_cast<Byte>(last >> 4);
    low[n / 2] = static_cast<Byte>(last & 0x0f);
  }
}

void join_nibbles(const PlaneData& planes, std::uint64_t n, char* __restrict data) {
  const Byte* __restrict high = bytes_of(planes[0]), * __restrict low = bytes_of(planes[1]);
  for (std::uint64_t i = 0; i < n / 2; ++i) {
    const unsigned h = high[i], l = low[i];
    store(data, i,
          static_cast<std::uint16_t>(((h & 0x0f) << 4) | (l & 0x0f) | ((h & 0xf0) << 8) |
                                     ((l & 0xf0) << 4)));
  }
  if (n % 2 != 0) data[n - 1] = static_cast<char>((high[n / 2] << 4) | (low[n / 2] & 0x0f));
}

constexpr PlaneKernels kKernels{split_exponent16, split_exponent32, split_bytes2,    split_bytes4,
                                split_nibbles,    join_exponent16,  join_exponent32, join_bytes2,
                                join_bytes4,      join_nibbles};

}  // namespace
}  // namespace stateutils::ckpt::ckz
