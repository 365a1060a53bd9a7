// --map: rules that say which request or tool call is which operation.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sbus/op_record.hpp"

namespace re2 {
class RE2;
}

namespace stateutils::sbus {

// Text with $-references: $1 .. $9, $user, $query.NAME, $col.N, $arg.NAME, $meta.NAME; $$ is a
// dollar sign. NAME is letters, digits, _ and -.
class Template {
 public:
  struct Reference {
    enum class Kind { kText, kGroup, kUser, kQuery, kColumn, kArgument, kMeta } kind;
    std::string name;  // or the text
    int number = 0;    // of a group or column
  };
  // Throws kInput at `file` when a reference is not one of those.
  Template(std::string_view text, const std::string& file);

  // The text with references looked up; empty when one of them has no value.
  using Lookup = std::function<std::optional<std::string>(const Reference&)>;
  [[nodiscard]] std::optional<std::string> expand(const Lookup& lookup) const;
  [[nodiscard]] const std::vector<Reference>& parts() const { return parts_; }

 private:
  std::vector<Reference> parts_;
};

struct Rule {
  std::string method;              // empty: any
  std::shared_ptr<re2::RE2> path;  // on the undecoded target; none: any
  std::string tool;                // MCP
  Op op = Op::kGet;
  std::optional<Template> key, agent, version_from;
};

struct Mapping {
  std::vector<Rule> rules;  // the first that matches wins
};

// One HTTP request of a log.
struct HttpRequest {
  std::string_view method, target, user;
  int status = 0;
  std::vector<std::string_view> columns;  // 1-based $col.N
};

// An array of rules, or an object {"rules": [...]}; unknown keys are kInput.
[[nodiscard]] Mapping load_mapping(const std::string& path);
[[nodiscard]] Mapping parse_mapping(std::string_view text, const std::string& file);

// What a rule makes of a request. Owns the text of the record.
struct MappedOp {
  Op op = Op::kGet;
  std::string key, agent;
  std::optional<std::int64_t> version;
};
// Empty when no rule matches, or the matching one finds no key.
[[nodiscard]] std::optional<MappedOp> map_request(const Mapping& mapping,
                                                  const HttpRequest& request);

[[nodiscard]] std::string percent_decoded(std::string_view text);
// `plus_is_blank`: as forms encode it.
[[nodiscard]] std::optional<std::string> query_value(std::string_view target, std::string_view name,
                                                     bool plus_is_blank = false);
// A version out of an ETag or a column: quotes and W/ stripped, digits only.
[[nodiscard]] std::optional<std::int64_t> version_text(std::string_view text);

}  // namespace stateutils::sbus
