#include "qmc/sequences.hpp"

#include <algorithm>
#include <bit>
#include <utility>

#include "qmc/tables/tables.hpp"

namespace stateutils::qmc {
namespace {

std::vector<std::uint64_t> or_zeros(std::vector<std::uint64_t> shift, std::size_t dims) {
  if (shift.empty()) shift.resize(dims);
  return shift;
}

class NetPoints final : public TabledPoints {
 public:
  NetPoints(const Net2& net, Order order, std::vector<std::uint64_t> shift)
      : TabledPoints(net.dims(), Op::kExclusiveOr, 1ull << std::min(net.columns, 63u)),
        columns_(net.columns),
        shift_(or_zeros(std::move(shift), net.dims())) {
    // Gray order is natural order of the net with columns C_b ^ C_(b-1): bit b of i is in bits b
    // and b-1 of i ^ (i >> 1).
    by_bit_.resize(columns_ * dims());
    for (unsigned b = 0; b < columns_; ++b) {
      for (std::size_t j = 0; j < dims(); ++j) {
        const auto matrix = net.matrix(j);
        const std::uint64_t previous = order == Order::kGray && b > 0 ? matrix[b - 1] : 0;
        by_bit_[b * dims() + j] = matrix[b] ^ previous;
      }
    }
    // steps_[c] = sum of the columns from the block's first bit to c: what a carry into c changes.
    first_bit_ = static_cast<unsigned>(std::countr_zero(block_rows()));
    for (unsigned c = first_bit_; c < columns_; ++c) {
      for (std::size_t j = 0; j < dims(); ++j) {
        const std::uint64_t previous =
            c > first_bit_ ? steps_[(c - 1 - first_bit_) * dims() + j] : 0;
        steps_.push_back(previous ^ by_bit_[c * dims() + j]);
      }
    }
    make_table();
  }

 protected:
  void base(std::uint64_t index, std::uint64_t* row) const override {
    std::copy(shift_.begin(), shift_.end(), row);
    add_columns(index, row);
  }
  void table_row(std::uint64_t low, std::uint64_t* row) const override {
    std::fill_n(row, dims(), 0);
    add_columns(low, row);
  }
  void advance(std::uint64_t index, std::uint64_t* row) const override {
    const auto c = static_cast<unsigned>(std::countr_one(index >> first_bit_));
    if (first_bit_ + c >= columns_) return;  // past the last point
    const std::uint64_t* step = steps_.data() + c * dims();
    for (std::size_t j = 0; j < dims(); ++j) row[j] ^= step[j];
  }

 private:
  void add_columns(std::uint64_t index, std::uint64_t* row) const {
    for (; index != 0; index &= index - 1) {
      const auto b = static_cast<unsigned>(std::countr_zero(index));
      if (b >= columns_) return;
      const std::uint64_t* column = by_bit_.data() + b * dims();
      for (std::size_t j = 0; j < dims(); ++j) row[j] ^= column[j];
    }
  }

  unsigned columns_, first_bit_ = 0;
  std::vector<std::uint64_t> shift_, by_bit_, steps_;
};

// Y = u(i) g_j + shift_j modulo 2^64, u(high + low) = u(high) + u(low). From block to block a row
// changes by a constant that depends on the carry alone; the first kSteps of them are kept.
class MultiplesPoints final : public TabledPoints {
 public:
  MultiplesPoints(std::vector<std::uint64_t> generator, bool reversed,
                  std::vector<std::uint64_t> shift)
      : TabledPoints(generator.size(), Op::kAdd, 1ull << 63),
        generator_(std::move(generator)),
        shift_(or_zeros(std::move(shift), generator_.size())),
        reversed_(reversed) {
    for (unsigned carry = 0; carry < kSteps; ++carry) {
      // From 0 1..1 (carry ones) to 1 0..0, in units of the block.
      const std::uint64_t before = ((1ull << carry) - 1) * block_rows();
      const std::uint64_t step = multiplier(before + block_rows()) - multiplier(before);
      for (const std::uint64_t g : generator_) steps_.push_back(step * g);
    }
    make_table();
  }

 protected:
  void base(std::uint64_t index, std::uint64_t* row) const override {
    const std::uint64_t u = multiplier(index);
    for (std::size_t j = 0; j < dims(); ++j) row[j] = u * generator_[j] + shift_[j];
  }
  void advance(std::uint64_t index, std::uint64_t* row) const override {
    const auto carry = static_cast<unsigned>(std::countr_one(index / block_rows()));
    if (carry >= kSteps) return base(index + block_rows(), row);
    const std::uint64_t* step = steps_.data() + carry * dims();
    for (std::size_t j = 0; j < dims(); ++j) row[j] += step[j];
  }
  void table_row(std::uint64_t low, std::uint64_t* row) const override {
    const std::uint64_t u = multiplier(low);
    for (std::size_t j = 0; j < dims(); ++j) row[j] = u * generator_[j];
  }

 private:
  static constexpr unsigned kSteps = 8;

  [[nodiscard]] std::uint64_t multiplier(std::uint64_t index) const {
    return reversed_ ? reverse_bits(index) : index;
  }

  std::vector<std::uint64_t> generator_, shift_, steps_;
  bool reversed_;
};

class GrayLatticePoints final : public RowPoints {
 public:
  GrayLatticePoints(std::vector<std::uint64_t> generator, std::vector<std::uint64_t> shift)
      : generator_(std::move(generator)), shift_(or_zeros(std::move(shift), generator_.size())) {}
  [[nodiscard]] std::size_t dims() const override { return generator_.size(); }

 protected:
  void row(std::uint64_t index, std::uint64_t* out) const override {
    const std::uint64_t u = reverse_bits(index ^ index >> 1);
    for (std::size_t j = 0; j < generator_.size(); ++j) out[j] = u * generator_[j] + shift_[j];
  }

 private:
  std::vector<std::uint64_t> generator_, shift_;
};

// frac(i g / total) for a total that does not divide 2^64: floor(2^64 (i g mod total) / total).
class LinearLatticePoints final : public RowPoints {
 public:
  LinearLatticePoints(std::vector<std::uint64_t> generator, std::uint64_t total,
                      std::vector<std::uint64_t> shift)
      : generator_(std::move(generator)),
        shift_(or_zeros(std::move(shift), generator_.size())),
        total_(total) {}
  [[nodiscard]] std::size_t dims() const override { return generator_.size(); }

 protected:
  void row(std::uint64_t index, std::uint64_t* out) const override {
    for (std::size_t j = 0; j < generator_.size(); ++j) {
      const auto rest = static_cast<std::uint64_t>(Wide{index} * generator_[j] % total_);
      out[j] = static_cast<std::uint64_t>((Wide{rest} << 64) / total_) + shift_[j];
    }
  }

 private:
  std::vector<std::uint64_t> generator_, shift_;
  std::uint64_t total_;
};

class IidPoints final : public RowPoints {
 public:
  IidPoints(std::vector<std::uint32_t> dims, Stream stream)
      : dims_(std::move(dims)), stream_(stream) {}
  [[nodiscard]] std::size_t dims() const override { return dims_.size(); }
  [[nodiscard]] bool is_costly() const override { return true; }

 protected:
  void row(std::uint64_t index, std::uint64_t* out) const override {
    Words words{};
    std::uint32_t drawn = ~0u;
    for (std::size_t j = 0; j < dims_.size(); ++j) {
      if (dims_[j] / 2 != drawn) {
        drawn = dims_[j] / 2;
        words = stream_.block(Tag::kIid, drawn, static_cast<std::uint32_t>(index),
                              static_cast<std::uint32_t>(index >> 32));
      }
      out[j] = (dims_[j] % 2 == 0 ? words.lo : words.hi) & ~0x7FFull;
    }
  }

 private:
  std::vector<std::uint32_t> dims_;
  Stream stream_;
};

}  // namespace

std::unique_ptr<Points> net_points(const Net2& net, Order order, std::vector<std::uint64_t> shift) {
  return std::make_unique<NetPoints>(net, order, std::move(shift));
}

std::unique_ptr<Points> lattice_points(std::vector<std::uint64_t> generator, Order order,
                                       std::uint64_t total, std::vector<std::uint64_t> shift) {
  if (order == Order::kGray) {
    return std::make_unique<GrayLatticePoints>(std::move(generator), std::move(shift));
  }
  if (order == Order::kNatural) {
    return std::make_unique<MultiplesPoints>(std::move(generator), true, std::move(shift));
  }
  if (!std::has_single_bit(total)) {
    return std::make_unique<LinearLatticePoints>(std::move(generator), total, std::move(shift));
  }
  const auto bits = static_cast<unsigned>(std::countr_zero(total));
  for (std::uint64_t& g : generator) g = bits == 0 ? 0 : g << (64 - bits);
  return std::make_unique<MultiplesPoints>(std::move(generator), false, std::move(shift));
}

std::unique_ptr<Points> kronecker_points(std::vector<std::uint64_t> constants,
                                         std::vector<std::uint64_t> shift) {
  return std::make_unique<MultiplesPoints>(std::move(constants), false, std::move(shift));
}

std::unique_ptr<Points> iid_points(std::vector<std::uint32_t> dims, Stream stream) {
  return std::make_unique<IidPoints>(std::move(dims), stream);
}

std::vector<std::uint64_t> built_in_lattice(std::span<const std::uint32_t> dims) {
  std::vector<std::uint64_t> generator;
  generator.reserve(dims.size());
  for (const std::uint32_t dim : dims) {
    generator.push_back(table_bits(kKuoLatticeText, dim * 20ull, 20));
  }
  return generator;
}

}  // namespace stateutils::qmc
