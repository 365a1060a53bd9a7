#include "ckpt/ops/scale.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "ckpt/model/elements.hpp"
#include "ckpt/model/recent.hpp"
#include "ckpt/plan/computed.hpp"

namespace stateutils::ckpt {
namespace {

constexpr std::uint64_t kRowsAtOnce = 4096;
constexpr std::size_t kKept = 512;  // blocks of scales in memory: at most 8 MiB in all

using Scales = std::shared_ptr<const std::vector<float>>;
using Key = std::pair<const void*, std::uint64_t>;  // table, block

// Scales used last, of all tensors together, so that their memory does not grow with the model.
RecentlyUsed<Key, const std::vector<float>>& recent_scales() {
  static RecentlyUsed<Key, const std::vector<float>> recent(kKept);
  return recent;
}

// The scales of one tensor, found by reading it through.
class ScaleTable {
 public:
  ScaleTable(ByteFilePtr source, DType from, std::uint64_t rows, std::uint64_t row, DType to)
      : source_(std::move(source)), from_(from), rows_(rows), row_(row), to_(to) {}
  ScaleTable(const ScaleTable&) = delete;
  ScaleTable& operator=(const ScaleTable&) = delete;
  ~ScaleTable() {
    recent_scales().forget_if([this](const Key& key) { return key.first == this; });
  }

  [[nodiscard]] std::uint64_t row() const { return row_; }
  [[nodiscard]] std::uint64_t rows() const { return rows_; }
  [[nodiscard]] const std::string& name() const { return source_->name(); }

  // The block of scales that row `row` lies in.
  [[nodiscard]] Scales block_of(std::uint64_t row) const {
    const Key key(this, row / kRowsAtOnce);
    if (Scales known = recent_scales().find(key)) return known;
    const std::lock_guard lock(computing_);  // one thread reads, the others wait for it
    return recent_scales().get(key, [&] { return read(key.second); });
  }

 private:
  [[nodiscard]] Scales read(std::uint64_t block) const {
    const std::uint64_t first_row = block * kRowsAtOnce;
    const std::uint64_t count = std::min(kRowsAtOnce, rows_ - first_row);
    std::vector<double> largest(count, 0.0);
    const std::uint64_t item = item_bytes(from_), end = count * row_;
    std::vector<char> raw(ComputedFile::kMost * item);
    std::vector<double> numbers(ComputedFile::kMost);
    for (std::uint64_t at = 0; at < end;) {
      const auto part = std::min<std::uint64_t>(ComputedFile::kMost, end - at);
      source_->read_at((first_row * row_ + at) * item, raw.data(), part * item);
      to_doubles(from_, raw.data(), {numbers.data(), part});
      for (std::uint64_t i = 0; i < part; ++i) {
        const double magnitude = std::fabs(numbers[i]);
        double& so_far = largest[(at + i) / row_];
        if (magnitude > so_far && std::isfinite(magnitude)) so_far = magnitude;
      }
      at += part;
    }
    auto scales = std::make_shared<std::vector<float>>();
    for (const double amax : largest) scales->push_back(scale_of(amax));
    return scales;
  }
  [[nodiscard]] float scale_of(double amax) const {
    if (amax == 0) return 1;
    const auto scale = static_cast<float>(amax / largest_value(to_));
    return scale > 0 ? scale : std::numeric_limits<float>::denorm_min();
  }

  ByteFilePtr source_;
  DType from_;
  std::uint64_t rows_, row_;
  DType to_;
  mutable std::mutex computing_;
};

class ScalesFile final : public ComputedFile {
 public:
  explicit ScalesFile(std::shared_ptr<const ScaleTable> table)
      : ComputedFile(DType::kF32, table->rows(), table->name()), table_(std::move(table)) {}
  [[nodiscard]] const char* operation() const override { return "scale"; }

 private:
  void compute(std::uint64_t first, std::size_t count, char* out) const override {
    for (std::uint64_t row = first; row < first + count;) {
      const Scales block = table_->block_of(row);
      const std::uint64_t in_block = row % kRowsAtOnce;
      const std::uint64_t part = std::min(block->size() - in_block, first + count - row);
      std::memcpy(out + (row - first) * sizeof(float), block->data() + in_block,
                  part * sizeof(float));
      row += part;
    }
  }
  std::shared_ptr<const ScaleTable> table_;
};

class ScaledFile final : public ComputedFile {
 public:
  ScaledFile(ByteFilePtr source, DType from, DType to, Overflow overflow,
             std::shared_ptr<const ScaleTable> table)
      : ComputedFile(to, source->size() / item_bytes(from), source->name()),
        source_(std::move(source)),
        from_(from),
        to_(to),
        overflow_(overflow),
        table_(std::move(table)) {}
  [[nodiscard]] const char* operation() const override { return "cast"; }

 private:
  void compute(std::uint64_t first, std::size_t count, char* out) const override {
    const std::uint64_t item = item_bytes(from_);
    std::vector<char> raw(count * item);
    source_->read_at(first * item, raw.data(), raw.size());
    std::vector<double> numbers(count);
    to_doubles(from_, raw.data(), numbers);
    Scales block;
    for (std::uint64_t i = 0; i < count; ++i) {
      const std::uint64_t row = (first + i) / table_->row();
      if (!block || row % kRowsAtOnce == 0) block = table_->block_of(row);
      numbers[i] /= static_cast<double>((*block)[row % kRowsAtOnce]);
    }
    from_doubles(to_, numbers, out, overflow_);
  }

  ByteFilePtr source_;
  DType from_, to_;
  Overflow overflow_;
  std::shared_ptr<const ScaleTable> table_;
};

}  // namespace

Scaled scale_file(ByteFilePtr source, DType from, const Shape& shape, DType to, ScaleBy by,
                  Overflow overflow) {
  const std::uint64_t elements = *element_count(shape);
  const bool by_row = by == ScaleBy::kRow && !shape.empty();
  const std::uint64_t rows = by_row ? shape[0] : 1;
  const std::uint64_t row = rows == 0 ? 0 : elements / rows;
  const auto table = std::make_shared<const ScaleTable>(source, from, rows, row, to);
  return {.scales = std::make_shared<ScalesFile>(table),
          .scales_shape = by_row ? Shape{rows} : Shape{},
          .values = std::make_shared<ScaledFile>(std::move(source), from, to, overflow, table)};
}

}  // namespace stateutils::ckpt
