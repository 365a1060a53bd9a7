#include "bench/task/known_texts.hpp"

#include <cstring>
#include <random>

namespace stateutils::bench {
namespace {

// A key and the bracket that opens its value. Behind a comma or an opening brace such a text begins
// a member of valid JSON: within a string its first quote would be escaped.
constexpr std::array<std::string_view, KnownTexts::kMembers> kOpenings = {
    R"("world":{)", R"("base":{)", R"("tools":[)"};
constexpr std::size_t key_size(std::size_t member) {
  return kOpenings[member].size() - 1;
}

constexpr int kPatience = 8;
constexpr int kDeepest = 32;         // so that a text is nowhere nested too deep for a record
constexpr std::size_t kSample = 64;  // bytes of a text that are looked for

// Behind the bracket that closes the one at `at`, in valid JSON; npos when it is nested too deep.
std::size_t value_end(std::string_view line, std::size_t at) {
  int depth = 0;
  for (; at < line.size(); ++at) {
    const char c = line[at];
    if (c == '"') {
      for (++at; at < line.size() && line[at] != '"'; ++at) at += line[at] == '\\';
    } else if (c == '{' || c == '[') {
      if (++depth > kDeepest) break;
    } else if ((c == '}' || c == ']') && --depth == 0) {
      return at + 1;
    }
  }
  return std::string_view::npos;
}

std::size_t find(std::string_view line, std::size_t from, std::string_view wanted) {
  const void* found =
      ::memmem(line.data() + from, line.size() - from, wanted.data(), wanted.size());
  if (found == nullptr) return std::string_view::npos;
  return static_cast<std::size_t>(static_cast<const char*>(found) - line.data());
}

// Where a member that begins with this text stands.
std::size_t find_member(std::string_view line, std::size_t from, std::string_view text) {
  for (std::size_t at = find(line, from, text); at != std::string_view::npos;
       at = find(line, at + 1, text)) {
    if (at > 0 && (line[at - 1] == ',' || line[at - 1] == '{')) return at;
  }
  return std::string_view::npos;
}

}  // namespace

KnownTexts::KnownTexts() {
  std::random_device random;
  for (Known& known : known_) {
    known.mark = "\"gb-mark-";
    for (int i = 0; i < 4; ++i) known.mark += std::to_string(random()) + "-";
    known.mark += "\"";
    known.patience = kPatience;
  }
}

std::string_view KnownTexts::shorten(std::string_view line) {
  short_.clear();
  std::size_t copied = 0, from = 0;
  for (std::size_t m = 0; m < kMembers; ++m) {
    Known& known = known_[m];
    known.marked = false;
    if (known.text.empty()) continue;
    const std::string_view text = known.text;
    const std::size_t at = find_member(line, from, text.substr(0, kSample));
    if (at == std::string_view::npos || line.substr(at, text.size()) != text) continue;
    short_.append(line, copied, at + key_size(m) - copied);
    short_ += known.mark;
    from = copied = at + text.size();
    known.marked = true;
  }
  if (copied == 0) return line;
  short_.append(line, copied);
  const std::size_t size = short_.size();
  short_.append(simdjson::SIMDJSON_PADDING, ' ');
  return std::string_view(short_).substr(0, size);
}

bool KnownTexts::stands(simdjson::dom::object object) {
  std::array<bool, kMembers> seen{};
  for (const auto field : object) {
    if (field.key == "world") seen[kWorld] |= is_mark(kWorld, field.value);
    if (field.key == "tools") seen[kTools] |= is_mark(kTools, field.value);
    if (field.key != "init" || !known_[kBase].marked || !field.value.is_object()) continue;
    for (const auto inner : simdjson::dom::object(field.value)) {
      if (inner.key == "base") seen[kBase] |= is_mark(kBase, inner.value);
    }
  }
  bool all = true;
  for (std::size_t m = 0; m < kMembers; ++m) {
    all = all && seen[m] == known_[m].marked;
    if (seen[m]) known_[m].patience = kPatience;
  }
  if (!all) {
    for (Known& known : known_) known.marked = false;
  }
  return all;
}

void KnownTexts::learn(std::string_view line) {
  std::size_t from = 0;
  for (std::size_t m = 0; m < kMembers; ++m) {
    Known& known = known_[m];
    if (known.marked || known.patience == 0) continue;
    --known.patience;
    const std::size_t at = find_member(line, from, kOpenings[m]);
    if (at == std::string_view::npos) continue;
    const std::size_t end = value_end(line, at + key_size(m));
    if (end == std::string_view::npos) continue;
    known.text.assign(line, at, end - at);
    ++known.generation;
    from = end;
  }
}

bool KnownTexts::is_mark(Member member, const simdjson::dom::element& value) const {
  const Known& known = known_[member];
  return known.marked && value.is_string() &&
         std::string_view(value) == std::string_view(known.mark).substr(1, known.mark.size() - 2);
}

std::string_view KnownTexts::text(Member member) const {
  return std::string_view(known_[member].text).substr(key_size(member));
}

}  // namespace stateutils::bench
