// A stand-in for training: state in memory that every step overwrites.
#pragma once

#include <cstdint>

#include "ckpt/engine/placed_writer.hpp"
#include "ckpt/snapshot/provider.hpp"

namespace stateutils::ckpt::snapshot {

// U64 tensors of `bytes` bytes in all (a multiple of 8), every element the same number.
class SyntheticSource {
 public:
  explicit SyntheticSource(std::uint64_t bytes);
  void overwrite(std::uint64_t step);
  [[nodiscard]] ProviderPtr provider() const;
  [[nodiscard]] std::uint64_t bytes() const { return elements_ * sizeof(std::uint64_t); }

 private:
  std::uint64_t elements_;
  AlignedBuffer memory_;
};

}  // namespace stateutils::ckpt::snapshot
