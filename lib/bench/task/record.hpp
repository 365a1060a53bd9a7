// Task records as ordered members of canonical JSON text: read, changed and written again without
// touching what a command does not know.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "bench/world/json.hpp"

namespace stateutils::bench {

class TaskRecord {
 public:
  TaskRecord() = default;
  explicit TaskRecord(simdjson::dom::object object);

  [[nodiscard]] const std::string* find(std::string_view key) const;
  void set(std::string_view key, std::string json);
  void set_text(std::string_view key, std::string_view text);
  void erase(std::string_view key);
  // All members in the order of the schema; members it does not name come last, as they came.
  [[nodiscard]] std::string json() const;
  // Only these members, in this order, where present.
  [[nodiscard]] std::string json(std::initializer_list<std::string_view> keys) const;
  // Sets task_sha256 and task_id from everything that solving and validating leave alone.
  void seal();

 private:
  struct Member {
    std::string key, json;
    std::size_t place;  // in the schema; beyond its end for members it does not name
  };
  std::vector<Member> members_;
};

}  // namespace stateutils::bench
