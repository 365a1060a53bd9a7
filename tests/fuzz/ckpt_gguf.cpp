// Any bytes as a GGUF file: opened, read through raw and dequantised, or refused.
#include <cstdint>
#include <string>

#include "ckpt/formats/gguf.hpp"
#include "ckpt/ops/convert.hpp"
#include "ckpt/ops/scan.hpp"
#include "ckpt/ops/select.hpp"
#include "core/error.hpp"

using namespace stateutils::ckpt;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  ReadOptions options;
  options.max_memory = 16u << 20;
  try {
    const auto file = memory_file(std::string(reinterpret_cast<const char*>(data), size), "fuzz");
    const Catalogue catalogue = open_gguf(file, options);
    (void)scan_tensors(catalogue, {.xxh3 = true, .stats = true}, 1, 16u << 20);
    Target target = make_target(catalogue, Tied::kDuplicate);
    cast_target(target, {.to = DType::kBF16});
    for (const TargetTensor& tensor : target.tensors) {
      std::string bytes(tensor.bytes->size(), '\0');
      tensor.bytes->read_at(0, bytes.data(), bytes.size());
    }
  } catch (const stateutils::core::Error&) {
    return 0;
  }
  return 0;
}
