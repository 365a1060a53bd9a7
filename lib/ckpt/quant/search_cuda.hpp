// The CUDA side of DeviceSearch: plain types only, so that the rest needs no CUDA.
#pragma once

#include <cstdint>

#include "ckpt/quant/search_kernel.hpp"

namespace stateutils::ckpt::quant {

// Memory on the device and the floats it has room for.
struct DeviceFloats {
  float* data = nullptr;
  std::size_t room = 0;
};
struct SearchBuffers {
  DeviceFloats vectors, parts, norms, candidates;
  DeviceFloats owner;  // U32, as wide
};

// Fills owner[0..job.count) for a job whose pointers are in host memory. nullptr, or what failed.
const char* cuda_search(SearchBuffers& buffers, SearchJob job, std::uint32_t* owner);
void cuda_search_free(SearchBuffers& buffers);

}  // namespace stateutils::ckpt::quant
