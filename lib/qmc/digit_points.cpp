#include "qmc/digit_points.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace stateutils::qmc {
namespace {

constexpr double kLargest = 1 - 0x1p-53;
// Blocks of b^k indices share everything but the first k output digits, which come from a table.
constexpr std::uint64_t kDigitBlock = 1024;
constexpr std::uint64_t kTile = 4096;  // coordinates that are made together

// A double x in [0, 1) as floor(2^64 x).
std::uint64_t word_of(double x) {
  return static_cast<std::uint64_t>(x * 0x1p64);
}

// Digits of an index, least significant first; returns how many it has.
unsigned split_index(std::uint64_t index, std::uint32_t base, std::uint32_t* digits) {
  unsigned count = 0;
  for (; index != 0; index /= base) digits[count++] = static_cast<std::uint32_t>(index % base);
  return count;
}

// Where a walk along one dimension stands.
class Walk {
 public:
  Walk() = default;
  Walk(const Walk&) = delete;
  Walk& operator=(const Walk&) = delete;
  virtual ~Walk() = default;
  // The next `count` coordinates, `stride` apart.
  virtual void next(std::uint64_t count, std::size_t stride, double* out) = 0;
};

class Column {
 public:
  Column() = default;
  Column(const Column&) = delete;
  Column& operator=(const Column&) = delete;
  virtual ~Column() = default;
  [[nodiscard]] virtual std::unique_ptr<Walk> walk(std::uint64_t first) const = 0;
};

// Radical inverse with digit maps. Output digit r depends on index digit r alone, so that
// x = low[i mod b^k] + high(i div b^k): two correctly rounded terms, one rounded sum.
class RadicalColumn final : public Column {
 public:
  explicit RadicalColumn(const DigitDimension& dimension)
      : base_(dimension.matrix.base), t_(digit_count(base_)), maps_(dimension.maps) {
    while (block_ * base_ <= kDigitBlock) {
      block_ *= base_;
      ++low_digits_;
    }
    if (low_digits_ == 0) {  // a base beyond the table: one digit, computed
      block_ = base_;
      low_digits_ = 1;
      return;
    }
    low_.resize(block_);
    std::vector<std::uint32_t> digits(t_);
    for (std::uint64_t i = 0; i < block_; ++i) {
      std::uint64_t rest = i;
      for (unsigned r = 0; r < low_digits_; ++r, rest /= base_) {
        digits[r] = map(r, static_cast<std::uint32_t>(rest % base_));
      }
      low_[i] = digit_value(digits.data(), low_digits_, base_);
    }
  }
  [[nodiscard]] std::unique_ptr<Walk> walk(std::uint64_t first) const override;

 private:
  friend class RadicalWalk;
  [[nodiscard]] std::uint32_t map(unsigned r, std::uint32_t digit) const {
    return maps_.empty() ? digit : maps_[r][digit];
  }
  [[nodiscard]] double high(std::uint64_t block) const {
    std::uint32_t digits[64] = {};
    for (unsigned r = low_digits_; r < t_; ++r, block /= base_) {
      digits[r] = map(r, static_cast<std::uint32_t>(block % base_));
    }
    return digit_value(digits, t_, base_);
  }

  std::uint32_t base_;
  unsigned t_, low_digits_ = 0;
  std::uint64_t block_ = 1;
  std::vector<std::vector<std::uint32_t>> maps_;
  std::vector<double> low_;
};

class RadicalWalk final : public Walk {
 public:
  RadicalWalk(const RadicalColumn& column, std::uint64_t first)
      : column_(column), block_(first / column.block_), at_(first % column.block_) {
    high_ = column_.high(block_);
  }
  void next(std::uint64_t count, std::size_t stride, double* out) override {
    while (count > 0) {
      if (at_ == column_.block_) {
        at_ = 0;
        high_ = column_.high(++block_);
      }
      const std::uint64_t part = std::min(count, column_.block_ - at_);
      if (column_.low_.empty()) {
        for (std::uint64_t i = 0; i < part; ++i) {
          const double low =
              static_cast<double>(column_.map(0, static_cast<std::uint32_t>(at_ + i))) /
              static_cast<double>(column_.base_);
          out[i * stride] = std::min(low + high_, kLargest);
        }
      } else {
        const double* low = column_.low_.data() + at_;
        for (std::uint64_t i = 0; i < part; ++i)
          out[i * stride] = std::min(low[i] + high_, kLargest);
      }
      out += part * stride;
      at_ += part;
      count -= part;
    }
  }

 private:
  const RadicalColumn& column_;
  std::uint64_t block_, at_;
  double high_ = 0;
};

std::unique_ptr<Walk> RadicalColumn::walk(std::uint64_t first) const {
  return std::make_unique<RadicalWalk>(*this, first);
}

// Any matrix. Going from i to i + 1 with a carry into digit c adds the columns 0..c once each: a
// digit that falls from b - 1 to 0 has changed by 1 modulo b too.
class MatrixColumn final : public Column {
 public:
  MatrixColumn(const DigitDimension& dimension, const Stream& stream)
      : base_(dimension.matrix.base),
        rows_(dimension.nested || !dimension.maps.empty()
                  ? digit_count(base_)
                  : std::min(dimension.matrix.rows, digit_count(base_))),
        maps_(dimension.maps),
        nested_(dimension.nested),
        dim_(dimension.dim),
        stream_(stream) {
    const DigitMatrix& m = dimension.matrix;
    columns_ = m.columns;
    by_column_.resize(std::size_t{columns_} * rows_);
    steps_.resize(by_column_.size());
    for (unsigned c = 0; c < columns_; ++c) {
      for (unsigned r = 0; r < rows_; ++r) {
        const std::uint32_t entry = r < m.rows ? m.at(r, c) : 0;
        by_column_[c * rows_ + r] = entry;
        const std::uint32_t previous = c > 0 ? steps_[(c - 1) * rows_ + r] : 0;
        steps_[c * rows_ + r] = (previous + entry) % base_;
      }
    }
  }
  [[nodiscard]] std::unique_ptr<Walk> walk(std::uint64_t first) const override;

 private:
  friend class MatrixWalk;
  [[nodiscard]] double value(const std::vector<std::uint32_t>& y) const {
    std::uint32_t digits[64];
    if (nested_) {
      scramble(y, digits);
    } else {
      for (unsigned r = 0; r < rows_; ++r) digits[r] = maps_.empty() ? y[r] : maps_[r][y[r]];
    }
    return digit_value(digits, rows_, base_);
  }
  // Every node of the tree of digits has a permutation of its own (Owen 1995).
  void scramble(const std::vector<std::uint32_t>& y, std::uint32_t* digits) const {
    std::uint64_t node = 0;
    for (unsigned r = 0; r < rows_; ++r, node = node * base_ + y[r - 1]) {
      digits[r] = draw_node_permutation(stream_, dim_, base_, node, r)[y[r]];
    }
  }

  std::uint32_t base_;
  unsigned rows_, columns_ = 0;
  std::vector<std::uint32_t> by_column_, steps_;
  std::vector<std::vector<std::uint32_t>> maps_;
  bool nested_;
  std::uint32_t dim_;
  Stream stream_;
};

class MatrixWalk final : public Walk {
 public:
  MatrixWalk(const MatrixColumn& column, std::uint64_t first)
      : column_(column), y_(column.rows_), index_(64) {
    const unsigned count = split_index(first, column.base_, index_.data());
    for (unsigned c = 0; c < std::min(count, column.columns_); ++c) {
      for (unsigned r = 0; r < column.rows_; ++r) {
        const std::uint64_t add =
            std::uint64_t{index_[c]} * column.by_column_[c * column.rows_ + r];
        y_[r] = static_cast<std::uint32_t>((y_[r] + add) % column.base_);
      }
    }
  }
  void next(std::uint64_t count, std::size_t stride, double* out) override {
    for (std::uint64_t i = 0; i < count; ++i, out += stride) {
      *out = column_.value(y_);
      advance();
    }
  }

 private:
  void advance() {
    unsigned carry = 0;
    while (index_[carry] == column_.base_ - 1) index_[carry++] = 0;
    ++index_[carry];
    if (column_.columns_ == 0) return;
    const std::uint32_t* step =
        column_.steps_.data() + std::size_t{std::min(carry, column_.columns_ - 1)} * column_.rows_;
    for (unsigned r = 0; r < column_.rows_; ++r) {
      const std::uint32_t sum = y_[r] + step[r];
      y_[r] = sum >= column_.base_ ? sum - column_.base_ : sum;
    }
  }

  const MatrixColumn& column_;
  std::vector<std::uint32_t> y_, index_;
};

std::unique_ptr<Walk> MatrixColumn::walk(std::uint64_t first) const {
  return std::make_unique<MatrixWalk>(*this, first);
}

class DigitPoints final : public Points {
 public:
  DigitPoints(std::vector<DigitDimension> dims, const Stream& stream) {
    for (const DigitDimension& dim : dims) {
      if (dim.matrix.digits.empty() && !dim.nested) {
        columns_.push_back(std::make_unique<RadicalColumn>(dim));
      } else {
        columns_.push_back(std::make_unique<MatrixColumn>(dim, stream));
        costly_ = true;
      }
    }
  }
  [[nodiscard]] std::size_t dims() const override { return columns_.size(); }
  [[nodiscard]] bool is_costly() const override { return costly_; }
  void fill(std::uint64_t first, std::uint64_t rows, Format format, void* out) const override {
    const std::size_t d = dims();
    std::vector<std::unique_ptr<Walk>> walks;
    walks.reserve(d);
    for (const auto& column : columns_) walks.push_back(column->walk(first));
    const std::uint64_t tile = std::max<std::uint64_t>(16, kTile / d);
    std::vector<double> made(format == Format::kF64 ? 0 : std::min(tile, rows) * d);
    std::vector<std::uint64_t> words(made.size());
    auto* bytes = static_cast<char*>(out);
    for (std::uint64_t done = 0; done < rows; done += tile) {
      const std::uint64_t part = std::min(tile, rows - done);
      double* target = format == Format::kF64 ? reinterpret_cast<double*>(bytes) : made.data();
      for (std::size_t j = 0; j < d; ++j) walks[j]->next(part, d, target + j);
      if (format != Format::kF64) {
        std::transform(made.begin(), made.begin() + static_cast<std::ptrdiff_t>(part * d),
                       words.begin(), word_of);
        block_kernels().convert[static_cast<int>(format)](words.data(), part * d, bytes);
      }
      bytes += part * d * format_bytes(format);
    }
  }

 private:
  std::vector<std::unique_ptr<Column>> columns_;
  bool costly_ = false;
};

}  // namespace

double digit_value(const std::uint32_t* digits, unsigned count, std::uint32_t base) {
  // The exact integers of up to 64 bits each, joined and divided once in extended precision.
  std::uint64_t high = 0, low = 0, low_power = 1, high_power = 1;
  unsigned r = 0;
  for (; r < count && high_power <= ~0ull / base; ++r) {
    high = high * base + digits[r];
    high_power *= base;
  }
  for (; r < count && low_power <= ~0ull / base; ++r) {
    low = low * base + digits[r];
    low_power *= base;
  }
  const auto h = static_cast<long double>(high) / static_cast<long double>(high_power);
  const auto l = static_cast<long double>(low) / static_cast<long double>(low_power) /
                 static_cast<long double>(high_power);
  return std::min(static_cast<double>(h + l), kLargest);
}

DigitMatrix scramble_digits(const std::vector<std::uint32_t>& s, unsigned t,
                            const DigitMatrix& matrix) {
  DigitMatrix out{matrix.base, t, matrix.columns, {}};
  out.digits.resize(std::size_t{t} * matrix.columns);
  for (unsigned r = 0; r < t; ++r) {
    for (unsigned c = 0; c < matrix.columns; ++c) {
      std::uint64_t sum = 0;
      for (unsigned k = 0; k < matrix.rows; ++k) {
        sum += std::uint64_t{s[r * matrix.rows + k]} * matrix.at(k, c) % matrix.base;
      }
      out.digits[r * matrix.columns + c] = static_cast<std::uint32_t>(sum % matrix.base);
    }
  }
  return out;
}

std::vector<std::uint32_t> draw_digit_lms(const Stream& stream, std::uint32_t dim,
                                          std::uint32_t base, unsigned t, unsigned t_in) {
  std::vector<std::uint32_t> s(std::size_t{t} * t_in);
  for (unsigned row = 0; row < t; ++row) {
    Words words{};
    for (unsigned k = 0; k < t_in && k <= row; ++k) {
      if (k % 2 == 0) words = stream.block(Tag::kLms, dim, k / 2, row);
      const std::uint64_t u = k % 2 == 0 ? words.lo : words.hi;
      s[row * t_in + k] = k == row ? 1 + below(u, base - 1) : below(u, base);
    }
  }
  return s;
}

std::vector<std::uint32_t> draw_digit_shift(const Stream& stream, std::uint32_t dim,
                                            std::uint32_t base, unsigned t) {
  std::vector<std::uint32_t> digits(t);
  Words words{};
  for (unsigned k = 0; k < t; ++k) {
    if (k % 2 == 0) words = stream.block(Tag::kShift, dim, k / 2, 0);
    digits[k] = below(k % 2 == 0 ? words.lo : words.hi, base);
  }
  return digits;
}

std::unique_ptr<Points> digit_points(std::vector<DigitDimension> dims, const Stream& stream) {
  return std::make_unique<DigitPoints>(std::move(dims), stream);
}

}  // namespace stateutils::qmc
