// Compressed checkpoints: whatever the bytes are, reading ends with tensors or with an input error.
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "ckpt/ckz/read.hpp"
#include "ckpt/plan/tensor_file.hpp"
#include "core/error.hpp"

using namespace stateutils;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  ckpt::ReadOptions options;
  options.max_memory = 64u << 20;
  try {
    const ckpt::Catalogue catalogue = ckpt::open_ckz(ckpt::memory_file(bytes, "fuzz"), options);
    for (const ckpt::Tensor& tensor : catalogue.tensors) {
      const ckpt::ByteFilePtr file = ckpt::tensor_file(tensor);
      if (file->size() == 0 || file->size() > (4u << 20)) continue;
      std::vector<char> out(file->size());
      file->read_at(0, out.data(), out.size());
    }
  } catch (const core::Error&) {
    // refused, as most inputs must be
  }
  return 0;
}
