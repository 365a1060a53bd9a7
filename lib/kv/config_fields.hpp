// Typed keys of one JSON object of a configuration; what nobody asked for is an error.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <set>
#include <string>
#include <vector>

namespace stateutils::kv {

class Fields {
 public:
  // `path` names the object in messages ("cache.tiers[1]"). A missing object has no keys.
  Fields(const nlohmann::json* object, std::string path);
  [[nodiscard]] bool has(const std::string& key);
  [[nodiscard]] const nlohmann::json& get(const std::string& key);
  [[nodiscard]] Fields object(const std::string& key);  // empty when absent
  [[nodiscard]] std::vector<Fields> objects(const std::string& key);
  [[nodiscard]] std::string text(const std::string& key, const std::string& otherwise);
  [[nodiscard]] std::string one_of(const std::string& key, const std::string& otherwise,
                                   const std::vector<std::string>& choices);
  [[nodiscard]] bool flag(const std::string& key, bool otherwise);
  [[nodiscard]] std::uint64_t count(const std::string& key, std::uint64_t otherwise,
                                    std::uint64_t least, std::uint64_t most);
  [[nodiscard]] double number(const std::string& key, double otherwise, double least, double most);
  [[nodiscard]] std::int64_t time(const std::string& key, std::int64_t otherwise);  // ns
  [[nodiscard]] double seconds(const std::string& key, double otherwise);
  [[nodiscard]] double rate(const std::string& key, double otherwise);  // "50GB/s"; bytes per s
  [[nodiscard]] std::string at(const std::string& key) const;           // its path, for messages
  void end() const;  // kUsage naming a key that nobody asked for

 private:
  const nlohmann::json* object_;
  std::string path_;
  std::set<std::string> asked_;
};

}  // namespace stateutils::kv
