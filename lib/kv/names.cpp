#include "core/error.hpp"
#include "core/hash.hpp"
#include "kv/trace.hpp"

namespace stateutils::kv {

void Names::grow() {
  const std::size_t size = table_.empty() ? 64 : table_.size() * 2;
  table_.assign(size, kNone);
  for (std::uint32_t number = 0; number < ends_.size(); ++number) {
    const std::string_view text = (*this)[number];
    std::size_t slot = core::xxh3_64(text.data(), text.size()) & (size - 1);
    while (table_[slot] != kNone) slot = (slot + 1) & (size - 1);
    table_[slot] = number;
  }
}

std::uint32_t Names::find(std::string_view text) const {
  if (table_.empty()) return kNone;
  const std::size_t mask = table_.size() - 1;
  for (std::size_t slot = core::xxh3_64(text.data(), text.size()) & mask; table_[slot] != kNone;
       slot = (slot + 1) & mask) {
    if ((*this)[table_[slot]] == text) return table_[slot];
  }
  return kNone;
}

std::uint32_t Names::intern(std::string_view text) {
  // At most 5/8 full: probes stay short and the table costs under 13 bytes a name.
  if (table_.size() * 5 <= ends_.size() * 8) grow();
  const std::size_t mask = table_.size() - 1;
  std::size_t slot = core::xxh3_64(text.data(), text.size()) & mask;
  while (table_[slot] != kNone) {
    if ((*this)[table_[slot]] == text) return table_[slot];
    slot = (slot + 1) & mask;
  }
  if (ends_.size() >= kNone - 1) throw core::environment_error("more than 2^32 names in a trace");
  if (text.size() > kNone - text_.size()) {
    throw core::environment_error("more than 4 GiB of names in a trace");
  }
  table_[slot] = static_cast<std::uint32_t>(ends_.size());
  text_.append(text);
  ends_.push_back(static_cast<std::uint32_t>(text_.size()));
  return table_[slot];
}

std::string Trace::id_of(std::uint32_t i) const {
  if (!id.empty()) return std::string(ids[id[i]]);
  return ids.size() == 0 ? std::to_string(i) : std::string(ids[i]);
}

bool Trace::is_last(std::uint32_t i) const {
  return !last.empty() && (last[i] & 1) != 0;
}

}  // namespace stateutils::kv
