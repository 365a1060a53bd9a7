// The GPU probe: asked on first use, never at start; absence is a reason, not an error.
#pragma once

#include <string>

namespace stateutils::core {

struct GpuInfo {
  int devices = 0;
  std::string reason;  // why there are none: "built without CUDA", "no driver", ...
  std::string name;    // of device 0
};
[[nodiscard]] const GpuInfo& gpu();
// kEnvironment with the reason when --device cuda cannot be had.
void require_gpu();

}  // namespace stateutils::core
