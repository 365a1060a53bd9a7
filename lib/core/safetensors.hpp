// The safetensors format: 8-byte header length, JSON header, one byte buffer.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/dtype.hpp"
#include "core/input.hpp"

namespace stateutils::core {

struct TensorInfo {
  std::string name;
  DType dtype = DType::kF32;
  Shape shape;
  std::uint64_t begin = 0, end = 0;  // bytes in the buffer
  [[nodiscard]] std::uint64_t bytes() const { return end - begin; }
};

struct SafetensorsHeader {
  std::uint64_t data_offset = 0;                              // 8 + header length
  std::vector<TensorInfo> tensors;                            // by begin offset
  std::vector<std::pair<std::string, std::string>> metadata;  // __metadata__, in file order
};

// What a header may make its reader hold, unless the caller says so.
inline constexpr std::uint64_t kSafetensorsMemory = 1ull << 30;

// Strict: header at most 100 MB and inside the file, no doubled names, known dtypes, size =
// product of shape x item size (checked), no overlap, no hole, the buffer ends with the file.
// `header_json` excludes the length; errors are kInput naming file and byte.
[[nodiscard]] SafetensorsHeader parse_safetensors_header(
    std::string_view header_json, std::uint64_t file_size, const std::string& file,
    std::uint64_t max_memory = kSafetensorsMemory);
[[nodiscard]] SafetensorsHeader read_safetensors_header(const FileReader& file);
// The same from any source of `file_size` bytes: `read_at` fills exactly what it is asked for.
using ReadAt = std::function<void(std::uint64_t offset, void* data, std::size_t size)>;
[[nodiscard]] SafetensorsHeader read_safetensors_header(const ReadAt& read_at,
                                                        std::uint64_t file_size,
                                                        const std::string& file,
                                                        std::uint64_t max_memory);

// Header bytes (length included) for tensors laid out in the order given; fills begin and end.
// The data section starts at a multiple of `align`, itself one of 8; __metadata__ first, keys as
// given.
[[nodiscard]] std::string safetensors_header_bytes(
    std::vector<TensorInfo>& tensors,
    const std::vector<std::pair<std::string, std::string>>& metadata, std::uint64_t align = 8);

}  // namespace stateutils::core
