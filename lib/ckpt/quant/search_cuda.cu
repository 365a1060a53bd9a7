// Launches the search of search_kernel.hpp; what it computes is written there.
#include <cuda_runtime.h>

#include "ckpt/quant/search_cuda.hpp"

namespace stateutils::ckpt::quant {
namespace {

// The device sees the job with pointers into its own memory.
template <std::size_t kLength>
__global__ void search_kernel(SearchJob job, Candidate* candidates) {
  __shared__ float tile[kSharedFloats];
  const std::size_t i = std::size_t{blockIdx.x} * kSearchThreads + threadIdx.x;
  const std::size_t last = share_start(job, blockIdx.y + 1), most = tile_centroids(job.length);
  Candidate best = no_candidate();
  for (std::size_t first = share_start(job, blockIdx.y); first < last; first += most) {
    const std::size_t width = last - first < most ? last - first : most;
    __syncthreads();
    for (std::size_t f = threadIdx.x; f < width * (job.length + 1); f += kSearchThreads) {
      tile[f] = tile_float(job, first, width, f);
    }
    __syncthreads();
    if (i < job.count) {
      search_tile<kLength>(job.vectors + i * job.length, job.length, tile, first, width, best);
    }
  }
  if (i < job.count) candidates[blockIdx.y * job.count + i] = best;
}

__global__ void best_kernel(const Candidate* candidates, std::size_t count, std::size_t shares,
                            std::uint32_t* owner) {
  const std::size_t i = std::size_t{blockIdx.x} * kSearchThreads + threadIdx.x;
  if (i < count) owner[i] = best_of_shares(candidates + i, count, shares);
}

void launch(const SearchJob& job, dim3 grid, Candidate* candidates) {
  switch (job.length) {
    case 4:
      return search_kernel<4><<<grid, kSearchThreads>>>(job, candidates);
    case 6:
      return search_kernel<6><<<grid, kSearchThreads>>>(job, candidates);
    case 8:
      return search_kernel<8><<<grid, kSearchThreads>>>(job, candidates);
    case 12:
      return search_kernel<12><<<grid, kSearchThreads>>>(job, candidates);
    case 16:
      return search_kernel<16><<<grid, kSearchThreads>>>(job, candidates);
    default:
      return search_kernel<0><<<grid, kSearchThreads>>>(job, candidates);
  }
}

bool fits(DeviceFloats& buffer, std::size_t floats, cudaError_t& status) {
  if (buffer.room >= floats) return true;
  cudaFree(buffer.data);
  buffer = {};
  void* data = nullptr;
  status = cudaMalloc(&data, floats * sizeof(float));
  if (status != cudaSuccess) return false;
  buffer = {static_cast<float*>(data), floats};
  return true;
}

bool upload(DeviceFloats& buffer, const float*& data, std::size_t floats, cudaError_t& status) {
  if (!fits(buffer, floats, status)) return false;
  status = cudaMemcpy(buffer.data, data, floats * sizeof(float), cudaMemcpyHostToDevice);
  data = buffer.data;
  return status == cudaSuccess;
}

cudaError_t run(SearchBuffers& buffers, SearchJob job, std::uint32_t* owner) {
  static_assert(sizeof(Candidate) == 2 * sizeof(float), "candidates are counted in floats");
  cudaError_t status = cudaSuccess;
  if (!upload(buffers.vectors, job.vectors, job.count * job.length, status) ||
      !upload(buffers.parts, job.parts, job.clusters * job.length, status) ||
      !upload(buffers.norms, job.norms, job.clusters, status) ||
      !fits(buffers.candidates, 2 * job.count * job.shares, status) ||
      !fits(buffers.owner, job.count, status)) {
    return status;
  }
  auto* const candidates = reinterpret_cast<Candidate*>(buffers.candidates.data);
  auto* const chosen = reinterpret_cast<std::uint32_t*>(buffers.owner.data);
  const auto groups = static_cast<unsigned>((job.count + kSearchThreads - 1) / kSearchThreads);
  launch(job, dim3(groups, static_cast<unsigned>(job.shares)), candidates);
  best_kernel<<<groups, kSearchThreads>>>(candidates, job.count, job.shares, chosen);
  status = cudaGetLastError();
  if (status != cudaSuccess) return status;
  return cudaMemcpy(owner, chosen, job.count * sizeof(std::uint32_t), cudaMemcpyDeviceToHost);
}

}  // namespace

const char* cuda_search(SearchBuffers& buffers, SearchJob job, std::uint32_t* owner) {
  const cudaError_t status = run(buffers, job, owner);
  if (status == cudaSuccess) return nullptr;
  (void)cudaGetLastError();  // the next call starts afresh
  return cudaGetErrorString(status);
}

void cuda_search_free(SearchBuffers& buffers) {
  for (DeviceFloats* buffer :
       {&buffers.vectors, &buffers.parts, &buffers.norms, &buffers.candidates, &buffers.owner}) {
    cudaFree(buffer->data);
    *buffer = {};
  }
}

}  // namespace stateutils::ckpt::quant
