// Any bytes as an .npz archive, stored or deflated: opened and read through, or refused.
#include <cstdint>
#include <string>

#include "ckpt/formats/numpy.hpp"
#include "ckpt/ops/scan.hpp"
#include "ckpt/zip/inflate.hpp"
#include "core/error.hpp"

using namespace stateutils::ckpt;

namespace {

// The bytes alone as deflated data, so that checksums and directories do not stand in the way.
void inflate(const ByteFilePtr& file) {
  constexpr std::uint64_t kClaimed = 1u << 16;
  std::string out(kClaimed, '\0');
  inflated_file(file, 0, file->size(), kClaimed)->read_at(0, out.data(), out.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto file = memory_file(std::string(reinterpret_cast<const char*>(data), size), "fuzz");
  try {
    inflate(file);
  } catch (const stateutils::core::Error&) {
  }
  try {
    const Catalogue catalogue = open_npz(file, {.max_memory = 16u << 20});
    (void)check_sums(catalogue.sums, 1);
    (void)scan_tensors(catalogue, {.xxh3 = true}, 1, 16u << 20);
  } catch (const stateutils::core::Error&) {
    return 0;
  }
  return 0;
}
