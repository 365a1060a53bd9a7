// Any bytes as a log whose form is told from its first ones, the server's log with its chain among
// them; both audits, with and without lines to skip.
#include <cstddef>
#include <cstdint>

#include "sbus/audit.hpp"
#include "sbus/interval_audit.hpp"
#include "sbus/op_source.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace stateutils;
  for (const bool lenient : {false, true}) {
    const auto source = core::memory_input({reinterpret_cast<const char*>(data), size});
    sbus::Auditor auditor({.window = 2}, [](const sbus::Violation&) {});
    sbus::IntervalAuditor intervals({});
    try {
      const auto log = sbus::open_log(
          *source, {.tail = lenient, .skip_bad = lenient, .mapping = nullptr, .on_idle = {}});
      sbus::OpRecord record;
      while (log->next(record)) {
        (void)auditor.apply(record);
        (void)intervals.add(record);
      }
    } catch (const core::Error&) {
    }
    (void)intervals.finish([](const sbus::Violation&) {});
  }
  return 0;
}
