#include "core/gpu.hpp"

#include <array>

#include "core/error.hpp"

#ifdef STATEUTILS_HAVE_CUDA
extern "C" int stateutils_gpu_probe(char* name, int name_size, char* reason, int reason_size);
#endif

namespace stateutils::core {
namespace {

GpuInfo probe() {
  GpuInfo info;
#ifdef STATEUTILS_HAVE_CUDA
  std::array<char, 256> name{}, reason{};
  info.devices = stateutils_gpu_probe(name.data(), static_cast<int>(name.size()), reason.data(),
                                      static_cast<int>(reason.size()));
  info.name = name.data();
  info.reason = reason.data();
  if (info.devices == 0 && info.reason.empty()) info.reason = "no device";
#else
  info.reason = "built without CUDA";
#endif
  return info;
}

}  // namespace

const GpuInfo& gpu() {
  static const GpuInfo info = probe();
  return info;
}

void require_gpu() {
  if (gpu().devices == 0) throw environment_error("no CUDA device: " + gpu().reason);
}

}  // namespace stateutils::core
