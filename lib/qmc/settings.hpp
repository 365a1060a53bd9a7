// "name:key=value,..." taken apart.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace stateutils::qmc {

// Every key must be taken once; require_all_used() refuses the rest. All errors are kUsage.
class Settings {
 public:
  explicit Settings(std::string_view text);

  [[nodiscard]] const std::string& name() const { return name_; }
  double number(const std::string& key, double otherwise);
  double positive(const std::string& key, double otherwise);
  std::string choice(const std::string& key, const std::vector<std::string>& known);
  void require_all_used() const;

 private:
  std::optional<std::string> take(const std::string& key);
  std::string name_;
  std::map<std::string, std::string> values_;
};

}  // namespace stateutils::qmc
