// What a sweep minimises: an arithmetic expression over fields of a summary.
#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace stateutils::kv {

// numbers, field paths (ttft.p99), + - * / ( ), min(a, b, ...), max(a, b, ...). Parsing fails with
// kUsage at the place of the mistake, or naming a field that no summary has.
class Objective {
 public:
  explicit Objective(const std::string& text);
  ~Objective();
  Objective(Objective&&) noexcept;
  // NaN when a field is null in this summary, as every time is when nothing was served, or the
  // value is not finite.
  [[nodiscard]] double of(const nlohmann::json& summary) const;

  struct Node;

 private:
  std::unique_ptr<Node> root_;
};

[[nodiscard]] bool is_summary_field(const std::string& path);

}  // namespace stateutils::kv
