#include "kv/devices.hpp"

namespace stateutils::kv {

// From the vendors' data sheets; prices are rounded list prices of clouds and meant to be replaced.
// The two DGX entries are whole machines for --compat splitwise: 8 devices, 6.5 and 10.2 kW.
const std::vector<Device>& device_table() {
  constexpr std::uint64_t gib = 1ull << 30;
  static const std::vector<Device> devices = {
      {"a100-40gb", 312e12, 1.555e12, 300e9, 40 * gib, 400, 60, 1.3},
      {"a100-80gb", 312e12, 2.039e12, 300e9, 80 * gib, 400, 60, 1.6},
      {"h100-sxm", 989e12, 3.35e12, 450e9, 80 * gib, 700, 90, 2.9},
      {"h100-pcie", 756e12, 2.0e12, 64e9, 80 * gib, 350, 60, 2.3},
      {"h200-sxm", 989e12, 4.8e12, 450e9, 141 * gib, 700, 90, 3.6},
      {"a10", 125e12, 0.6e12, 32e9, 24 * gib, 150, 25, 0.75},
      {"l4", 121e12, 0.3e12, 32e9, 24 * gib, 72, 15, 0.6},
      {"l40s", 362e12, 0.864e12, 32e9, 48 * gib, 350, 40, 1.1},
      {"dgx-a100", 8 * 312e12, 8 * 2.039e12, 300e9, 8 * 80 * gib, 6500, 1500, 12.8},
      {"dgx-h100", 8 * 989e12, 8 * 3.35e12, 450e9, 8 * 80 * gib, 10200, 2000, 23.2},
  };
  return devices;
}

std::optional<Device> find_device(const std::string& name) {
  for (const Device& device : device_table()) {
    if (device.name == name) return device;
  }
  return std::nullopt;
}

}  // namespace stateutils::kv
