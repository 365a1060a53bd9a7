#include "bench/pack/shipped.hpp"

#include "bench/world/json.hpp"
#include "core/hash.hpp"

namespace stateutils::bench {

std::string pack_hash(std::string_view text, const std::string& file) {
  const Document document{std::string(text), file, true};
  return core::sha256_hex(canonical(document.root().element()));
}

const ShippedPack* find_shipped(std::string_view name) {
  for (const ShippedPack& pack : shipped_packs()) {
    if (pack.name == name) return &pack;
  }
  return nullptr;
}

const ShippedPack* find_shipped_by_hash(std::string_view sha256) {
  for (const ShippedPack& pack : shipped_packs()) {
    if (pack_hash(pack.text, std::string(pack.name)) == sha256) return &pack;
  }
  return nullptr;
}

}  // namespace stateutils::bench
