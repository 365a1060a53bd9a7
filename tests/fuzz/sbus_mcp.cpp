// Any bytes as MCP messages.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "sbus/audit.hpp"
#include "sbus/op_source.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace stateutils;
  const auto source = core::memory_input({reinterpret_cast<const char*>(data), size});
  try {
    const sbus::Mapping mapping = sbus::parse_mapping(
        R"([{"tool":"set","op":"commit","key":"$arg.key"},{"tool":"get","op":"get","key":"$arg.key"}])",
        "rules");
    const auto log = sbus::open_log(
        *source, {.format = sbus::LogFormat::kMcp, .mapping = &mapping, .on_idle = {}});
    sbus::Auditor auditor({.window = 4}, [](const sbus::Violation&) {});
    sbus::OpRecord record;
    while (log->next(record)) auditor.apply(record);
  } catch (const core::Error&) {
  }
  return 0;
}
