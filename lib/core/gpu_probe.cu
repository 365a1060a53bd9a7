// The CUDA side of the probe: plain types only.
#include <cuda_runtime.h>

extern "C" int stateutils_gpu_probe(char* name, int name_size, char* reason, int reason_size) {
  const auto copy = [](char* to, int size, const char* from) {
    int i = 0;
    for (; i + 1 < size && from[i] != '\0'; ++i) to[i] = from[i];
    to[i] = '\0';
  };
  int devices = 0;
  const cudaError_t status = cudaGetDeviceCount(&devices);
  if (status != cudaSuccess) {
    copy(reason, reason_size, cudaGetErrorString(status));
    return 0;
  }
  cudaDeviceProp properties{};
  if (devices > 0 && cudaGetDeviceProperties(&properties, 0) == cudaSuccess) {
    copy(name, name_size, properties.name);
  }
  return devices;
}
