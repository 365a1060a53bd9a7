// cuBLAS is opened at run time: a program that is only asked to simulate must start without it.
#include <cublas_v2.h>
#include <cuda_runtime.h>
#include <dlfcn.h>

#include <cstdint>
#include <cstdio>
#include <vector>

#include "kv/gpu_bench.hpp"

namespace stateutils::kv {
namespace {

constexpr int kWarmUp = 3, kPageTokens = 16;
constexpr double kHeadroom = 0.8;  // of the device's free memory

char error_text[512] = "";

int fail(const char* what, const char* why) {
  std::snprintf(error_text, sizeof error_text, "%s: %s", what, why);
  return -1;
}

bool good(cudaError_t status, const char* what) {
  if (status == cudaSuccess) return true;
  fail(what, cudaGetErrorString(status));
  cudaGetLastError();  // the next call starts afresh
  return false;
}

struct Cublas {
  void* library = nullptr;
  cublasHandle_t handle = nullptr;
  decltype(&cublasCreate_v2) create = nullptr;
  decltype(&cublasDestroy_v2) destroy = nullptr;
  // The C function; the header overloads its name for C++.
  cublasStatus_t (*gemm)(cublasHandle_t, cublasOperation_t, cublasOperation_t, int, int, int,
                         const void*, const void*, cudaDataType, int, long long, const void*,
                         cudaDataType, int, long long, const void*, void*, cudaDataType, int,
                         long long, int, cublasComputeType_t, cublasGemmAlgo_t) = nullptr;

  bool open() {
    const char* const names[] = {"libcublas.so", "libcublas.so.13", "libcublas.so.12",
                                 "libcublas.so.11"};
    for (const char* name : names) {
      if (library == nullptr) library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    }
    if (library == nullptr) return fail("cuBLAS", "libcublas.so is not installed") == 0;
    create = reinterpret_cast<decltype(create)>(dlsym(library, "cublasCreate_v2"));
    destroy = reinterpret_cast<decltype(destroy)>(dlsym(library, "cublasDestroy_v2"));
    gemm = reinterpret_cast<decltype(gemm)>(dlsym(library, "cublasGemmStridedBatchedEx"));
    if (create == nullptr || destroy == nullptr || gemm == nullptr) {
      return fail("cuBLAS", "it lacks a function") == 0;
    }
    if (create(&handle) != CUBLAS_STATUS_SUCCESS) return fail("cuBLAS", "no handle") == 0;
    return true;
  }
  void close() {
    if (handle != nullptr) destroy(handle);
    if (library != nullptr) dlclose(library);
    *this = {};
  }
};

struct Session {
  int device = 0, devices = 0;
  Cublas cublas;
  cudaEvent_t start = nullptr, stop = nullptr;
};
Session session;

// Memory on the device for one measurement.
class Buffer {
 public:
  explicit Buffer(std::size_t bytes) {
    if (cudaMalloc(&data_, bytes) != cudaSuccess) {
      cudaGetLastError();
      data_ = nullptr;
    } else {
      cudaMemset(data_, 0, bytes);
    }
  }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  ~Buffer() { cudaFree(data_); }
  template <class T>
  T* as() const {
    return static_cast<T*>(data_);
  }
  explicit operator bool() const { return data_ != nullptr; }

 private:
  void* data_ = nullptr;
};

// Times `work` on the device's clock.
template <class Work>
int measure(int samples, double* seconds, Work work) {
  for (int i = -kWarmUp; i < samples; ++i) {
    if (!good(cudaEventRecord(session.start), "event")) return -1;
    if (!work()) return -1;
    float ms = 0;
    if (!good(cudaEventRecord(session.stop), "event") ||
        !good(cudaEventSynchronize(session.stop), "measurement") ||
        !good(cudaEventElapsedTime(&ms, session.start, session.stop), "event")) {
      return -1;
    }
    if (i >= 0) seconds[i] = static_cast<double>(ms) / 1e3;
  }
  return 0;
}

// A block per page: 16-byte loads, and one sum written so that no load is left out.
__global__ void read_pages(const uint4* pages, const unsigned* table, std::size_t words_per_page,
                           unsigned* sums) {
  const uint4* page = pages + table[blockIdx.x] * words_per_page;
  unsigned sum = 0;
  for (std::size_t i = threadIdx.x; i < words_per_page; i += blockDim.x) {
    const uint4 word = page[i];
    sum += word.x ^ word.y ^ word.z ^ word.w;
  }
  if (sum == 0x9e3779b9u) sums[blockIdx.x] = sum;
}

__global__ void add_into(float* to, const float* from, std::size_t n) {
  for (std::size_t i = blockIdx.x * std::size_t{blockDim.x} + threadIdx.x; i < n;
       i += std::size_t{gridDim.x} * blockDim.x) {
    to[i] += from[i];
  }
}

// One device's part of the ring.
struct Peer {
  float *data = nullptr, *inbox = nullptr;
  cudaStream_t stream = nullptr;
};

bool ring_step(std::vector<Peer>& peers, std::size_t piece, bool adds) {
  const int n = static_cast<int>(peers.size());
  for (int d = 0; d < n; ++d) {
    const int next = (d + 1) % n;
    cudaSetDevice(d);
    if (!good(cudaMemcpyPeerAsync(peers[next].inbox, next, peers[d].data, d, piece * sizeof(float),
                                  peers[d].stream),
              "peer copy")) {
      return false;
    }
  }
  for (int d = 0; d < n; ++d) {
    cudaSetDevice(d);
    if (!good(cudaStreamSynchronize(peers[d].stream), "peer copy")) return false;
  }
  for (int d = 0; adds && d < n; ++d) {
    cudaSetDevice(d);
    add_into<<<256, 256, 0, peers[d].stream>>>(peers[d].data, peers[d].inbox, piece);
  }
  for (int d = 0; adds && d < n; ++d) {
    cudaSetDevice(d);
    if (!good(cudaStreamSynchronize(peers[d].stream), "sum")) return false;
  }
  return true;
}

}  // namespace

const char* gpu_bench_error() {
  return error_text;
}

int gpu_bench_open(int device, GpuFacts& facts) {
  if (!good(cudaGetDeviceCount(&session.devices), "CUDA")) return -1;
  if (device < 0 || device >= session.devices) return fail("CUDA", "no device of that number");
  cudaDeviceProp properties{};
  if (!good(cudaSetDevice(device), "CUDA") ||
      !good(cudaGetDeviceProperties(&properties, device), "CUDA")) {
    return -1;
  }
  std::snprintf(facts.name, sizeof facts.name, "%s", properties.name);
  facts.devices = session.devices;
  facts.memory_bytes = static_cast<double>(properties.totalGlobalMem);
  cudaDriverGetVersion(&facts.driver);
  cudaDeviceGetAttribute(&facts.clock_khz, cudaDevAttrClockRate, device);
  cudaDeviceGetAttribute(&facts.memory_clock_khz, cudaDevAttrMemoryClockRate, device);
  session.device = device;
  if (!good(cudaEventCreate(&session.start), "event") ||
      !good(cudaEventCreate(&session.stop), "event")) {
    return -1;
  }
  return session.cublas.open() ? 0 : -1;
}

void gpu_bench_close() {
  session.cublas.close();
  if (session.start != nullptr) cudaEventDestroy(session.start);
  if (session.stop != nullptr) cudaEventDestroy(session.stop);
  session = {};
}

int gpu_bench_gemm(int m, int n, int k, int batch, int samples, double* seconds) {
  constexpr std::size_t kSize = 2;  // bf16
  const auto size = [batch](int rows, int columns) {
    return kSize * static_cast<std::size_t>(rows) * static_cast<std::size_t>(columns) *
           static_cast<std::size_t>(batch);
  };
  const Buffer a(size(m, k)), b(size(k, n)), c(size(m, n));
  if (!a || !b || !c) return fail("GEMM", "not enough memory on the device");
  const float one = 1, zero = 0;
  return measure(samples, seconds, [&] {
    const cublasStatus_t status = session.cublas.gemm(
        session.cublas.handle, CUBLAS_OP_N, CUBLAS_OP_N, m, n, k, &one, a.as<void>(), CUDA_R_16BF,
        m, static_cast<long long>(m) * k, b.as<void>(), CUDA_R_16BF, k,
        static_cast<long long>(k) * n, &zero, c.as<void>(), CUDA_R_16BF, m,
        static_cast<long long>(m) * n, batch, CUBLAS_COMPUTE_32F, CUBLAS_GEMM_DEFAULT);
    return status == CUBLAS_STATUS_SUCCESS || fail("GEMM", "cuBLAS refuses the shape") == 0;
  });
}

int gpu_bench_kv_read(int sequences, int context, int bytes_per_token, int samples,
                      double* seconds) {
  const std::size_t page_bytes =
      static_cast<std::size_t>(kPageTokens) * static_cast<std::size_t>(bytes_per_token);
  const std::size_t words = page_bytes / sizeof(uint4);
  const std::size_t pages = static_cast<std::size_t>(sequences) *
                            ((static_cast<std::size_t>(context) + kPageTokens - 1) / kPageTokens);
  std::size_t available = 0, total = 0;
  if (!good(cudaMemGetInfo(&available, &total), "memory")) return -1;
  if (static_cast<double>(pages) * static_cast<double>(page_bytes) >
      kHeadroom * static_cast<double>(available)) {
    return fail("KV read", "not enough memory on the device");
  }
  std::vector<unsigned> table(pages);
  for (std::size_t i = 0; i < pages; ++i) table[i] = static_cast<unsigned>(i);
  std::uint64_t state = 0x853c49e6748fea9bull;  // a linear congruential shuffle is random enough
  for (std::size_t i = pages; i > 1; --i) {
    state = state * 6364136223846793005ull + 1442695040888963407ull;
    const std::size_t j = static_cast<std::size_t>(state >> 33) % i;
    const unsigned swap = table[i - 1];
    table[i - 1] = table[j];
    table[j] = swap;
  }
  const Buffer data(pages * page_bytes), order(pages * sizeof(unsigned)),
      sums(pages * sizeof(unsigned));
  if (!data || !order || !sums) return fail("KV read", "not enough memory on the device");
  if (!good(cudaMemcpy(order.as<unsigned>(), table.data(), pages * sizeof(unsigned),
                       cudaMemcpyHostToDevice),
            "copy")) {
    return -1;
  }
  return measure(samples, seconds, [&] {
    read_pages<<<static_cast<unsigned>(pages), 128>>>(data.as<uint4>(), order.as<unsigned>(), words,
                                                      sums.as<unsigned>());
    return good(cudaGetLastError(), "KV read");
  });
}

int gpu_bench_copy(double bytes, bool to_device, int samples, double* seconds) {
  const auto size = static_cast<std::size_t>(bytes);
  const Buffer device(size);
  void* host = nullptr;
  if (!device || !good(cudaMallocHost(&host, size), "pinned memory")) {
    return device ? -1 : fail("copy", "not enough memory on the device");
  }
  const int result = measure(samples, seconds, [&] {
    return good(to_device ? cudaMemcpyAsync(device.as<void>(), host, size, cudaMemcpyHostToDevice)
                          : cudaMemcpyAsync(host, device.as<void>(), size, cudaMemcpyDeviceToHost),
                "copy");
  });
  cudaFreeHost(host);
  return result;
}

int gpu_bench_all_reduce(double bytes, int samples, double* seconds) {
  const int n = session.devices;
  if (n < 2) return fail("all-reduce", "one device only");
  const auto piece = static_cast<std::size_t>(bytes / sizeof(float) / static_cast<double>(n)) + 1;
  std::vector<Peer> peers(static_cast<std::size_t>(n));
  bool ready = true;
  for (int d = 0; d < n && ready; ++d) {
    Peer& peer = peers[static_cast<std::size_t>(d)];
    ready = good(cudaSetDevice(d), "device") &&
            good(cudaMalloc(&peer.data, piece * sizeof(float)), "memory") &&
            good(cudaMalloc(&peer.inbox, piece * sizeof(float)), "memory") &&
            good(cudaStreamCreate(&peer.stream), "stream");
    const int next = (d + 1) % n;
    // Without direct access the copy goes through the host: slower, and true of that machine.
    if (ready && cudaDeviceEnablePeerAccess(next, 0) != cudaSuccess) cudaGetLastError();
  }
  cudaSetDevice(session.device);
  const int result = !ready ? -1 : measure(samples, seconds, [&] {
    bool done = true;
    for (int step = 0; step < 2 * (n - 1) && done; ++step) {
      done = ring_step(peers, piece, step < n - 1);
    }
    cudaSetDevice(session.device);
    return done;
  });
  for (int d = 0; d < n; ++d) {
    const Peer& peer = peers[static_cast<std::size_t>(d)];
    cudaSetDevice(d);
    cudaFree(peer.data);
    cudaFree(peer.inbox);
    if (peer.stream != nullptr) cudaStreamDestroy(peer.stream);
  }
  cudaSetDevice(session.device);
  return result;
}

}  // namespace stateutils::kv
