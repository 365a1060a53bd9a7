// Packs that are part of the program, so that it works without being installed.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace stateutils::bench {

struct ShippedPack {
  std::string_view name;  // file name without .json
  std::string_view text;
};

[[nodiscard]] std::span<const ShippedPack> shipped_packs();
// What `new` starts a pack with.
[[nodiscard]] std::span<const ShippedPack> pack_templates();
[[nodiscard]] const ShippedPack* find_shipped(std::string_view name);
// By the SHA-256 of the canonical form, which is what task records carry.
[[nodiscard]] const ShippedPack* find_shipped_by_hash(std::string_view sha256);
[[nodiscard]] std::string pack_hash(std::string_view text, const std::string& file);

}  // namespace stateutils::bench
