#include "qmc/net2.hpp"

#include <algorithm>
#include <array>
#include <bit>

#include "qmc/tables/tables.hpp"

namespace stateutils::qmc {
namespace {

constexpr unsigned kMaxDegree = 18;
// Primitive polynomials over GF(2) of degree 1..18: phi(2^s - 1) / s.
constexpr std::array<std::uint32_t, kMaxDegree> kPrimitives = {
    1, 1, 2, 2, 6, 6, 18, 16, 48, 60, 176, 144, 630, 756, 1800, 2048, 7710, 7776};

// Bits that the packed table holds for one dimension of degree s: a, then m_2..m_s without their
// lowest bit, which is always 1.
constexpr std::uint64_t record_bits(unsigned s) {
  return (s - 1) + s * (s - 1) / 2;
}

struct Entry {
  unsigned degree;
  std::uint64_t position;
};

// `index` counts from 0 at Sobol' dimension 2.
Entry locate(std::uint32_t index) {
  std::uint64_t position = 0;
  unsigned s = 1;
  while (index >= kPrimitives[s - 1]) {
    position += kPrimitives[s - 1] * record_bits(s);
    index -= kPrimitives[s - 1];
    ++s;
  }
  return {s, position + index * record_bits(s)};
}

}  // namespace

unsigned polynomial_degree(std::uint32_t dim) {
  return locate(dim - 1).degree;
}

std::uint32_t polynomial_coefficients(std::uint32_t dim) {
  const Entry entry = locate(dim - 1);
  return table_bits(kJoeKuoText, entry.position, entry.degree - 1);
}

void sobol_columns(unsigned s, std::uint32_t a, std::span<const std::uint32_t> m,
                   std::span<std::uint64_t> columns) {
  std::array<std::uint32_t, 32> v{};
  for (unsigned k = 0; k < 32; ++k) {
    if (k < s) {
      v[k] = m[k] << (31 - k);
      continue;
    }
    v[k] = v[k - s] ^ (v[k - s] >> s);
    for (unsigned i = 1; i < s; ++i) {
      if (a >> (s - 1 - i) & 1) v[k] ^= v[k - i];
    }
  }
  for (unsigned k = 0; k < 32; ++k) columns[k] = static_cast<std::uint64_t>(v[k]) << 32;
}

Net2 sobol_net(std::span<const std::uint32_t> dims) {
  Net2 net{32, 32, {}};
  net.bits.resize(dims.size() * 32);
  std::array<std::uint32_t, kMaxDegree> m{};
  for (std::size_t j = 0; j < dims.size(); ++j) {
    const std::span<std::uint64_t> columns{net.bits.data() + j * 32, 32};
    if (dims[j] == 0) {  // van der Corput: the identity matrix
      for (unsigned k = 0; k < 32; ++k) columns[k] = 1ull << (63 - k);
      continue;
    }
    auto [s, position] = locate(dims[j] - 1);
    const std::uint32_t a = table_bits(kJoeKuoText, position, s - 1);
    position += s - 1;
    m[0] = 1;
    for (unsigned i = 1; i < s; position += i, ++i) {
      m[i] = table_bits(kJoeKuoText, position, i) << 1 | 1;
    }
    sobol_columns(s, a, m, columns);
  }
  return net;
}

std::uint64_t interlace_word(std::span<const std::uint64_t> words, unsigned digits) {
  const auto alpha = static_cast<unsigned>(words.size());
  std::uint64_t out = 0;
  for (unsigned tau = 0; tau < digits; ++tau) {
    out |= (words[tau % alpha] << (tau / alpha) >> 63) << (63 - tau);
  }
  return out;
}

Net2 interlace(const Net2& net, unsigned alpha, unsigned max_rows) {
  Net2 out{net.columns, std::min(alpha * net.rows, max_rows), {}};
  const std::size_t dims = net.dims() / alpha;
  out.bits.resize(dims * net.columns);
  std::vector<std::uint64_t> words(alpha);
  for (std::size_t j = 0; j < dims; ++j) {
    for (unsigned c = 0; c < net.columns; ++c) {
      for (unsigned k = 0; k < alpha; ++k) words[k] = net.matrix(j * alpha + k)[c];
      out.bits[j * net.columns + c] = interlace_word(words, out.rows);
    }
  }
  return out;
}

void scramble_columns(std::span<const std::uint64_t> s_rows, unsigned t_in,
                      std::span<const std::uint64_t> columns, std::span<std::uint64_t> out) {
  for (std::size_t c = 0; c < columns.size(); ++c) {
    const std::uint64_t column = columns[c] >> (64 - t_in);
    std::uint64_t word = 0;
    for (std::size_t tau = 0; tau < s_rows.size(); ++tau) {
      word |= static_cast<std::uint64_t>(std::popcount(s_rows[tau] & column) & 1) << (63 - tau);
    }
    out[c] = word;
  }
}

}  // namespace stateutils::qmc
