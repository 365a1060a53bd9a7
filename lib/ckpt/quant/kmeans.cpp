#include "ckpt/quant/kmeans.hpp"

#include <algorithm>
#include <limits>

#include "ckpt/quant/search.hpp"
#include "core/rng.hpp"
#include "core/signals.hpp"
#include "core/threads.hpp"

namespace stateutils::ckpt::quant {
namespace {

constexpr std::uint64_t kTask = 512;  // vectors of one task

double distance2(const float* a, const float* b, std::size_t length) {
  double sum = 0;
  for (std::size_t j = 0; j < length; ++j) {
    const double d = static_cast<double>(a[j]) - static_cast<double>(b[j]);
    sum += d * d;
  }
  return sum;
}

template <class Body>
void for_tasks(std::uint64_t n, int threads, const Body& body) {
  core::parallel_for((n + kTask - 1) / kTask, threads, [&](std::uint64_t task) {
    core::check_stop();
    body(task * kTask, std::min(n, (task + 1) * kTask));
  });
}

// The first index whose running sum passes a random share of the total; n when the total is 0.
std::size_t draw(std::span<const double> shares, core::Rng& rng) {
  double total = 0;
  for (const double share : shares) total += share;
  const double wanted = rng.unit() * total;
  if (!(total > 0)) return shares.size();
  double sum = 0;
  std::size_t last = shares.size();
  for (std::size_t i = 0; i < shares.size(); ++i) {
    if (shares[i] <= 0) continue;
    last = i;
    if ((sum += shares[i]) > wanted) return i;
  }
  return last;
}

// Arthur and Vassilvitskii (SODA'07): each next seed is drawn with probability proportional to
// weight times squared distance to the seeds so far.
std::vector<float> plus_plus(std::span<const float> vectors, std::size_t length,
                             std::span<const double> weights, const KmeansOptions& options) {
  const std::size_t n = weights.size();
  core::Rng rng(options.seed, options.stream);
  std::vector<float> seeds;
  seeds.reserve(options.clusters * length);
  std::vector<double> nearest(n, std::numeric_limits<double>::infinity());
  std::vector<double> shares(weights.begin(), weights.end());
  while (seeds.size() < options.clusters * length) {
    const std::size_t chosen = draw(shares, rng);
    if (chosen == n) {  // fewer distinct vectors than clusters: the rest stays zero
      seeds.resize(options.clusters * length, 0.0F);
      break;
    }
    const float* seed = vectors.data() + chosen * length;
    seeds.insert(seeds.end(), seed, seed + length);
    for_tasks(n, options.threads, [&](std::uint64_t first, std::uint64_t last) {
      for (std::uint64_t i = first; i < last; ++i) {
        nearest[i] = std::min(nearest[i], distance2(vectors.data() + i * length, seed, length));
        shares[i] = weights[i] * nearest[i];
      }
    });
  }
  return seeds;
}

struct Means {
  std::vector<double> sums, weights;
};

// Sums in the order of the vectors, whatever thread assigned them.
Means cluster_means(std::span<const float> vectors, std::size_t length,
                    std::span<const double> weights, std::span<const std::uint32_t> owner,
                    std::size_t clusters) {
  Means means{std::vector<double>(clusters * length), std::vector<double>(clusters)};
  for (std::size_t i = 0; i < weights.size(); ++i) {
    means.weights[owner[i]] += weights[i];
    double* sum = means.sums.data() + owner[i] * length;
    for (std::size_t j = 0; j < length; ++j) {
      sum[j] += weights[i] * static_cast<double>(vectors[i * length + j]);
    }
  }
  return means;
}

// Gives each empty cluster the vector that is farthest (by weight) from its own centroid.
void seed_empty(std::vector<float>& centroids, std::span<const float> vectors, std::size_t length,
                const Means& means, std::vector<double> costs) {
  for (std::size_t c = 0; c < means.weights.size(); ++c) {
    if (means.weights[c] > 0) continue;
    const auto farthest = std::ranges::max_element(costs);
    if (farthest == costs.end() || !(*farthest > 0)) return;
    const auto i = static_cast<std::size_t>(farthest - costs.begin());
    std::copy_n(vectors.data() + i * length, length, centroids.data() + c * length);
    *farthest = 0;
  }
}

}  // namespace

Codebook::Codebook(std::span<const float> centroids, std::size_t length) : length_(length) {
  const std::size_t count = centroids.size() / length;
  parts_.resize(centroids.size());
  norms_.resize(count);
  for (std::size_t c = 0; c < count; ++c) {
    float norm = 0;
    for (std::size_t j = 0; j < length; ++j) {
      const float x = centroids[c * length + j];
      parts_[j * count + c] = x;
      norm += x * x;
    }
    norms_[c] = norm;
  }
}

// |x - c|^2 = |x|^2 + |c|^2 - 2 x.c; the first term is the same for all.
std::uint32_t Codebook::nearest(std::span<const float> vector, std::vector<float>& room) const {
  const std::size_t count = size();
  room.assign(norms_.begin(), norms_.end());
  float* const scores = room.data();
  for (std::size_t j = 0; j < length_; ++j) {
    const float x = -2 * vector[j];
    const float* const part = parts_.data() + j * count;
    for (std::size_t c = 0; c < count; ++c) scores[c] += x * part[c];
  }
  return static_cast<std::uint32_t>(std::min_element(scores, scores + count) - scores);
}

std::vector<std::uint32_t> assign_nearest(std::span<const float> vectors, const Codebook& codebook,
                                          int threads, DeviceSearch* device) {
  const std::size_t length = codebook.length(), n = vectors.size() / length;
  std::vector<std::uint32_t> owner(n);
  if (device != nullptr) {
    core::check_stop();
    device->assign(vectors, codebook, owner);
    return owner;
  }
  for_tasks(n, threads, [&](std::uint64_t first, std::uint64_t last) {
    std::vector<float> room;
    for (std::uint64_t i = first; i < last; ++i) {
      owner[i] = codebook.nearest(vectors.subspan(i * length, length), room);
    }
  });
  return owner;
}

std::vector<float> weighted_kmeans(std::span<const float> vectors, std::size_t length,
                                   std::span<const double> weights, const KmeansOptions& options) {
  std::vector<float> centroids = plus_plus(vectors, length, weights, options);
  double before = std::numeric_limits<double>::infinity();
  for (int round = 0; round < options.iterations; ++round) {
    const auto owner =
        assign_nearest(vectors, Codebook(centroids, length), options.threads, options.device);
    std::vector<double> costs(weights.size());
    double cost = 0;
    for (std::size_t i = 0; i < weights.size(); ++i) {
      costs[i] = weights[i] * distance2(vectors.data() + i * length,
                                        centroids.data() + owner[i] * length, length);
      cost += costs[i];
    }
    const Means means = cluster_means(vectors, length, weights, owner, options.clusters);
    for (std::size_t c = 0; c < options.clusters; ++c) {
      if (!(means.weights[c] > 0)) continue;
      for (std::size_t j = 0; j < length; ++j) {
        centroids[c * length + j] =
            static_cast<float>(means.sums[c * length + j] / means.weights[c]);
      }
    }
    seed_empty(centroids, vectors, length, means, std::move(costs));
    if (cost <= 0 || before - cost < options.tolerance * cost) break;
    before = cost;
  }
  return centroids;
}

}  // namespace stateutils::ckpt::quant
