// Any bytes as the rules of --map, applied to a fixed access log.
#include <cstddef>
#include <cstdint>

#include "sbus/op_source.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace stateutils;
  try {
    const sbus::Mapping mapping =
        sbus::parse_mapping({reinterpret_cast<const char*>(data), size}, "rules");
    const auto log_of = [&](std::string_view text, sbus::LogFormat format) {
      const auto source = core::memory_input(text);
      const auto log =
          sbus::open_log(*source, {.format = format, .mapping = &mapping, .on_idle = {}});
      sbus::OpRecord record;
      while (log->next(record)) {
      }
    };
    log_of(
        "::1 - ann [10/Oct/2000:13:55:36 +0000] \"GET /plan/x?a=%41&b HTTP/1.1\" 200 5 \"-\" "
        "\"agent\" \"7\"\n",
        sbus::LogFormat::kClf);
    log_of(R"({"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"set","arguments":)"
           R"({"key":"k"},"_meta":{"agent_id":"a"}}})"
           "\n"
           R"({"jsonrpc":"2.0","id":1,"result":{}})"
           "\n",
           sbus::LogFormat::kMcp);
  } catch (const core::Error&) {
  }
  return 0;
}
