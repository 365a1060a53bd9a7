#include <cuda_runtime.h>

#include "ckpt/snapshot/device_cuda.hpp"

namespace stateutils::ckpt::snapshot {
namespace {

constexpr unsigned kThreads = 256, kMostBlocks = 4096;

__global__ void fill_kernel(std::uint64_t* data, std::uint64_t elements, std::uint64_t value) {
  const std::uint64_t step = std::uint64_t{gridDim.x} * blockDim.x;
  for (std::uint64_t i = std::uint64_t{blockIdx.x} * blockDim.x + threadIdx.x; i < elements;
       i += step) {
    data[i] = value;
  }
}

const char* told(cudaError_t status) {
  if (status == cudaSuccess) return nullptr;
  (void)cudaGetLastError();  // the next call starts afresh
  return cudaGetErrorString(status);
}

cudaStream_t stream_of(const DeviceState& state) {
  return static_cast<cudaStream_t>(state.work);
}

// A copy thread's own stream, gone with the thread.
struct CopyStream {
  cudaStream_t stream = nullptr;
  cudaError_t status = cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking);
  ~CopyStream() {
    if (stream != nullptr) cudaStreamDestroy(stream);
  }
};

}  // namespace

const char* cuda_state_open(std::uint64_t elements, DeviceState& state) {
  void* data = nullptr;
  if (const char* failed = told(cudaMalloc(&data, elements * sizeof(std::uint64_t)))) return failed;
  cudaStream_t work = nullptr;
  if (const char* failed = told(cudaStreamCreateWithFlags(&work, cudaStreamNonBlocking))) {
    cudaFree(data);
    return failed;
  }
  state = {static_cast<std::uint64_t*>(data), elements, work};
  return nullptr;
}

void cuda_state_close(DeviceState& state) {
  if (state.work != nullptr) cudaStreamDestroy(stream_of(state));
  cudaFree(state.data);
  state = {};
}

const char* cuda_state_fill(const DeviceState& state, std::uint64_t value) {
  const std::uint64_t blocks = (state.elements + kThreads - 1) / kThreads;
  fill_kernel<<<static_cast<unsigned>(blocks < kMostBlocks ? blocks : kMostBlocks), kThreads, 0,
                stream_of(state)>>>(state.data, state.elements, value);
  if (const char* failed = told(cudaGetLastError())) return failed;
  return told(cudaStreamSynchronize(stream_of(state)));
}

const char* cuda_state_read(const DeviceState& state, std::uint64_t offset, char* to,
                            std::uint64_t size) {
  thread_local CopyStream copies;
  if (copies.status != cudaSuccess) return cudaGetErrorString(copies.status);
  const char* const from = reinterpret_cast<const char*>(state.data) + offset;
  if (const char* failed =
          told(cudaMemcpyAsync(to, from, size, cudaMemcpyDeviceToHost, copies.stream))) {
    return failed;
  }
  return told(cudaStreamSynchronize(copies.stream));
}

const char* cuda_pin(char* data, std::uint64_t size) {
  return told(cudaHostRegister(data, size, cudaHostRegisterDefault));
}
void cuda_unpin(char* data) {
  (void)cudaHostUnregister(data);
}

}  // namespace stateutils::ckpt::snapshot
