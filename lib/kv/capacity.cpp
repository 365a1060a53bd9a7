#include "kv/capacity.hpp"

#include <cmath>

#include "core/error.hpp"
#include "core/units.hpp"

namespace stateutils::kv {
namespace {

double number(const std::string& text, std::size_t digits) {
  const auto value = core::parse_double(text.substr(0, digits));
  if (!value || *value < 0 || *value > 1e18) {
    throw core::usage_error("size " + core::quoted(text) + " is no number with a unit");
  }
  return *value;
}

// Units in which `text` counts, as blocks; not rounded.
double blocks_of(const std::string& text, const CapacityScale& scale) {
  const auto ends = [&](const char* unit) { return text.ends_with(unit); };
  if (ends("blk")) return number(text, text.size() - 3);
  if (ends("tok")) return number(text, text.size() - 3) / static_cast<double>(scale.block);
  if (ends("%")) {
    if (scale.distinct == 0)
      throw core::usage_error("size " + core::quoted(text) + ": no percentage here");
    return number(text, text.size() - 1) * static_cast<double>(scale.distinct) / 100;
  }
  if (text.empty() || (text.back() >= '0' && text.back() <= '9') || text.back() == '.') {
    throw core::usage_error("size " + core::quoted(text) + " has no unit (GiB, tok, blk or %)");
  }
  const auto bytes = core::parse_size(text);
  if (!bytes)
    throw core::usage_error("size " + core::quoted(text) +
                            " is no size (40GiB, 3e6tok, 5859blk, 10%)");
  if (scale.kv_bytes_per_token == 0) {
    throw core::usage_error(
        "size " + core::quoted(text) +
        " is in bytes: --model or --kv-bytes-per-token says what a token takes");
  }
  return static_cast<double>(bytes->bytes / scale.kv_bytes_per_token / scale.block);
}

}  // namespace

std::uint64_t capacity_blocks(const std::string& text, const CapacityScale& scale) {
  const double blocks = blocks_of(text, scale);
  if (blocks < 1) throw core::usage_error("size " + core::quoted(text) + " is less than one block");
  if (blocks > 4e18) throw core::usage_error("size " + core::quoted(text) + " is too large");
  return static_cast<std::uint64_t>(blocks);
}

}  // namespace stateutils::kv
