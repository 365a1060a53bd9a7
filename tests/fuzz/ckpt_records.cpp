// The JSON records of the tool's own formats: protection, quantized layers, stages. The first byte
// chooses which.
#include <cstddef>
#include <cstdint>
#include <string>

#include "ckpt/ckz/layout.hpp"
#include "ckpt/protect/parity.hpp"
#include "ckpt/quant/store.hpp"
#include "core/error.hpp"

using namespace stateutils;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
  try {
    if (data[0] == 'p') {
      const auto sidecar = ckpt::protect::parse_sidecar(text, "fuzz");
      (void)ckpt::protect::parse_sidecar(ckpt::protect::sidecar_text(sidecar), "again");
    } else if (data[0] == 'q') {
      (void)ckpt::quant::config_text(ckpt::quant::parse_config(text, "fuzz"));
    } else {
      (void)ckpt::ckz::heads_text(ckpt::ckz::parse_heads(text, "fuzz"));
    }
  } catch (const core::Error&) {
    // refused
  }
  return 0;
}
