#include "ckpt/ops/diff.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <map>

#include "ckpt/model/elements.hpp"
#include "ckpt/plan/tensor_file.hpp"
#include "core/signals.hpp"
#include "core/threads.hpp"

namespace stateutils::ckpt {
namespace {

constexpr std::uint64_t kDiffChunk = 1u << 20;

std::uint64_t load(const char* bytes, std::uint64_t item) {
  std::uint64_t bits = 0;
  std::memcpy(&bits, bytes, item);
  return bits;
}

// Position on the line of representable values: -0 and 0 coincide, neighbours differ by 1.
std::int64_t ordinal(std::uint64_t bits, unsigned width) {
  const std::uint64_t sign = std::uint64_t{1} << (width - 1);
  const auto magnitude = static_cast<std::int64_t>(bits & (sign - 1));
  return (bits & sign) != 0 ? -magnitude : magnitude;
}

std::uint64_t distance(std::int64_t a, std::int64_t b) {
  return a > b ? static_cast<std::uint64_t>(a) - static_cast<std::uint64_t>(b)
               : static_cast<std::uint64_t>(b) - static_cast<std::uint64_t>(a);
}

// A sum of squares whose terms may be beyond the largest double.
class SquareSum {
 public:
  void add(double x) {
    if (x < 0x1p500) {
      sum_ += x * x;
    } else {
      scaled_ += x * 0x1p-600 * (x * 0x1p-600);
    }
  }
  [[nodiscard]] double root_mean(double count) const {
    if (scaled_ == 0) return std::sqrt(sum_ / count);
    return std::sqrt((scaled_ + sum_ * 0x1p-600 * 0x1p-600) / count) * 0x1p600;
  }

 private:
  double sum_ = 0, scaled_ = 0;
};

class Comparer {
 public:
  Comparer(const Tensor& tensor, const Tolerance& tolerance, TensorDiff& out)
      : dtype_(tensor.dtype), shape_(tensor.shape), tolerance_(tolerance), out_(out) {
    item_ = item_bytes(dtype_);
    real_ = is_real(dtype_);
    unsigned_ = dtype_ == DType::kU8 || dtype_ == DType::kU16 || dtype_ == DType::kU32 ||
                dtype_ == DType::kU64 || dtype_ == DType::kBool;
    signed_ = is_integer(dtype_) && !unsigned_;
    exact_ = !tolerance.atol && !tolerance.rtol && !tolerance.ulp;
  }

  void run(const ByteFile& a, const ByteFile& b) {
    const std::uint64_t step =
        kDiffChunk / std::max<std::uint64_t>(item_, 1) * std::max<std::uint64_t>(item_, 1);
    std::vector<char> left(std::min(step, a.size())), right(left.size());
    for (std::uint64_t at = 0; at < a.size(); at += left.size()) {
      core::check_stop();
      const std::uint64_t size = std::min<std::uint64_t>(left.size(), a.size() - at);
      a.read_at(at, left.data(), size);
      b.read_at(at, right.data(), size);
      if (std::memcmp(left.data(), right.data(), size) == 0) continue;
      if (item_ == 0) {
        packed(left.data(), right.data(), size, at);
      } else {
        chunk(left.data(), right.data(), size / item_, at / item_);
      }
    }
    if (out_.mismatched > 0) out_.status = DiffStatus::kValue;
    const std::uint64_t finite = item_ == 0 ? 0 : a.size() / item_ - infinite_;
    if (finite > 0) out_.rms = squares_.root_mean(static_cast<double>(finite));
  }

 private:
  void mismatch(std::uint64_t index) {
    if (out_.mismatched++ > 0) return;
    out_.first_index.assign(shape_.size(), 0);
    for (std::size_t d = shape_.size(); d-- > 0;) {
      out_.first_index[d] = index % shape_[d];
      index /= shape_[d];
    }
  }

  // Elements below a byte are counted by the byte that differs.
  void packed(const char* a, const char* b, std::uint64_t size, std::uint64_t first) {
    for (std::uint64_t i = 0; i < size; ++i) {
      if (a[i] != b[i]) mismatch((first + i) * 8 / dtype_bits(dtype_));
    }
  }

  void chunk(const char* a, const char* b, std::uint64_t count, std::uint64_t first) {
    for (std::uint64_t i = 0; i < count; ++i) {
      const char *x = a + i * item_, *y = b + i * item_;
      if (std::memcmp(x, y, item_) == 0) continue;
      if (!real_) {
        mismatch(first + i);
      } else if (!close(x, y)) {
        mismatch(first + i);
      }
    }
  }

  // Updates the maxima; whether the two elements, of different bits, count as equal.
  bool close(const char* x, const char* y) {
    double values[2];
    to_doubles(dtype_, x, {&values[0], 1});
    to_doubles(dtype_, y, {&values[1], 1});
    const double u = values[0], v = values[1];
    if (!std::isfinite(u) || !std::isfinite(v)) {
      ++infinite_;
      return tolerance_.nan_equal && std::isnan(u) && std::isnan(v);
    }
    const std::uint64_t ulp = steps(load(x, item_), load(y, item_));
    // 64-bit integers may be equal as doubles: their steps are the exact difference.
    const double gap = is_integer(dtype_) ? static_cast<double>(ulp) : std::fabs(u - v);
    const double size = std::max(std::fabs(u), std::fabs(v));
    if (std::isfinite(gap)) out_.max_abs = std::max(out_.max_abs, gap);
    if (std::isfinite(gap)) squares_.add(gap);
    if (size > 0 && std::isfinite(gap)) out_.max_rel = std::max(out_.max_rel, gap / size);
    out_.max_ulp = std::max(out_.max_ulp, ulp);
    if (exact_) return false;
    if (tolerance_.ulp && ulp <= *tolerance_.ulp) return true;
    if (!tolerance_.atol && !tolerance_.rtol) return false;
    return gap <= tolerance_.atol.value_or(0) + tolerance_.rtol.value_or(0) * std::fabs(v);
  }

  std::uint64_t steps(std::uint64_t x, std::uint64_t y) const {
    const unsigned width = dtype_bits(dtype_);
    if (unsigned_) return x > y ? x - y : y - x;
    if (signed_) {
      const unsigned shift = 64 - width;
      return distance(static_cast<std::int64_t>(x << shift) >> shift,
                      static_cast<std::int64_t>(y << shift) >> shift);
    }
    return distance(ordinal(x, width), ordinal(y, width));
  }

  DType dtype_;
  const Shape& shape_;
  const Tolerance& tolerance_;
  TensorDiff& out_;
  std::uint64_t item_ = 1, infinite_ = 0;
  SquareSum squares_;
  bool real_ = false, unsigned_ = false, signed_ = false, exact_ = true;
};

}  // namespace

std::string_view diff_status_name(DiffStatus status) {
  switch (status) {
    case DiffStatus::kEqual:
      return "equal";
    case DiffStatus::kValue:
      return "value";
    case DiffStatus::kShape:
      return "shape";
    case DiffStatus::kDType:
      return "dtype";
    case DiffStatus::kOnlyA:
      return "only_a";
    case DiffStatus::kOnlyB:
      return "only_b";
  }
  return "";
}

std::vector<TensorDiff> diff_catalogues(const Catalogue& a, const Catalogue& b,
                                        const Tolerance& tolerance, int threads,
                                        std::uint64_t max_memory) {
  struct Pair {
    const Tensor *left = nullptr, *right = nullptr;
  };
  std::map<std::string_view, Pair> pairs;
  for (const Tensor& tensor : a.tensors) pairs[tensor.name].left = &tensor;
  for (const Tensor& tensor : b.tensors) pairs[tensor.name].right = &tensor;
  std::vector<TensorDiff> diffs;
  std::vector<Pair> work;
  for (const auto& [name, pair] : pairs) {
    TensorDiff diff{.name = std::string(name)};
    if (pair.right == nullptr) {
      diff.status = DiffStatus::kOnlyA;
    } else if (pair.left == nullptr) {
      diff.status = DiffStatus::kOnlyB;
    } else if (pair.left->dtype != pair.right->dtype) {
      diff.status = DiffStatus::kDType;
    } else if (pair.left->shape != pair.right->shape) {
      diff.status = DiffStatus::kShape;
    } else {
      diff.compared = true;
    }
    diffs.push_back(std::move(diff));
    work.push_back(pair);
  }
  const auto lanes = std::clamp<std::uint64_t>(max_memory / (8 * kDiffChunk), 1,
                                               static_cast<std::uint64_t>(std::max(threads, 1)));
  core::parallel_for(diffs.size(), static_cast<int>(lanes), [&](std::uint64_t i) {
    if (!diffs[i].compared) return;
    const Tensor &left = *work[i].left, &right = *work[i].right;
    Comparer(left, tolerance, diffs[i]).run(*tensor_file(left), *tensor_file(right));
  });
  return diffs;
}

}  // namespace stateutils::ckpt
