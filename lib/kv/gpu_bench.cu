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
constexpr int kFirstReads = 1000;  // of the cache's size, until clocks have risen
constexpr double kHeadroom = 0.8;  // of the device's free memory

char error_text[512] = "";
GpuStatus last_status = GpuStatus::kDone;  // of what failed last

bool fail(const char* what, const char* why, GpuStatus status = GpuStatus::kFailed) {
  std::snprintf(error_text, sizeof error_text, "%s: %s", what, why);
  last_status = status;
  return false;
}

bool good(cudaError_t status, const char* what) {
  if (status == cudaSuccess) return true;
  const bool room = status != cudaErrorMemoryAllocation;
  fail(what, cudaGetErrorString(status), room ? GpuStatus::kFailed : GpuStatus::kNoRoom);
  (void)cudaGetLastError();  // the next call starts afresh, unless the context is lost
  return false;
}

GpuStatus outcome(bool done) {
  return done ? GpuStatus::kDone : last_status;
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
    if (library == nullptr) return fail("cuBLAS", "libcublas.so is not installed");
    create = reinterpret_cast<decltype(create)>(dlsym(library, "cublasCreate_v2"));
    destroy = reinterpret_cast<decltype(destroy)>(dlsym(library, "cublasDestroy_v2"));
    gemm = reinterpret_cast<decltype(gemm)>(dlsym(library, "cublasGemmStridedBatchedEx"));
    if (create == nullptr || destroy == nullptr || gemm == nullptr) {
      return fail("cuBLAS", "it lacks a function");
    }
    return create(&handle) == CUBLAS_STATUS_SUCCESS || fail("cuBLAS", "no handle");
  }
  void close() {
    if (handle != nullptr) destroy(handle);
    if (library != nullptr) dlclose(library);
    *this = {};
  }
};

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

// The same of words in a row: after it the cache holds these, unchanged, and nothing is written
// back when they go.
__global__ void read_words(const uint4* words, std::size_t n, unsigned* sum_out) {
  unsigned sum = 0;
  for (std::size_t i = blockIdx.x * std::size_t{blockDim.x} + threadIdx.x; i < n;
       i += std::size_t{gridDim.x} * blockDim.x) {
    const uint4 word = words[i];
    sum += word.x ^ word.y ^ word.z ^ word.w;
  }
  if (sum == 0x9e3779b9u) *sum_out = sum;
}

__global__ void fill_words(unsigned* words, std::size_t n) {
  for (std::size_t i = blockIdx.x * std::size_t{blockDim.x} + threadIdx.x; i < n;
       i += std::size_t{gridDim.x} * blockDim.x) {
    words[i] = gpu_bench_word(i);
  }
}

__global__ void add_into(float* to, const float* from, std::size_t n) {
  for (std::size_t i = blockIdx.x * std::size_t{blockDim.x} + threadIdx.x; i < n;
       i += std::size_t{gridDim.x} * blockDim.x) {
    to[i] += from[i];
  }
}

// Memory on the device for one measurement, filled.
class Buffer {
 public:
  Buffer() = default;
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  ~Buffer() { release(); }
  bool take(std::size_t bytes) {
    const std::size_t words = (bytes + sizeof(uint4) - 1) / sizeof(uint4) * 4;
    if (!good(cudaMalloc(&data_, words * sizeof(unsigned)), "device memory")) {
      data_ = nullptr;
      return false;
    }
    fill_words<<<1024, 256>>>(as<unsigned>(), words);
    return good(cudaGetLastError(), "fill");
  }
  void release() {
    if (data_ != nullptr) (void)cudaFree(data_);
    data_ = nullptr;
  }
  template <class T>
  T* as() const {
    return static_cast<T*>(data_);
  }

 private:
  void* data_ = nullptr;
};

struct Session {
  int device = 0, devices = 0;
  Cublas cublas;
  cudaEvent_t start = nullptr, stop = nullptr;
  Buffer other;  // what the cache is filled with: twice its size
  std::size_t other_words = 0;
};
Session session;

bool fill_cache() {
  read_words<<<1024, 256>>>(session.other.as<uint4>(), session.other_words,
                            session.other.as<unsigned>());
  return good(cudaGetLastError(), "cache");
}

// Times `work` on the device's clock. What is before the first event runs while the host prepares
// the work, so that its start is not waited for.
template <class Work>
bool measure(int samples, double* seconds, Work work) {
  for (int i = -kWarmUp; i < samples; ++i) {
    float ms = 0;
    if (!fill_cache() || !good(cudaEventRecord(session.start), "event") || !work() ||
        !good(cudaEventRecord(session.stop), "event") ||
        !good(cudaEventSynchronize(session.stop), "measurement") ||
        !good(cudaEventElapsedTime(&ms, session.start, session.stop), "event")) {
      return false;
    }
    if (i >= 0) seconds[i] = static_cast<double>(ms) / 1e3;
  }
  return true;
}

// One device's part of the ring.
struct Peer {
  float *data = nullptr, *inbox = nullptr;
  cudaStream_t stream = nullptr;
  cudaEvent_t sent = nullptr, taken = nullptr;  // its piece is with the next; its inbox is free

  bool open(int device, int next, std::size_t piece) {
    const std::size_t bytes = piece * sizeof(float);
    if (!good(cudaSetDevice(device), "device") || !good(cudaMalloc(&data, bytes), "memory") ||
        !good(cudaMalloc(&inbox, bytes), "memory") || !good(cudaMemset(data, 0, bytes), "memory") ||
        !good(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), "stream") ||
        !good(cudaEventCreateWithFlags(&sent, cudaEventDisableTiming), "event") ||
        !good(cudaEventCreateWithFlags(&taken, cudaEventDisableTiming), "event")) {
      return false;
    }
    // Without direct access the copy goes through the host: slower, and true of that machine.
    if (cudaDeviceEnablePeerAccess(next, 0) != cudaSuccess) (void)cudaGetLastError();
    return true;
  }
  void close(int device) {
    (void)cudaSetDevice(device);
    if (stream != nullptr) (void)cudaStreamSynchronize(stream);
    (void)cudaFree(data);
    (void)cudaFree(inbox);
    if (sent != nullptr) (void)cudaEventDestroy(sent);
    if (taken != nullptr) (void)cudaEventDestroy(taken);
    if (stream != nullptr) (void)cudaStreamDestroy(stream);
  }
};

// Every device sends its piece on and takes the one from before. Devices wait for each other, the
// host for none.
bool ring_step(std::vector<Peer>& peers, std::size_t piece, bool adds) {
  const std::size_t n = peers.size();
  for (std::size_t d = 0; d < n; ++d) {
    Peer &peer = peers[d], &next = peers[(d + 1) % n];
    const int to = static_cast<int>((d + 1) % n), from = static_cast<int>(d);
    if (!good(cudaSetDevice(from), "device") ||
        !good(cudaStreamWaitEvent(peer.stream, next.taken), "event") ||
        !good(cudaMemcpyPeerAsync(next.inbox, to, peer.data, from, piece * sizeof(float),
                                  peer.stream),
              "peer copy") ||
        !good(cudaEventRecord(peer.sent, peer.stream), "event")) {
      return false;
    }
  }
  for (std::size_t d = 0; d < n; ++d) {
    Peer& peer = peers[d];
    if (!good(cudaSetDevice(static_cast<int>(d)), "device") ||
        !good(cudaStreamWaitEvent(peer.stream, peers[(d + n - 1) % n].sent), "event")) {
      return false;
    }
    if (adds) add_into<<<256, 256, 0, peer.stream>>>(peer.data, peer.inbox, piece);
    if (!good(cudaGetLastError(), "sum") ||
        !good(cudaEventRecord(peer.taken, peer.stream), "event"))
      return false;
  }
  return true;
}

// The whole ring between the two events of a measurement, which the session's device records.
bool ring(std::vector<Peer>& peers, std::size_t piece) {
  const std::size_t n = peers.size();
  for (const Peer& peer : peers) {
    if (!good(cudaStreamWaitEvent(peer.stream, session.start), "event")) return false;
  }
  for (std::size_t step = 0; step < 2 * (n - 1); ++step) {
    if (!ring_step(peers, piece, step < n - 1)) return false;
  }
  if (!good(cudaSetDevice(session.device), "device")) return false;
  for (const Peer& peer : peers) {
    if (!good(cudaStreamWaitEvent(nullptr, peer.taken), "event")) return false;
  }
  return true;
}

bool open_session(int device, GpuFacts& facts) {
  if (!good(cudaGetDeviceCount(&session.devices), "CUDA")) return false;
  if (device < 0 || device >= session.devices) return fail("CUDA", "no device of that number");
  cudaDeviceProp properties{};
  int cache = 0;
  if (!good(cudaSetDevice(device), "CUDA") ||
      !good(cudaGetDeviceProperties(&properties, device), "CUDA") ||
      !good(cudaDriverGetVersion(&facts.driver), "CUDA") ||
      !good(cudaDeviceGetAttribute(&facts.clock_khz, cudaDevAttrClockRate, device), "CUDA") ||
      !good(cudaDeviceGetAttribute(&facts.memory_clock_khz, cudaDevAttrMemoryClockRate, device),
            "CUDA") ||
      !good(cudaDeviceGetAttribute(&cache, cudaDevAttrL2CacheSize, device), "CUDA")) {
    return false;
  }
  std::snprintf(facts.name, sizeof facts.name, "%s", properties.name);
  facts.devices = session.devices;
  facts.memory_bytes = static_cast<double>(properties.totalGlobalMem);
  session.device = device;
  const std::size_t bytes = 2 * static_cast<std::size_t>(cache > 0 ? cache : 64 << 20);
  session.other_words = bytes / sizeof(uint4);
  if (!good(cudaEventCreate(&session.start), "event") ||
      !good(cudaEventCreate(&session.stop), "event") || !session.other.take(bytes)) {
    return false;
  }
  for (int i = 0; i < kFirstReads; ++i) {
    if (!fill_cache()) return false;
  }
  return good(cudaDeviceSynchronize(), "CUDA") && session.cublas.open();
}

// The pages of a measurement in a random order.
std::vector<unsigned> shuffled(std::size_t pages) {
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
  return table;
}

}  // namespace

const char* gpu_bench_error() {
  return error_text;
}

GpuStatus gpu_bench_open(int device, GpuFacts& facts) {
  const GpuStatus status = outcome(open_session(device, facts));
  if (status != GpuStatus::kDone) gpu_bench_close();
  return status;
}

void gpu_bench_close() {
  session.cublas.close();
  session.other.release();
  if (session.start != nullptr) (void)cudaEventDestroy(session.start);
  if (session.stop != nullptr) (void)cudaEventDestroy(session.stop);
  session.start = session.stop = nullptr;
}

GpuStatus gpu_bench_gemm(int m, int n, int k, int batch, int samples, double* seconds) {
  constexpr std::size_t kSize = 2;  // bf16
  const auto size = [batch](int rows, int columns) {
    return kSize * static_cast<std::size_t>(rows) * static_cast<std::size_t>(columns) *
           static_cast<std::size_t>(batch);
  };
  Buffer a, b, c;
  if (!a.take(size(m, k)) || !b.take(size(k, n)) || !c.take(size(m, n))) return last_status;
  const float one = 1, zero = 0;
  return outcome(measure(samples, seconds, [&] {
    const cublasStatus_t status = session.cublas.gemm(
        session.cublas.handle, CUBLAS_OP_T, CUBLAS_OP_N, m, n, k, &one, a.as<void>(), CUDA_R_16BF,
        k, static_cast<long long>(m) * k, b.as<void>(), CUDA_R_16BF, k,
        static_cast<long long>(k) * n, &zero, c.as<void>(), CUDA_R_16BF, m,
        static_cast<long long>(m) * n, batch, CUBLAS_COMPUTE_32F, CUBLAS_GEMM_DEFAULT);
    return status == CUBLAS_STATUS_SUCCESS || fail("GEMM", "cuBLAS refuses the shape");
  }));
}

GpuStatus gpu_bench_kv_read(int sequences, int context, int bytes_per_token, int samples,
                            double* seconds) {
  const std::size_t page_bytes =
      static_cast<std::size_t>(kPageTokens) * static_cast<std::size_t>(bytes_per_token);
  const std::size_t words = page_bytes / sizeof(uint4);
  const std::size_t pages = static_cast<std::size_t>(sequences) *
                            ((static_cast<std::size_t>(context) + kPageTokens - 1) / kPageTokens);
  std::size_t available = 0, total = 0;
  if (!good(cudaMemGetInfo(&available, &total), "device memory")) return last_status;
  if (static_cast<double>(pages) * static_cast<double>(page_bytes) >
      kHeadroom * static_cast<double>(available)) {
    return GpuStatus::kNoRoom;
  }
  const std::vector<unsigned> table = shuffled(pages);
  Buffer data, order, sums;
  if (!data.take(pages * page_bytes) || !order.take(pages * sizeof(unsigned)) ||
      !sums.take(pages * sizeof(unsigned)) ||
      !good(cudaMemcpy(order.as<unsigned>(), table.data(), pages * sizeof(unsigned),
                       cudaMemcpyHostToDevice),
            "copy")) {
    return last_status;
  }
  return outcome(measure(samples, seconds, [&] {
    read_pages<<<static_cast<unsigned>(pages), 128>>>(data.as<uint4>(), order.as<unsigned>(), words,
                                                      sums.as<unsigned>());
    return good(cudaGetLastError(), "KV read");
  }));
}

GpuStatus gpu_bench_copy(double bytes, bool to_device, int samples, double* seconds) {
  const auto size = static_cast<std::size_t>(bytes);
  Buffer device;
  void* host = nullptr;
  if (!device.take(size) || !good(cudaMallocHost(&host, size), "pinned memory")) return last_status;
  const bool done = measure(samples, seconds, [&] {
    return good(to_device ? cudaMemcpyAsync(device.as<void>(), host, size, cudaMemcpyHostToDevice)
                          : cudaMemcpyAsync(host, device.as<void>(), size, cudaMemcpyDeviceToHost),
                "copy");
  });
  const GpuStatus status = outcome(done);
  (void)cudaFreeHost(host);
  return status;
}

GpuStatus gpu_bench_all_reduce(double bytes, int samples, double* seconds) {
  const int n = session.devices;
  if (n < 2) return outcome(fail("all-reduce", "one device only"));
  const auto piece = static_cast<std::size_t>(bytes / sizeof(float) / static_cast<double>(n)) + 1;
  std::vector<Peer> peers(static_cast<std::size_t>(n));
  bool done = true;
  for (int d = 0; d < n && done; ++d) {
    done = peers[static_cast<std::size_t>(d)].open(d, (d + 1) % n, piece);
  }
  done = done && good(cudaSetDevice(session.device), "device") &&
         measure(samples, seconds, [&] { return ring(peers, piece); });
  const GpuStatus status = outcome(done);
  for (int d = 0; d < n; ++d) peers[static_cast<std::size_t>(d)].close(d);
  (void)cudaSetDevice(session.device);
  return status;
}

}  // namespace stateutils::kv
