// Nearest centroids on a CUDA device: the same indices as on the CPU, bit for bit.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "ckpt/quant/kmeans.hpp"

namespace stateutils::ckpt::quant {

// Buffers on the device that one call leaves to the next; not for several threads at once.
class DeviceSearch {
 public:
  // kEnvironment with the reason where there is no device.
  DeviceSearch();
  DeviceSearch(const DeviceSearch&) = delete;
  DeviceSearch& operator=(const DeviceSearch&) = delete;
  ~DeviceSearch();

  // One index for each vector.
  void assign(std::span<const float> vectors, const Codebook& codebook,
              std::span<std::uint32_t> owner);

 private:
  struct Buffers;
  std::unique_ptr<Buffers> buffers_;
};

}  // namespace stateutils::ckpt::quant
