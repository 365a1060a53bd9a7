// Any bytes as a mapping and, after the first zero byte, as an access log.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "sbus/audit.hpp"
#include "sbus/op_source.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace stateutils;
  const std::string_view all(reinterpret_cast<const char*>(data), size);
  const std::size_t cut = all.find('\0');
  if (cut == std::string_view::npos) return 0;
  try {
    const sbus::Mapping mapping = sbus::parse_mapping(all.substr(0, cut), "rules");
    const auto source = core::memory_input(all.substr(cut + 1));
    const auto log = sbus::open_log(
        *source, {.format = sbus::LogFormat::kClf, .mapping = &mapping, .on_idle = {}});
    sbus::Auditor auditor({.window = 4}, [](const sbus::Violation&) {});
    sbus::OpRecord record;
    while (log->next(record)) auditor.apply(record);
  } catch (const core::Error&) {
  }
  return 0;
}
