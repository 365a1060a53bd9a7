// Weighted k-means over short vectors: k-means++ seeding, Lloyd iterations, empty clusters seeded
// again from the farthest vector. The same bits for any number of threads.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace stateutils::ckpt::quant {

class DeviceSearch;

struct KmeansOptions {
  std::uint64_t clusters = 256;
  int iterations = 100;
  double tolerance = 1e-5;  // stop when the weighted error falls by less than this share
  std::uint64_t seed = 0, stream = 0;
  int threads = 1;
  DeviceSearch* device = nullptr;  // searches there, with the same result
};

// Centroids laid out for the search: component j of centroid c at [j * clusters + c].
class Codebook {
 public:
  Codebook() = default;
  // `centroids`: clusters x length, row by row.
  Codebook(std::span<const float> centroids, std::size_t length);

  [[nodiscard]] std::size_t size() const { return norms_.size(); }
  [[nodiscard]] std::size_t length() const { return length_; }
  [[nodiscard]] float at(std::size_t centroid, std::size_t component) const {
    return parts_[component * size() + centroid];
  }
  [[nodiscard]] std::span<const float> parts() const { return parts_; }
  [[nodiscard]] std::span<const float> norms() const { return norms_; }
  // The nearest centroid (Euclidean), the first of equals; `room` is scratch space.
  [[nodiscard]] std::uint32_t nearest(std::span<const float> vector,
                                      std::vector<float>& room) const;

 private:
  std::size_t length_ = 0;
  std::vector<float> parts_, norms_;
};

// `vectors`: weights.size() x length. Returns clusters x length.
[[nodiscard]] std::vector<float> weighted_kmeans(std::span<const float> vectors, std::size_t length,
                                                 std::span<const double> weights,
                                                 const KmeansOptions& options);
[[nodiscard]] std::vector<std::uint32_t> assign_nearest(std::span<const float> vectors,
                                                        const Codebook& codebook, int threads,
                                                        DeviceSearch* device = nullptr);

}  // namespace stateutils::ckpt::quant
