// The search for the nearest centroid as a CUDA device runs it, in functions that the host compiles
// too: the unit tests run them beside Codebook::nearest(). The same additions in the same order and
// no fused multiply-add, so the same bits on every machine.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>

#ifdef __CUDACC__
#define STATEUTILS_HOST_DEVICE __host__ __device__
#else
#define STATEUTILS_HOST_DEVICE
#endif

namespace stateutils::ckpt::quant {

// A grid of blocks: x counts groups of kSearchThreads vectors, y shares of the centroids. A block
// holds a tile of centroids in its shared memory and goes through its share tile by tile.
inline constexpr unsigned kSearchThreads = 128;
inline constexpr std::size_t kSharedFloats = 12288;  // 48 KiB, what every device has

// `parts` and `norms` as in Codebook: component j of centroid c at [j * clusters + c].
struct SearchJob {
  const float* vectors = nullptr;
  const float* parts = nullptr;
  const float* norms = nullptr;
  std::size_t count = 0, length = 0, clusters = 0;
  std::size_t shares = 1;  // of the centroids
};
struct Candidate {
  float score;
  std::uint32_t centroid;
};

// Centroids of a tile: their components and norms fill the shared memory.
STATEUTILS_HOST_DEVICE inline std::size_t tile_centroids(std::size_t length) {
  return kSharedFloats / (length + 1);
}
STATEUTILS_HOST_DEVICE inline std::size_t share_start(const SearchJob& job, std::size_t share) {
  return job.clusters * share / job.shares;
}

// Float `i` of the tile of `width` centroids from `first` on: components line by line, then norms.
STATEUTILS_HOST_DEVICE inline float tile_float(const SearchJob& job, std::size_t first,
                                               std::size_t width, std::size_t i) {
  const std::size_t line = i / width, centroid = first + i % width;
  return line < job.length ? job.parts[line * job.clusters + centroid] : job.norms[centroid];
}

STATEUTILS_HOST_DEVICE inline float plus_product(float sum, float a, float b) {
#ifdef __CUDA_ARCH__
  return __fadd_rn(sum, __fmul_rn(a, b));
#else
  return sum + a * b;  // compiled with -ffp-contract=off
#endif
}

// What a share begins with: nothing is worse.
STATEUTILS_HOST_DEVICE inline Candidate no_candidate() {
  return {HUGE_VALF, 0};
}
// |x - c|^2 without |x|^2, as std::min_element takes them: the first of equals stays, and NaN is
// taken only where it comes first of all. A length known beforehand (kLength > 0) keeps the vector
// in registers.
template <std::size_t kLength>
STATEUTILS_HOST_DEVICE inline void search_tile(const float* vector, std::size_t length,
                                               const float* tile, std::size_t first,
                                               std::size_t width, Candidate& best) {
  float twice[kLength > 0 ? kLength : 1];
  for (std::size_t j = 0; j < kLength; ++j) twice[j] = -2 * vector[j];
  for (std::size_t c = 0; c < width; ++c) {
    float score = tile[length * width + c];
    if (kLength > 0) {
      for (std::size_t j = 0; j < kLength; ++j) {
        score = plus_product(score, twice[j], tile[j * width + c]);
      }
    } else {
      for (std::size_t j = 0; j < length; ++j) {
        score = plus_product(score, -2 * vector[j], tile[j * width + c]);
      }
    }
    if (first + c == 0 || score < best.score) {
      best = {score, static_cast<std::uint32_t>(first + c)};
    }
  }
}

// The best of a vector's shares, at stride `count`; the first of equals.
STATEUTILS_HOST_DEVICE inline std::uint32_t best_of_shares(const Candidate* candidates,
                                                           std::size_t count, std::size_t shares) {
  Candidate best = candidates[0];
  for (std::size_t s = 1; s < shares; ++s) {
    if (candidates[s * count].score < best.score) best = candidates[s * count];
  }
  return best.centroid;
}

// Enough blocks to keep a device busy, however few the vectors are; no share is empty.
inline std::size_t search_shares(std::size_t count, std::size_t clusters) {
  constexpr std::size_t kWantedBlocks = 1024, kLeastCentroids = 64;
  const std::size_t groups = (count + kSearchThreads - 1) / kSearchThreads;
  const std::size_t wanted = (kWantedBlocks + groups - 1) / (groups == 0 ? 1 : groups);
  const std::size_t most = clusters / kLeastCentroids;
  const std::size_t shares = wanted < most ? wanted : most;
  return shares == 0 ? 1 : shares;
}

}  // namespace stateutils::ckpt::quant

#undef STATEUTILS_HOST_DEVICE
