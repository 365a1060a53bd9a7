// Timing loops on a CUDA device: plain types only, so that the rest needs no CUDA.
#pragma once

#include <cstdint>

#ifdef __CUDACC__
#define STATEUTILS_KV_BOTH_SIDES __host__ __device__
#else
#define STATEUTILS_KV_BOTH_SIDES
#endif

namespace stateutils::kv {

struct GpuFacts {
  char name[256] = "";
  int devices = 0, driver = 0, clock_khz = 0, memory_clock_khz = 0;
  double memory_bytes = 0;
};

// What a call comes to; the reason of the last two is gpu_bench_error()'s.
enum class GpuStatus { kDone, kNoRoom, kFailed };  // kNoRoom: the shape does not fit the memory

// The data of word i: two bf16 of either sign between 1/2 and 2, from the bits of a hash. Products
// of zeros would draw less power and so run at a higher clock than those of a model.
STATEUTILS_KV_BOTH_SIDES inline std::uint32_t gpu_bench_word(std::uint64_t i) {
  std::uint64_t h = (i + 1) * 0x9e3779b97f4a7c15ull;  // splitmix64 (Steele et al., 2014)
  h = (h ^ (h >> 30)) * 0xbf58476d1ce4e5b9ull;
  h = (h ^ (h >> 27)) * 0x94d049bb133111ebull;
  const auto bits = static_cast<std::uint32_t>(h ^ (h >> 31));
  // Of each half the sign and the lowest 8 bits are drawn; exponents are 126 and 127.
  return (bits & 0x80ff80ffu) + 0x3f003f00u;
}

// Each measurement fills seconds[0..samples-1] after a warm-up; before each run the device's cache
// is filled with other data, as the layers before would have done.
GpuStatus gpu_bench_open(int device, GpuFacts& facts);
void gpu_bench_close();
const char* gpu_bench_error();
// `batch` products of m x k by k x n in bf16, accumulated in fp32. The first factor lies in rows,
// as weights (outputs x inputs) and keys (tokens x dimension) do.
GpuStatus gpu_bench_gemm(int m, int n, int k, int batch, int samples, double* seconds);
// One layer's K and V of `sequences` contexts, in pages of 16 tokens that lie at random places.
GpuStatus gpu_bench_kv_read(int sequences, int context, int bytes_per_token, int samples,
                            double* seconds);
// A pinned copy.
GpuStatus gpu_bench_copy(double bytes, bool to_device, int samples, double* seconds);
// A ring over all devices: 2 (n - 1) steps of bytes / n to the next, added in the first half.
GpuStatus gpu_bench_all_reduce(double bytes, int samples, double* seconds);

}  // namespace stateutils::kv
