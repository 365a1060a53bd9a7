// Accelerators: what a roofline and a bill need to know about one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace stateutils::kv {

struct Device {
  std::string name;
  double peak_flops = 0, hbm_bytes_s = 0, link_bytes_s = 0;  // dense bf16, memory, to one peer
  std::uint64_t memory_bytes = 0;
  double tdp_w = 0, idle_w = 0, price_h = 0;  // price: USD an hour, of a device
  double e_c = 0.6, e_m = 0.8;                // shares of the peaks that kernels reach
  double overhead_s = 0.0015, hop_s = 3e-6;   // an iteration's launch and host work; a link's alpha
};

[[nodiscard]] const std::vector<Device>& device_table();
[[nodiscard]] std::optional<Device> find_device(const std::string& name);

}  // namespace stateutils::kv
