// Any bytes as an operation log: decoded and audited, or refused as input.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/error.hpp"
#include "core/input.hpp"
#include "core/jsonl.hpp"
#include "sbus/audit.hpp"
#include "sbus/oplog.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace stateutils;
  const auto source = core::memory_input({reinterpret_cast<const char*>(data), size});
  try {
    core::JsonlReader reader(*source, {.format = "oplog"});
    sbus::Auditor auditor({.window = 4}, [](const sbus::Violation&) {});
    sbus::OplogDecoder decoder;
    sbus::OpRecord record;
    while (const core::Record* line = reader.next()) {
      decoder.decode(*line, record);
      auditor.apply(record);
    }
  } catch (const core::Error&) {
  }
  return 0;
}
