// Packs from hostile hands: any bytes are a pack or an error, never a crash.
#include <cstddef>
#include <cstdint>
#include <string>

#include "bench/pack/lint.hpp"
#include "core/error.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace stateutils;
  try {
    bench::Store store;
    const bench::Document document{std::string(reinterpret_cast<const char*>(data), size), "fuzz",
                                   true};
    const bench::Pack pack = bench::read_pack(document, store);
    (void)bench::lint(pack, store);
  } catch (const core::Error&) {
  }
  return 0;
}
