// Any bytes: records or one input error, and what was read can be written and read again.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "core/jsonl.hpp"
#include "core/output.hpp"

namespace {

using namespace stateutils;

// Look-ups of every kind must end in a value or in an input error.
void look_up_all(const core::Record& record) {
  for (const auto field : record.raw()) {
    try {
      (void)record.find(field.key);
      (void)record.opt_string(field.key);
    } catch (const core::Error&) {
    }
    try {
      (void)record.opt_u64(field.key);
    } catch (const core::Error&) {
    }
    try {
      (void)record.opt_number(field.key);
      (void)record.opt_i64(field.key);
    } catch (const core::Error&) {
    }
  }
}

std::uint64_t read_records(std::string_view bytes, core::JsonlOptions options,
                           core::JsonlWriter* copy) {
  const auto source = core::memory_input(bytes, "fuzz");
  core::JsonlReader reader(*source, options);
  std::uint64_t records = 0;
  while (const core::Record* record = reader.next()) {
    look_up_all(*record);
    if (copy != nullptr) copy->record(record->text());
    ++records;
  }
  return records;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  core::JsonlOptions options;
  options.max_line = 4096;
  core::MemoryOutput out;
  core::JsonlWriter writer(out);
  std::uint64_t records = 0;
  try {
    writer.header("fuzz", 1);
    records = read_records(bytes, options, &writer);
    writer.trailer();
  } catch (const core::Error& e) {
    if (e.category() != core::Category::kInput) std::abort();
    try {
      options.tail = true;
      (void)read_records(bytes, options, nullptr);
    } catch (const core::Error&) {
    }
    return 0;
  }
  options.format = "fuzz";
  if (read_records(out.text(), options, nullptr) != records) std::abort();
  return 0;
}
