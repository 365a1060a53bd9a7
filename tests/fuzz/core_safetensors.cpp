// Any header: tensors that tile the buffer or one input error; what was read is written and read
// back equal. The first two bytes give the size of the buffer.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "core/error.hpp"
#include "core/safetensors.hpp"

using namespace stateutils;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::uint64_t buffer = static_cast<std::uint64_t>(data[0]) + 256u * data[1];
  const std::string_view json(reinterpret_cast<const char*>(data) + 2, size - 2);
  core::SafetensorsHeader header;
  try {
    header = core::parse_safetensors_header(json, 8 + json.size() + buffer, "fuzz");
  } catch (const core::Error& e) {
    if (e.category() != core::Category::kInput) std::abort();
    return 0;
  }
  std::vector<core::TensorInfo> tensors = header.tensors;
  const std::string bytes = core::safetensors_header_bytes(tensors, header.metadata);
  const auto copy = core::parse_safetensors_header(std::string_view(bytes).substr(8),
                                                   bytes.size() + buffer, "again");
  if (copy.metadata != header.metadata || copy.tensors.size() != header.tensors.size()) {
    std::abort();
  }
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const auto& a = header.tensors[i];
    const auto& b = copy.tensors[i];
    if (a.name != b.name || a.dtype != b.dtype || a.shape != b.shape || a.begin != b.begin ||
        a.end != b.end) {
      std::abort();
    }
  }
  return 0;
}
