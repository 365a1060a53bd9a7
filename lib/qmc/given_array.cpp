// Explicit randomness: .npy arrays and tensors of safetensors files.
#include <bit>
#include <cstring>

#include "core/error.hpp"
#include "core/npy.hpp"
#include "core/safetensors.hpp"
#include "qmc/point_set.hpp"

namespace stateutils::qmc {
namespace {

constexpr std::uint64_t kMaxItems = 1ull << 30;

template <class T>
std::vector<T> read_items(core::NpyReader& reader) {
  std::vector<T> values, part(8192);
  while (const std::size_t got = reader.read(std::span<T>(part))) {
    values.insert(values.end(), part.begin(), part.begin() + static_cast<std::ptrdiff_t>(got));
  }
  return values;
}

GivenArray from_npy(const std::string& path) {
  const auto source = core::open_input(path);
  core::NpyReader reader(*source);
  const core::NpyHeader& header = reader.header();
  if (header.items() > kMaxItems) throw core::input_error({path}, "more than 2^30 items");
  GivenArray array;
  array.file = path;
  array.shape = header.shape;
  if (header.type == core::NpyType::kF8 || header.type == core::NpyType::kF4) {
    array.fractions = read_items<double>(reader);
  } else {
    array.values = read_items<std::uint64_t>(reader);
  }
  return array;
}

GivenArray from_safetensors(const std::string& path, const std::string& name) {
  const core::FileReader file(path);
  const core::SafetensorsHeader header = core::read_safetensors_header(file);
  for (const core::TensorInfo& tensor : header.tensors) {
    if (tensor.name != name) continue;
    GivenArray array;
    array.file = path;
    array.shape = tensor.shape;
    const std::size_t item = core::item_bytes(tensor.dtype);
    std::string bytes(tensor.bytes(), '\0');
    file.read_at(header.data_offset + tensor.begin, bytes.data(), bytes.size());
    if (tensor.dtype == core::DType::kF64) {
      array.fractions.resize(bytes.size() / 8);
      std::memcpy(array.fractions.data(), bytes.data(), bytes.size());
    } else if (tensor.dtype == core::DType::kU64 || tensor.dtype == core::DType::kI64 ||
               tensor.dtype == core::DType::kU32) {
      array.values.resize(bytes.size() / item);
      for (std::size_t i = 0; i < array.values.size(); ++i) {
        std::memcpy(&array.values[i], bytes.data() + i * item, item);
      }
    } else {
      throw core::input_error({path},
                              "tensor " + core::quoted(name) + " is not U64, I64, U32 or F64");
    }
    return array;
  }
  throw core::input_error({path}, "no tensor named " + core::quoted(name));
}

}  // namespace

GivenArray read_given_array(const std::string& path, const std::string& name) {
  char magic[6] = {};
  if (path != "-") {
    const core::FileReader file(path);
    if (file.size() >= sizeof magic) file.read_at(0, magic, sizeof magic);
    // zstd frames and .npy go through the stream reader; anything else must be safetensors.
    const bool npy = std::memcmp(magic, "\x93NUMPY", 6) == 0;
    const bool zstd = std::memcmp(magic, "\x28\xB5\x2F\xFD", 4) == 0;
    if (!npy && !zstd) return from_safetensors(path, name);
  }
  return from_npy(path);
}

}  // namespace stateutils::qmc
