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

// Of each place: whether it is sealed, and its rank in canonical order.
constexpr auto kSealed = [] {
  std::array<bool, kOrder.size()> out{};
  for (std::size_t i = 0; i < kOrder.size(); ++i) {
    out[i] = std::find(kUnsealed.begin(), kUnsealed.end(), kOrder[i]) == kUnsealed.end();
  }
  return out;
}();
constexpr auto kRank = [] {
  std::array<std::size_t, kOrder.size()> out{};
  for (std::size_t i = 0; i < kOrder.size(); ++i) {
    for (const std::string_view other : kOrder) out[i] += other < kOrder[i];
  }
  return out;
}();

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
  for (const auto field : object) {
    members_.push_back({std::string(field.key), canonical(field.value), place(field.key)});
  }
}

const std::string* TaskRecord::find(std::string_view key) const {
  for (const Member& m : members_) {
    if (m.key == key) return &m.json;
  }
  return nullptr;
}

void TaskRecord::set(std::string_view key, std::string json) {
  for (Member& m : members_) {
    if (m.key == key) return static_cast<void>(m.json = std::move(json));
  }
  members_.push_back({std::string(key), std::move(json), place(key)});
}

void TaskRecord::set_text(std::string_view key, std::string_view text) {
  std::string json;
  append_json_string(json, text);
  set(key, std::move(json));
}

void TaskRecord::erase(std::string_view key) {
  std::erase_if(members_, [&](const Member& m) { return m.key == key; });
}

std::string TaskRecord::json() const {
  std::vector<const Member*> order;
  order.reserve(members_.size());
  std::size_t size = 2;
  for (const Member& m : members_) {
    order.push_back(&m);
    size += m.key.size() + m.json.size() + 4;
  }
  std::sort(order.begin(), order.end(), [](const Member* a, const Member* b) {
    return a->place != b->place ? a->place < b->place : a < b;
  });
  std::string out;
  out.reserve(size);
  out.push_back('{');
  for (const Member* m : order) append_member(out, m->key, m->json);
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
  std::vector<const Member*> order;
  order.reserve(members_.size());
  for (const Member& m : members_) {
    if (m.place == kOrder.size() || kSealed[m.place]) order.push_back(&m);
  }
  std::sort(order.begin(), order.end(), [](const Member* a, const Member* b) {
    const bool in_schema = a->place < kOrder.size() && b->place < kOrder.size();
    return in_schema ? kRank[a->place] < kRank[b->place] : a->key < b->key;
  });
  core::Sha256 sha;
  std::string name = "{";
  for (const Member* m : order) {
    if (m != order.front()) name = ",";
    append_json_string(name, m->key);
    name.push_back(':');
    sha.update(name.data(), name.size());
    sha.update(m->json.data(), m->json.size());
  }
  sha.update("}", 1);
  const core::Sha256Digest bytes = sha.digest();
  const std::string digest = core::hex(bytes.data(), bytes.size());
  set_text("task_sha256", digest);
  set_text("task_id", "gb-" + digest.substr(0, 12));
}

}  // namespace stateutils::bench
