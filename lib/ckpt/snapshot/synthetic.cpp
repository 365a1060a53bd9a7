#include "ckpt/snapshot/synthetic.hpp"

#include <algorithm>

#include "core/error.hpp"

namespace stateutils::ckpt::snapshot {
namespace {

constexpr std::uint64_t kTensors = 4;

}  // namespace

std::uint64_t synthetic_elements(std::uint64_t bytes) {
  if (bytes % sizeof(std::uint64_t) != 0 || bytes == 0) {
    throw core::usage_error("synthetic:BYTES must be a multiple of 8");
  }
  return bytes / sizeof(std::uint64_t);
}

ProviderPtr synthetic_state(
    std::uint64_t elements,
    const std::function<ProviderPtr(std::string, std::uint64_t, std::uint64_t)>& tensor) {
  std::vector<ProviderPtr> tensors;
  const std::uint64_t share = (elements + kTensors - 1) / kTensors;
  for (std::uint64_t t = 0, first = 0; first < elements; ++t, first += share) {
    tensors.push_back(
        tensor("state." + std::to_string(t), first, std::min(share, elements - first)));
  }
  return composite_provider(std::move(tensors));
}

SyntheticSource::SyntheticSource(std::uint64_t bytes)
    : elements_(synthetic_elements(bytes)), memory_(aligned_buffer((bytes + 4095) / 4096 * 4096)) {
  overwrite(0);
}

void SyntheticSource::overwrite(std::uint64_t step) {
  std::fill_n(reinterpret_cast<std::uint64_t*>(memory_.get()), elements_, step);
}

ProviderPtr SyntheticSource::provider() const {
  return synthetic_state(
      elements_, [this](std::string name, std::uint64_t first, std::uint64_t count) {
        return contiguous_provider(std::move(name), DType::kU64, {count},
                                   memory_.get() + first * sizeof(std::uint64_t));
      });
}

}  // namespace stateutils::ckpt::snapshot
