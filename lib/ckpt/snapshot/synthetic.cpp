#include "ckpt/snapshot/synthetic.hpp"

#include <algorithm>

#include "core/error.hpp"

namespace stateutils::ckpt::snapshot {
namespace {

constexpr std::uint64_t kTensors = 4;

}  // namespace

SyntheticSource::SyntheticSource(std::uint64_t bytes)
    : elements_(bytes / sizeof(std::uint64_t)),
      memory_(aligned_buffer((bytes + 4095) / 4096 * 4096)) {
  if (bytes % sizeof(std::uint64_t) != 0 || bytes == 0) {
    throw core::usage_error("synthetic:BYTES must be a multiple of 8");
  }
  overwrite(0);
}

void SyntheticSource::overwrite(std::uint64_t step) {
  std::fill_n(reinterpret_cast<std::uint64_t*>(memory_.get()), elements_, step);
}

ProviderPtr SyntheticSource::provider() const {
  std::vector<ProviderPtr> tensors;
  const std::uint64_t share = (elements_ + kTensors - 1) / kTensors;
  for (std::uint64_t t = 0, first = 0; first < elements_; ++t, first += share) {
    const std::uint64_t count = std::min(share, elements_ - first);
    tensors.push_back(contiguous_provider("state." + std::to_string(t), DType::kU64, {count},
                                          memory_.get() + first * sizeof(std::uint64_t)));
  }
  return composite_provider(std::move(tensors));
}

}  // namespace stateutils::ckpt::snapshot
