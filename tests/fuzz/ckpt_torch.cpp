// Any bytes as a PyTorch file: opened and read through, or refused.
#include <cstdint>
#include <string>

#include "ckpt/formats/torch_file.hpp"
#include "ckpt/ops/scan.hpp"
#include "core/error.hpp"

using namespace stateutils::ckpt;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  ReadOptions options;
  options.max_memory = 16u << 20;
  try {
    const auto file = memory_file(std::string(reinterpret_cast<const char*>(data), size), "fuzz");
    const Catalogue catalogue = open_torch(file, options);
    (void)check_sums(catalogue.sums, 1);
    (void)scan_tensors(catalogue, {.xxh3 = true, .stats = true}, 1, 16u << 20);
  } catch (const stateutils::core::Error&) {
    return 0;
  }
  return 0;
}
