// Files of generating vectors and matrices: read or refused.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/error.hpp"
#include "qmc/ld_file.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace stateutils;
  try {
    const auto file = qmc::parse_ld_text({reinterpret_cast<const char*>(data), size}, "f");
    (void)file.dims();
  } catch (const core::Error&) {
  }
  return 0;
}
