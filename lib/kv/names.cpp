#include "kv/names.hpp"

#include "core/error.hpp"
#include "core/hash.hpp"

namespace stateutils::kv {

std::uint64_t Names::hash_of(std::uint32_t number) const {
  const std::string_view text = (*this)[number];
  return core::xxh3_64(text.data(), text.size());
}

std::uint32_t Names::find(std::string_view text) const {
  return table_.find(core::xxh3_64(text.data(), text.size()),
                     [&](std::uint32_t number) { return (*this)[number] == text; });
}

std::uint32_t Names::intern(std::string_view text) {
  const std::uint64_t hash = core::xxh3_64(text.data(), text.size());
  const std::uint32_t known =
      table_.find(hash, [&](std::uint32_t number) { return (*this)[number] == text; });
  if (known != kNone) return known;
  if (ends_.size() >= kNone - 1) throw core::environment_error("more than 2^32 names in a trace");
  if (text.size() > kNone - text_.size()) {
    throw core::environment_error("more than 4 GiB of names in a trace");
  }
  text_.append(text);
  ends_.push_back(static_cast<std::uint32_t>(text_.size()));
  return table_.add(hash, [this](std::uint32_t number) { return hash_of(number); });
}

}  // namespace stateutils::kv
