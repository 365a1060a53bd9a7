// A stand-in for training: state in memory that every step overwrites, every element with the step.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "ckpt/engine/placed_writer.hpp"
#include "ckpt/snapshot/provider.hpp"

namespace stateutils::ckpt::snapshot {

// U64 elements of `bytes` bytes, a multiple of 8 (else kUsage).
[[nodiscard]] std::uint64_t synthetic_elements(std::uint64_t bytes);
// A few tensors that share the elements; `tensor` gives those from `first` on.
[[nodiscard]] ProviderPtr synthetic_state(
    std::uint64_t elements,
    const std::function<ProviderPtr(std::string name, std::uint64_t first, std::uint64_t count)>&
        tensor);

// In host memory.
class SyntheticSource {
 public:
  explicit SyntheticSource(std::uint64_t bytes);
  void overwrite(std::uint64_t step);
  [[nodiscard]] ProviderPtr provider() const;

 private:
  std::uint64_t elements_;
  AlignedBuffer memory_;
};

}  // namespace stateutils::ckpt::snapshot
