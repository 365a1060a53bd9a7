#include "qmc/points.hpp"

#include <algorithm>
#include <cstring>
#include <numeric>

namespace stateutils::qmc {
namespace {

// The table stays in the first-level cache beside the output; that of wide rows, where the step
// from block to block costs as much as a row, in the second.
constexpr std::size_t kTableBytes = 16 * 1024, kWideTableBytes = 64 * 1024;
constexpr std::size_t kManyDims = 48;
// Wider rows are made one by one: a table of eight of them would not fit.
constexpr std::size_t kWideRow = 512;

}  // namespace

TabledPoints::TabledPoints(std::size_t dims, Op op, std::uint64_t period) : dims_(dims), op_(op) {
  if (dims > kWideRow) return;
  block_ = 8;
  const std::size_t room = dims < kManyDims ? kTableBytes : kWideTableBytes;
  while (block_ * 2 * dims * 8 <= room && block_ * 2 <= period) block_ *= 2;
  // A pattern is the fewest copies of a row that fill whole groups of 8 words.
  repeats_ = 8 / std::gcd<std::size_t>(dims, 8);
  period_ = dims * repeats_ / 8;
  groups_ = block_ * dims / 8;
}

void TabledPoints::make_table() {
  if (block_ == 1) return;
  table_ = AlignedWords(block_ * dims_);
  for (std::uint64_t low = 0; low < block_; ++low) table_row(low, table_.data() + low * dims_);
  if (op_ == Op::kAdd) return;
  folded_ = AlignedWords(table_.size());
  for (std::size_t k = 0; k < table_.size(); ++k) folded_[k] = fold_word(table_[k]);
}

void TabledPoints::fill(std::uint64_t first, std::uint64_t rows, Format format, void* out) const {
  auto* bytes = static_cast<char*>(out);
  if (block_ == 1) {
    fill_rows(first, rows, format, bytes);
  } else {
    fill_blocks(first, rows, format, false, bytes);
  }
}

void TabledPoints::fill_streaming(std::uint64_t first, std::uint64_t rows, double* out) const {
  const bool aligned = reinterpret_cast<std::uintptr_t>(out) % 64 == 0 && first % block_ == 0;
  if (block_ == 1 || !aligned) {
    fill(first, rows, Format::kF64, out);
  } else {
    fill_blocks(first, rows, Format::kF64, true, reinterpret_cast<char*>(out));
  }
}

void TabledPoints::fill_rows(std::uint64_t first, std::uint64_t rows, Format format,
                             char* out) const {
  const ConvertKernel convert = block_kernels().convert[static_cast<int>(format)];
  AlignedWords row(dims_);
  if (rows > 0) base(first, row.data());
  for (std::uint64_t i = 0; i < rows; ++i) {
    if (i > 0) advance(first + i - 1, row.data());
    convert(row.data(), dims_, out);
    out += dims_ * format_bytes(format);
  }
}

TabledPoints::Plan TabledPoints::plan(Format format, bool stream) const {
  const BlockKernels& kernels = block_kernels();
  const auto f = static_cast<int>(format);
  if (op_ == Op::kAdd) return {stream ? kernels.add_stream : kernels.add[f], table_.data(), false};
  if (format != Format::kF64) return {kernels.exclusive_or[f], table_.data(), false};
  return {stream ? kernels.exclusive_or_folded_stream : kernels.exclusive_or_folded, folded_.data(),
          true};
}

void TabledPoints::fill_blocks(std::uint64_t first, std::uint64_t rows, Format format, bool stream,
                               char* out) const {
  if (rows == 0) return;
  const Plan whole = plan(format, stream), part = plan(format, false);
  const auto fold = block_kernels().fold_pattern;
  const std::size_t row_bytes = dims_ * format_bytes(format);
  AlignedWords row(dims_), pattern(dims_ * repeats_), partial(0);

  std::uint64_t block = first - first % block_;
  const std::uint64_t end = first + rows;
  base(block, row.data());
  for (;; block += block_) {
    if (whole.folded) {
      fold(row.data(), dims_, pattern.data());
    } else {
      std::copy_n(row.data(), dims_, pattern.data());
    }
    for (std::size_t copy = 1; copy < repeats_; ++copy) {
      std::copy_n(pattern.data(), dims_, pattern.data() + copy * dims_);
    }
    const std::uint64_t from = std::max(first, block), to = std::min(end, block + block_);
    if (to - from == block_) {
      whole.kernel(whole.table, pattern.data(), groups_, period_, out);
    } else {  // the ends of the range: make the block, keep its part
      if (partial.size() == 0) partial = AlignedWords(block_ * dims_);
      part.kernel(part.table, pattern.data(), groups_, period_, partial.data());
      std::memcpy(out, reinterpret_cast<const char*>(partial.data()) + (from - block) * row_bytes,
                  (to - from) * row_bytes);
    }
    out += (to - from) * row_bytes;
    if (to == end) break;
    advance(block, row.data());
  }
}

void RowPoints::fill(std::uint64_t first, std::uint64_t rows, Format format, void* out) const {
  const ConvertKernel convert = block_kernels().convert[static_cast<int>(format)];
  const std::size_t d = dims();
  const std::uint64_t step = std::max<std::uint64_t>(1, 2048 / std::max<std::size_t>(d, 1));
  std::vector<std::uint64_t> words(std::min(rows, step) * d);
  auto* bytes = static_cast<char*>(out);
  for (std::uint64_t done = 0; done < rows; done += step) {
    const std::uint64_t part = std::min(step, rows - done);
    for (std::uint64_t i = 0; i < part; ++i) row(first + done + i, words.data() + i * d);
    convert(words.data(), part * d, bytes);
    bytes += part * d * format_bytes(format);
  }
}

}  // namespace stateutils::qmc
