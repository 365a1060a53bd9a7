#include "bench/task/record.hpp"

#include <algorithm>
#include <array>

#include "core/hash.hpp"

namespace stateutils::bench {
namespace {

constexpr std::array<std::string_view, 31> kOrder = {
    "gb",          "task_id",       "task_sha256", "family",
    "scenario",    "variant",       "ability",     "branch",
    "tags",        "difficulty",    "seed",        "index",
    "pack_sha256", "world",         "instruction", "instruction_variants",
    "surface",     "init",          "tools",       "limits",
    "contract",    "twin_of",       "evidence",    "shortcuts",
    "reference",   "optimal_steps", "search",      "validation",
    "metrics",     "script",        "canary"};

// What solving, validating and pairing add must not change a task's id.
constexpr std::array<std::string_view, 9> kUnsealed = {"task_id",    "task_sha256", "twin_of",
                                                       "validation", "reference",   "optimal_steps",
                                                       "shortcuts",  "search",      "metrics"};

std::size_t place(std::string_view key) {
  return static_cast<std::size_t>(std::find(kOrder.begin(), kOrder.end(), key) - kOrder.begin());
}

void append_member(std::string& out, std::string_view key, std::string_view json) {
  if (out.size() > 1) out.push_back(',');
  append_json_string(out, key);
  out.push_back(':');
  out += json;
}

}  // namespace

TaskRecord::TaskRecord(simdjson::dom::object object) {
  for (const auto field : object) members_.emplace_back(field.key, canonical(field.value));
}

const std::string* TaskRecord::find(std::string_view key) const {
  for (const auto& [name, json] : members_) {
    if (name == key) return &json;
  }
  return nullptr;
}

void TaskRecord::set(std::string_view key, std::string json) {
  for (auto& [name, old] : members_) {
    if (name == key) return static_cast<void>(old = std::move(json));
  }
  members_.emplace_back(key, std::move(json));
}

void TaskRecord::set_text(std::string_view key, std::string_view text) {
  std::string json;
  append_json_string(json, text);
  set(key, std::move(json));
}

void TaskRecord::erase(std::string_view key) {
  std::erase_if(members_, [&](const auto& m) { return m.first == key; });
}

std::string TaskRecord::json() const {
  std::vector<std::pair<std::size_t, std::size_t>> order;  // place in the schema, place here
  order.reserve(members_.size());
  std::size_t size = 2;
  for (std::size_t i = 0; i < members_.size(); ++i) {
    order.emplace_back(place(members_[i].first), i);
    size += members_[i].first.size() + members_[i].second.size() + 4;
  }
  std::sort(order.begin(), order.end());
  std::string out;
  out.reserve(size);
  out.push_back('{');
  for (const auto& [rank, i] : order) append_member(out, members_[i].first, members_[i].second);
  out.push_back('}');
  return out;
}

std::string TaskRecord::json(std::initializer_list<std::string_view> keys) const {
  std::string out = "{";
  for (const std::string_view key : keys) {
    if (const std::string* value = find(key)) append_member(out, key, *value);
  }
  return out + "}";
}

void TaskRecord::seal() {
  std::vector<const std::pair<std::string, std::string>*> order;
  for (const auto& m : members_) {
    if (std::find(kUnsealed.begin(), kUnsealed.end(), m.first) == kUnsealed.end()) {
      order.push_back(&m);
    }
  }
  std::sort(order.begin(), order.end(),
            [](const auto* a, const auto* b) { return a->first < b->first; });
  std::size_t size = 2;
  for (const auto* m : order) size += m->first.size() + m->second.size() + 4;
  std::string text;
  text.reserve(size);
  text.push_back('{');
  for (const auto* m : order) append_member(text, m->first, m->second);
  text.push_back('}');
  const std::string digest = core::sha256_hex(text);
  set_text("task_sha256", digest);
  set_text("task_id", "gb-" + digest.substr(0, 12));
}

}  // namespace stateutils::bench
