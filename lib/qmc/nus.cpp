#include "qmc/nus.hpp"

#ifdef __x86_64__
#include <smmintrin.h>
#endif

#include <algorithm>
#include <mutex>
#include <span>

#include "qmc/nus_impl.hpp"

namespace stateutils::qmc {
namespace {

#ifdef __x86_64__
// The least that this project is built for, two lanes.
struct LanesBase {
  using Reg = __m128i;
  static constexpr std::size_t kLanes = 2;
  static Reg load(const std::uint64_t* p) {
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  }
  static void store(std::uint64_t* p, Reg a) { _mm_storeu_si128(reinterpret_cast<__m128i*>(p), a); }
  static Reg set1(std::uint32_t a) { return _mm_set1_epi64x(static_cast<long long>(a)); }
  static Reg set1_64(std::uint64_t a) { return _mm_set1_epi64x(static_cast<long long>(a)); }
  static Reg multiply(Reg a, Reg b) { return _mm_mul_epu32(a, b); }
  template <int kCount>
  static Reg shift_right(Reg a) {
    return _mm_srli_epi64(a, kCount);
  }
  template <int kCount>
  static Reg shift_left(Reg a) {
    return _mm_slli_epi64(a, kCount);
  }
  static Reg shift_right_by(Reg a, Reg count) {
    const Reg high = _mm_srl_epi64(a, _mm_unpackhi_epi64(count, count));
    return _mm_blend_epi16(_mm_srl_epi64(a, count), high, 0xF0);
  }
  static Reg exclusive_or(Reg a, Reg b) { return _mm_xor_si128(a, b); }
  static Reg exclusive_or3(Reg a, Reg b, Reg c) { return exclusive_or(exclusive_or(a, b), c); }
  static Reg and_(Reg a, Reg b) { return _mm_and_si128(a, b); }
  static Reg or_(Reg a, Reg b) { return _mm_or_si128(a, b); }
  static Reg append_bit(Reg flips, Reg bit) {
    return or_(_mm_add_epi64(flips, flips), and_(bit, _mm_set1_epi64x(1)));
  }
  static Reg lookup(const std::uint16_t* table, Reg index) {
    return _mm_set_epi64x(table[_mm_extract_epi64(index, 1)], table[_mm_cvtsi128_si64(index)]);
  }
};
#else
struct LanesBase {
  using Reg = std::uint64_t;
  static constexpr std::size_t kLanes = 1;
  static Reg load(const std::uint64_t* p) { return *p; }
  static void store(std::uint64_t* p, Reg a) { *p = a; }
  static Reg set1(std::uint32_t a) { return a; }
  static Reg set1_64(std::uint64_t a) { return a; }
  static Reg multiply(Reg a, Reg b) { return (a & 0xFFFFFFFFu) * (b & 0xFFFFFFFFu); }
  template <unsigned kCount>
  static Reg shift_right(Reg a) {
    return a >> kCount;
  }
  template <unsigned kCount>
  static Reg shift_left(Reg a) {
    return a << kCount;
  }
  static Reg shift_right_by(Reg a, Reg count) { return a >> (count & 63); }
  static Reg exclusive_or(Reg a, Reg b) { return a ^ b; }
  static Reg exclusive_or3(Reg a, Reg b, Reg c) { return a ^ b ^ c; }
  static Reg and_(Reg a, Reg b) { return a & b; }
  static Reg or_(Reg a, Reg b) { return a | b; }
  static Reg append_bit(Reg flips, Reg bit) { return flips << 1 | (bit & 1); }
  static Reg lookup(const std::uint16_t* table, Reg index) { return table[index]; }
};
#endif

// The flip of `level` (0..6) below a group's prefix; `p` holds the `level` digits behind it.
std::uint64_t flip(const Words& block, unsigned level, std::uint64_t p) {
  return (level < 6 ? block.lo >> ((1u << level) - 1 + p) : block.hi >> p) & 1;
}

// Prefixes of up to 32 digits are index_lo; longer ones go on in index_hi above the group's byte.
Words group_block(const Stream& stream, std::uint32_t dim, std::uint64_t prefix, unsigned group) {
  return stream.block(Tag::kNusGroup, dim, static_cast<std::uint32_t>(prefix),
                      static_cast<std::uint32_t>(prefix >> 32) << 8 | group);
}

std::uint64_t flips_of(const Stream& stream, std::uint32_t dim, std::uint64_t word,
                       unsigned levels) {
  std::uint64_t flips = 0;
  for (unsigned group = 0; group * 7 < levels; ++group) {
    const std::uint64_t prefix = group == 0 ? 0 : word >> (64 - 7 * group);
    const Words block = group_block(stream, dim, prefix, group);
    for (unsigned l = 0; l < 7 && group * 7 + l < levels; ++l) {
      const std::uint64_t p = l == 0 ? 0 : word << (7 * group) >> (64 - l);
      flips |= flip(block, l, p) << (63 - 7 * group - l);
    }
  }
  return flips;
}

class NusPoints final : public Points {
 public:
  NusPoints(const Net2& net, Order order, std::vector<std::uint32_t> inputs, unsigned alpha,
            unsigned t, const Stream& stream, NusKind kind)
      : net_(net_points(net, order, {})),
        inputs_(std::move(inputs)),
        alpha_(alpha),
        t_(t),
        rows_(net.rows),
        stream_(stream),
        kind_(kind) {
    for (const std::uint32_t input : inputs_) {
      keys_.push_back(static_cast<std::uint32_t>(stream.block(Tag::kOther, input, 0, 0).lo));
    }
  }
  [[nodiscard]] std::size_t dims() const override { return inputs_.size() / alpha_; }
  [[nodiscard]] bool is_costly() const override { return true; }
  [[nodiscard]] std::uint64_t block_rows() const override { return net_->block_rows(); }
  void fill(std::uint64_t first, std::uint64_t rows, Format format, void* out) const override;

 private:
  void scramble_column(std::size_t column, std::span<std::uint64_t> words) const;
  const std::uint16_t* table(std::size_t column) const;

  std::unique_ptr<Points> net_;
  std::vector<std::uint32_t> inputs_, keys_;
  unsigned alpha_, t_, rows_;
  Stream stream_;
  NusKind kind_;
  mutable std::once_flag tables_made_;
  mutable std::vector<std::vector<std::uint16_t>> tables_;
};

// Tables pay when many rows use them and they stay in the outer caches.
constexpr std::uint64_t kRowsForTables = 512;
constexpr std::size_t kColumnsForTables = 1024;
constexpr std::uint64_t kTileRows = 2048;
// Consecutive rows of a net meet every line of a table: it is fetched whole, in order, before them.
void fetch_table(const std::uint16_t* table) {
  constexpr std::size_t kLine = 64 / sizeof *table;
  for (std::size_t k = 0; k < 1u << kNusTableLevels; k += kLine) __builtin_prefetch(table + k);
}

// Columns that are taken out of the rows together: a cache line.
constexpr std::size_t kColumnGroup = 8;

// Every place of a group of columns; whole groups are a loop of known length.
template <class Action>
void each_of(std::uint64_t rows, std::size_t group, const Action& action) {
  if (group == kColumnGroup) {
    for (std::uint64_t i = 0; i < rows; ++i) {
      for (std::size_t k = 0; k < kColumnGroup; ++k) action(i, k);
    }
  } else {
    for (std::uint64_t i = 0; i < rows; ++i) {
      for (std::size_t k = 0; k < group; ++k) action(i, k);
    }
  }
}

const std::uint16_t* NusPoints::table(std::size_t column) const {
  std::call_once(tables_made_, [&] {
    for (const std::uint32_t input : inputs_) tables_.push_back(nus_table(stream_, input));
  });
  return tables_[column].data();
}

void NusPoints::scramble_column(std::size_t column, std::span<std::uint64_t> words) const {
  const std::uint32_t input = inputs_[column];
  if (kind_ == NusKind::kHash) {
    const std::uint64_t mask = ~0ull << (64 - t_);
    for (std::uint64_t& word : words) {
      const std::uint32_t hashed = owen_hash(static_cast<std::uint32_t>(word >> 32), keys_[column]);
      word = static_cast<std::uint64_t>(hashed) << 32 & mask;
    }
    return;
  }
  const bool fast =
      rows_ <= 32 && words.size() >= kRowsForTables && inputs_.size() <= kColumnsForTables;
  if (!fast) {
    for (std::uint64_t& word : words) word = nus_word(stream_, input, word, rows_, t_);
    return;
  }
  NusColumn parameters{table(column), input, stream_.replication, ~0ull << (64 - t_), {}};
  for (std::uint32_t round = 0; round < 10; ++round) {
    parameters.keys[round][0] = static_cast<std::uint32_t>(stream_.seed) + round * 0x9E3779B9u;
    parameters.keys[round][1] =
        static_cast<std::uint32_t>(stream_.seed >> 32) + round * 0xBB67AE85u;
  }
  fetch_table(parameters.table);
  nus_kernel(core::active_isa())(parameters, words.data(), words.size(), words.data());
}

void NusPoints::fill(std::uint64_t first, std::uint64_t rows, Format format, void* out) const {
  const ConvertKernel convert = block_kernels().convert[static_cast<int>(format)];
  const std::size_t d = dims(), inner = inputs_.size();
  // A tile of rows: the net's words, then column by column, then rows again.
  const std::uint64_t tile = std::max<std::uint64_t>(kTileRows, (std::uint64_t{1} << 13) / inner);
  // Kept by the thread: memory that is new for every call costs as much as the scrambling.
  thread_local std::vector<std::uint64_t> words, result, columns;
  const auto grow = [](std::vector<std::uint64_t>& room, std::size_t size) {
    if (room.size() < size) room.resize(size);
  };
  grow(words, std::min(tile, rows) * inner);
  if (alpha_ > 1) grow(result, std::min(tile, rows) * d);
  // Columns a power of two apart would share their lines of the cache.
  const std::size_t stride = std::min(tile, rows) + 8;
  grow(columns, kColumnGroup * stride);
  auto* bytes = static_cast<char*>(out);
  for (std::uint64_t done = 0; done < rows;) {
    const std::uint64_t part = std::min(tile, rows - done);
    net_->fill(first + done, part, Format::kU64, words.data());
    for (std::size_t j = 0; j < inner; j += kColumnGroup) {
      const std::size_t group = std::min(kColumnGroup, inner - j);
      each_of(part, group, [&](std::uint64_t i, std::size_t k) {
        columns[k * stride + i] = words[i * inner + j + k];
      });
      for (std::size_t k = 0; k < group; ++k) {
        scramble_column(j + k, std::span(columns).subspan(k * stride, part));
      }
      each_of(part, group, [&](std::uint64_t i, std::size_t k) {
        words[i * inner + j + k] = columns[k * stride + i];
      });
    }
    const std::uint64_t* ready = words.data();
    if (alpha_ > 1) {
      for (std::uint64_t k = 0; k < part * d; ++k) {
        result[k] = interlace_word({words.data() + k * alpha_, alpha_}, t_);
      }
      ready = result.data();
    }
    convert(ready, part * d, bytes);
    bytes += part * d * format_bytes(format);
    done += part;
  }
}

}  // namespace

std::uint64_t nus_word(const Stream& stream, std::uint32_t dim, std::uint64_t word, unsigned rows,
                       unsigned t) {
  const std::uint64_t mask = ~0ull << (64 - t);
  if (rows > 32) return (word ^ flips_of(stream, dim, word, t)) & mask;
  const auto prefix = static_cast<std::uint32_t>(word >> 32);
  word ^= flips_of(stream, dim, word, std::min(32u, t));
  if (t > 32) word |= stream.block(Tag::kNusTail, dim, prefix, 0).lo >> 32;
  return word & mask;
}

std::vector<std::uint16_t> nus_table(const Stream& stream, std::uint32_t dim) {
  std::vector<std::uint16_t> table((1u << kNusTableLevels) + 1);
  const Words root = group_block(stream, dim, 0, 0);
  for (std::uint32_t q = 0; q < 128; ++q) {
    std::uint64_t high = 0;
    for (unsigned l = 0; l < 7; ++l) high |= flip(root, l, q >> (7 - l)) << (15 - l);
    const Words block = group_block(stream, dim, q, 1);
    for (std::uint32_t p = 0; p < 128; ++p) {
      std::uint64_t flips = high;
      for (unsigned l = 0; l < 7; ++l) flips |= flip(block, l, p >> (7 - l)) << (8 - l);
      table[q << 7 | p] = static_cast<std::uint16_t>(flips);
    }
  }
  return table;
}

std::uint32_t owen_hash(std::uint32_t word, std::uint32_t key) {
  auto x = static_cast<std::uint32_t>(reverse_bits(word) >> 32);
  x += key;
  x ^= x * 0x6c50b47cu;
  x ^= x * 0xb82f1e52u;
  x ^= x * 0xc7afe638u;
  x ^= x * 0x8d22f6e6u;
  return static_cast<std::uint32_t>(reverse_bits(x) >> 32);
}

void nus_column_scalar(const NusColumn& column, const std::uint64_t* words, std::size_t count,
                       std::uint64_t* out) {
  nus_column<LanesBase>(column, words, count, out);
}

NusKernel nus_kernel(core::Isa isa) {
#ifdef __x86_64__
  if (isa == core::Isa::kAvx512) return nus_column_avx512;
  if (isa == core::Isa::kAvx2) return nus_column_avx2;
#endif
  (void)isa;
  return nus_column_scalar;
}

std::unique_ptr<Points> nus_points(const Net2& net, Order order, std::vector<std::uint32_t> inputs,
                                   unsigned alpha, unsigned t, const Stream& stream, NusKind kind) {
  return std::make_unique<NusPoints>(net, order, std::move(inputs), alpha, t, stream, kind);
}

}  // namespace stateutils::qmc
