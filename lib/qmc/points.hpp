// Point sets as pure functions of the row number.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "qmc/block_kernels.hpp"

namespace stateutils::qmc {

// One replication of a point set. fill() may be called from several threads at once, for any rows
// in any order: the same row always has the same bytes.
class Points {
 public:
  Points() = default;
  Points(const Points&) = delete;
  Points& operator=(const Points&) = delete;
  virtual ~Points() = default;

  [[nodiscard]] virtual std::size_t dims() const = 0;
  // Writes rows [first, first + rows) in C order.
  virtual void fill(std::uint64_t first, std::uint64_t rows, Format format, void* out) const = 0;
  // The same into memory that is not read again soon, past the caches where that is faster.
  virtual void fill_streaming(std::uint64_t first, std::uint64_t rows, double* out) const {
    fill(first, rows, Format::kF64, out);
  }
  // Rows that fill() handles best together; chunks should be multiples of it.
  [[nodiscard]] virtual std::uint64_t block_rows() const { return 1; }
  // Whether a coordinate costs much more than its 8 bytes to write, so that threads pay.
  [[nodiscard]] virtual bool is_costly() const { return false; }
};

// 64-byte aligned words.
class AlignedWords {
 public:
  explicit AlignedWords(std::size_t count)
      : size_(count),
        words_(static_cast<std::uint64_t*>(::operator new[](count * 8 + 8, std::align_val_t{64}))) {
  }
  [[nodiscard]] std::uint64_t* data() { return words_.get(); }
  [[nodiscard]] const std::uint64_t* data() const { return words_.get(); }
  [[nodiscard]] std::size_t size() const { return size_; }
  std::uint64_t& operator[](std::size_t i) { return words_[i]; }

 private:
  struct Free {
    void operator()(std::uint64_t* p) const { ::operator delete[](p, std::align_val_t{64}); }
  };
  std::size_t size_;
  std::unique_ptr<std::uint64_t[], Free> words_;
};

// Sequences whose row i = high + low (low < block) is base(high) OP table[low], OP being exclusive
// or (nets) or addition modulo 2^64 (lattices).
class TabledPoints : public Points {
 public:
  [[nodiscard]] std::size_t dims() const override { return dims_; }
  [[nodiscard]] std::uint64_t block_rows() const override { return block_; }
  void fill(std::uint64_t first, std::uint64_t rows, Format format, void* out) const override;
  void fill_streaming(std::uint64_t first, std::uint64_t rows, double* out) const override;

 protected:
  enum class Op { kExclusiveOr, kAdd };
  TabledPoints(std::size_t dims, Op op, std::uint64_t period);
  // Must be called at the end of the constructor of the final class.
  void make_table();

  // The row `index` with its randomization.
  virtual void base(std::uint64_t index, std::uint64_t* row) const = 0;
  // Turns the base of `index`, a multiple of the block, into that of index + block.
  virtual void advance(std::uint64_t index, std::uint64_t* row) const { base(index + block_, row); }
  // Row `low` without randomization.
  virtual void table_row(std::uint64_t low, std::uint64_t* row) const = 0;

 private:
  // What makes a block: the kernel, and how its table and pattern are written.
  struct Plan {
    TableKernel kernel;
    const std::uint64_t* table;
    bool folded;
  };
  [[nodiscard]] Plan plan(Format format, bool stream) const;
  void fill_blocks(std::uint64_t first, std::uint64_t rows, Format format, bool stream,
                   char* out) const;
  void fill_rows(std::uint64_t first, std::uint64_t rows, Format format, char* out) const;

  std::size_t dims_;
  Op op_;
  std::uint64_t block_ = 1;            // rows per block; 1: no table, rows are made one by one
  std::size_t groups_ = 0;             // of 8 words per block
  std::size_t repeats_ = 1;            // copies of a row in the pattern
  std::size_t period_ = 1;             // groups in the pattern
  AlignedWords table_{0}, folded_{0};  // folded_: nets only
};

// Sequences whose rows are computed one by one.
class RowPoints : public Points {
 public:
  void fill(std::uint64_t first, std::uint64_t rows, Format format, void* out) const override;

 protected:
  virtual void row(std::uint64_t index, std::uint64_t* out) const = 0;
};

}  // namespace stateutils::qmc
