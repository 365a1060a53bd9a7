#include "ckpt/quant/search.hpp"

#include <string>

#include "core/error.hpp"
#include "core/gpu.hpp"

#ifdef STATEUTILS_HAVE_CUDA
#include "ckpt/quant/search_cuda.hpp"
#endif

namespace stateutils::ckpt::quant {

#ifdef STATEUTILS_HAVE_CUDA

struct DeviceSearch::Buffers {
  SearchBuffers device;
  ~Buffers() { cuda_search_free(device); }
};

void DeviceSearch::assign(std::span<const float> vectors, const Codebook& codebook,
                          std::span<std::uint32_t> owner) {
  if (owner.empty()) return;
  SearchJob job{.vectors = vectors.data(),
                .parts = codebook.parts().data(),
                .norms = codebook.norms().data(),
                .count = owner.size(),
                .length = codebook.length(),
                .clusters = codebook.size()};
  job.shares = search_shares(job.count, job.clusters);
  const char* const failed = cuda_search(buffers_->device, job, owner.data());
  if (failed != nullptr) throw core::environment_error(std::string("CUDA device: ") + failed);
}

#else

struct DeviceSearch::Buffers {};
void DeviceSearch::assign(std::span<const float>, const Codebook&, std::span<std::uint32_t>) {}

#endif

DeviceSearch::DeviceSearch() {
  core::require_gpu();
  buffers_ = std::make_unique<Buffers>();
}
DeviceSearch::~DeviceSearch() = default;

}  // namespace stateutils::ckpt::quant
