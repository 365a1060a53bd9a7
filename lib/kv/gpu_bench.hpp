// Timing loops on a CUDA device: plain types only, so that the rest needs no CUDA.
#pragma once

namespace stateutils::kv {

struct GpuFacts {
  char name[256] = "";
  int devices = 0, driver = 0, clock_khz = 0, memory_clock_khz = 0;
  double memory_bytes = 0;
};

// Each measurement fills seconds[0..samples-1] after a warm-up. A negative result is a failure,
// told by gpu_bench_error().
int gpu_bench_open(int device, GpuFacts& facts);
void gpu_bench_close();
const char* gpu_bench_error();
// `batch` products of m x k by k x n in bf16, accumulated in fp32.
int gpu_bench_gemm(int m, int n, int k, int batch, int samples, double* seconds);
// One layer's K and V of `sequences` contexts, in pages of 16 tokens that lie at random places.
int gpu_bench_kv_read(int sequences, int context, int bytes_per_token, int samples,
                      double* seconds);
// A pinned copy.
int gpu_bench_copy(double bytes, bool to_device, int samples, double* seconds);
// A ring over all devices: 2 (n - 1) steps of bytes / n to the next, added in the first half.
int gpu_bench_all_reduce(double bytes, int samples, double* seconds);

}  // namespace stateutils::kv
