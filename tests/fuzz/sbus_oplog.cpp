// Any bytes as an operation log: decoded and audited, or refused as input; and what the reader of
// plain lines takes, the decoder of records takes too.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "core/error.hpp"
#include "core/input.hpp"
#include "core/jsonl.hpp"
#include "sbus/audit.hpp"
#include "sbus/oplog.hpp"
#include "sbus/oplog_line.hpp"

namespace {

using namespace stateutils;

bool same(const sbus::OpRecord& x, const sbus::OpRecord& y) {
  if (x.op != y.op || x.status != y.status || x.ts != y.ts || x.start != y.start ||
      x.end != y.end || x.agent != y.agent || x.key != y.key || x.error != y.error ||
      x.version != y.version || x.expected != y.expected || x.keys != y.keys ||
      x.read_set.size() != y.read_set.size()) {
    return false;
  }
  for (std::size_t i = 0; i < x.read_set.size(); ++i) {
    if (x.read_set[i].key != y.read_set[i].key || x.read_set[i].version != y.read_set[i].version) {
      return false;
    }
  }
  return true;
}

// What the reader of plain lines takes must be what the decoder of records makes of the line.
void compare(std::string_view line) {
  sbus::OpRecord plain, parsed;
  if (!sbus::decode_plain_line(line, plain)) return;
  const auto source = core::memory_input(line);
  core::JsonlReader reader(*source, {.format = "oplog"});
  sbus::OplogDecoder decoder;
  try {
    const core::Record* record = reader.next();
    if (record == nullptr) std::abort();
    decoder.decode(*record, parsed);
  } catch (const core::Error&) {
    std::abort();
  }
  if (!same(plain, parsed)) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  try {
    const auto source = core::memory_input(text);
    core::LineReader lines(*source);
    std::string_view line;
    while (lines.next(line)) compare(line);
  } catch (const core::Error&) {
  }
  const auto source = core::memory_input(text);
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
