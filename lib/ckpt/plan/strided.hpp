// The one shape of work: bytes moved from a strided box of a source into a strided box of a dense
// destination range.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "ckpt/model/bytes.hpp"
#include "ckpt/model/dtype.hpp"

namespace stateutils::ckpt {

struct StridedCopy {
  struct Dim {
    std::uint64_t count, source_stride, target_stride;  // strides in bytes
  };
  ByteFilePtr file{};
  std::uint64_t source = 0, target = 0;  // first byte on each side
  std::uint64_t run = 0;                 // bytes contiguous on both sides
  std::vector<Dim> dims{};               // outermost (largest target stride) first

  [[nodiscard]] std::uint64_t bytes() const;
  [[nodiscard]] std::uint64_t target_end() const;  // one past the last target byte
};

// Drops dimensions of one and joins those that are contiguous on both sides.
void simplify(StridedCopy& copy);

// Executes the part of `copy` whose target bytes lie in [first, last); `out` is where target byte
// `first` goes. Source bytes are read in spans of at most a megabyte, or run by run.
void run_copy(const StridedCopy& copy, std::uint64_t first, std::uint64_t last, char* out);

// The contiguous runs of a copy in target order: (target, source, length).
void for_each_run(const StridedCopy& copy,
                  const std::function<void(std::uint64_t, std::uint64_t, std::uint64_t)>& visit);

}  // namespace stateutils::ckpt
