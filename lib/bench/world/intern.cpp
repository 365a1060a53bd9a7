#include "bench/world/intern.hpp"

#include <charconv>
#include <cstring>

#include "bench/world/text.hpp"
#include "core/hash.hpp"
#include "core/json_string.hpp"

namespace stateutils::bench {

Id SlotTable::add(std::uint64_t hash) {
  const auto id = static_cast<Id>(entries_.size());
  entries_.push_back({hash, 0});
  if (entries_.size() * 2 > slots_.size()) {
    slots_.assign(slots_.size() * 2, kNone);
    for (Id old = 0; old <= id; ++old) place(old);
  } else {
    place(id);
  }
  return id;
}

void SlotTable::place(Id id) {
  std::size_t i = entries_[id].hash & mask();
  while (slots_[i] != kNone) i = (i + 1) & mask();
  slots_[i] = id;
  entries_[id].slot = static_cast<std::uint32_t>(i);
}

void SlotTable::rollback(std::size_t count) {
  while (entries_.size() > count) {
    slots_[entries_.back().slot] = kNone;
    entries_.pop_back();
  }
}

Id SequencePool::intern(std::span<const Id> items) {
  const std::uint64_t hash = core::xxh3_64(items.data(), items.size_bytes());
  const Id known = table_.find(hash, [&](Id id) {
    return items_[id].size == items.size() &&
           (items.empty() || std::memcmp(items_[id].data, items.data(), items.size_bytes()) == 0);
  });
  if (known != kNone) return known;
  Id* copy = arena_.allocate(items.size());
  if (!items.empty()) std::memcpy(copy, items.data(), items.size_bytes());
  items_.push_back({copy, static_cast<std::uint32_t>(items.size())});
  return table_.add(hash);
}

void SequencePool::rollback(const Mark& m) {
  table_.rollback(m.count);
  items_.resize(m.count);
  arena_.rollback(m.arena);
}

std::uint64_t AtomPool::hash(AtomKind kind, std::string_view text) const {
  return core::xxh3_64(text.data(), text.size()) + static_cast<std::uint64_t>(kind);
}

Id AtomPool::find_string(std::string_view text) const {
  return table_.find(hash(AtomKind::kString, text), [&](Id id) {
    return items_[id].kind == AtomKind::kString && this->text(id) == text;
  });
}

AtomPool::Item AtomPool::stored(AtomKind kind, std::string_view text) {
  bool plain = kind == AtomKind::kString;
  for (const char c : text) plain = plain && c >= ' ' && c < 0x7f && c != '"' && c != '\\';
  const auto size = static_cast<std::uint32_t>(text.size());
  char* copy = arena_.allocate(text.size() + 3);
  *copy++ = '"';
  if (size > 0) std::memcpy(copy, text.data(), size);
  copy[size] = '"';
  copy[size + 1] = ':';
  std::uint64_t head = 0;
  for (std::size_t i = 0; i < 8; ++i) {
    head = head << 8 | (i < size ? static_cast<unsigned char>(text[i]) : 0u);
  }
  return {copy, head, size, kind, plain, kNone, kNone};
}

Id AtomPool::intern(AtomKind kind, std::string_view text) {
  const std::uint64_t h = hash(kind, text);
  const Id known =
      table_.find(h, [&](Id id) { return items_[id].kind == kind && is_text(id, text); });
  if (known != kNone) return known;
  items_.push_back(stored(kind, text));
  const Id id = table_.add(h);
  items_[id].as_text = items_[id].as_any = id;
  if (kind == AtomKind::kString) normalise(id);
  return id;
}

void AtomPool::normalise(Id id) {
  const std::string_view text = this->text(id);
  // Most texts are their own normal form: ASCII without blanks around it that is no date-time.
  const bool trimmed = !text.empty() && text.front() > ' ' && text.back() > ' ';
  if (!items_[id].plain || !trimmed) {
    std::string buffer;
    const std::string_view normal = normalised_text(text, buffer);
    if (normal != text) {
      const Id other = intern(AtomKind::kString, normal);
      items_[id].as_text = other;
      items_[id].as_any = items_[other].as_any;
      return;
    }
  }
  if (text.size() < 16 || text[10] != 'T') return;
  const auto minutes = parse_datetime(text);
  if (!minutes) return;
  const std::string iso = format_datetime(*minutes);
  if (iso == text) return;
  const Id other = intern(AtomKind::kString, iso);
  items_[id].as_any = other;
}

Id AtomPool::integer(std::int64_t value) {
  char buffer[24];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, value).ptr;
  return intern(AtomKind::kInteger, {buffer, static_cast<std::size_t>(end - buffer)});
}

Id AtomPool::number(double value) {
  char buffer[40];
  if (value == 0) value = 0;  // -0 is 0
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, value).ptr;
  const std::string_view text{buffer, static_cast<std::size_t>(end - buffer)};
  const bool whole = text.find_first_not_of("-0123456789") == std::string_view::npos;
  return intern(whole ? AtomKind::kInteger : AtomKind::kNumber, text);
}

void AtomPool::write_other(Id id, std::string& out) const {
  if (items_[id].kind == AtomKind::kString) return append_json_string(out, text(id));
  out.append(text(id));
}

void AtomPool::rollback(const Mark& m) {
  table_.rollback(m.count);
  items_.resize(m.count);
  arena_.rollback(m.arena);
}

void append_json_string(std::string& out, std::string_view text) {
  core::append_json_string(out, text);
}

}  // namespace stateutils::bench
