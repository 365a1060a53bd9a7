// Any bytes as an HTTP archive.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "sbus/audit.hpp"
#include "sbus/op_source.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace stateutils;
  const auto source = core::memory_input({reinterpret_cast<const char*>(data), size});
  try {
    const auto log = sbus::open_log(
        *source, {.format = sbus::LogFormat::kHar, .mapping = nullptr, .on_idle = {}});
    sbus::Auditor auditor({.window = 4}, [](const sbus::Violation&) {});
    sbus::OpRecord record;
    while (log->next(record)) auditor.apply(record);
  } catch (const core::Error&) {
  }
  return 0;
}
