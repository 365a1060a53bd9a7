// Any text: a document or one input error; the canonical form is a fixed point.
#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string_view>

#include "core/json.hpp"

using namespace stateutils;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    const nlohmann::json value = core::parse_json(text, "fuzz");
    const std::string canonical = core::canonical_json(value);
    if (core::canonical_json(core::parse_json(canonical, "again")) != canonical) std::abort();
    if (core::parse_ordered_json(text, "fuzz").size() != value.size()) std::abort();
  } catch (const core::Error& e) {
    if (e.category() != core::Category::kInput) std::abort();
  }
  return 0;
}
