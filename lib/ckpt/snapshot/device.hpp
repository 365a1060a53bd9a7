// The stand-in for training in the memory of a CUDA device.
#pragma once

#include <cstdint>
#include <memory>

#include "ckpt/model/bytes.hpp"
#include "ckpt/snapshot/provider.hpp"

namespace stateutils::ckpt::snapshot {

// As SyntheticSource. Copies to the host run on streams of their own, beside the device's work.
class DeviceSource {
 public:
  // kEnvironment with the reason where there is no device or too little memory.
  explicit DeviceSource(std::uint64_t bytes);
  void overwrite(std::uint64_t step);
  [[nodiscard]] ProviderPtr provider() const;

 private:
  std::uint64_t elements_;
  ByteFilePtr memory_;
};

// Page-locks memory for as long as the result lives.
[[nodiscard]] std::shared_ptr<void> pin_for_device(char* data, std::uint64_t size);

}  // namespace stateutils::ckpt::snapshot
