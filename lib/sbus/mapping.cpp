#include "sbus/mapping.hpp"

#include <re2/re2.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "core/input.hpp"
#include "core/json.hpp"
#include "core/units.hpp"

namespace stateutils::sbus {
namespace {

constexpr std::uint64_t kMostMappingBytes = 16u << 20;

bool is_name_char(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         c == '-';
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::string text_of(const nlohmann::json& value, const std::string& key, const std::string& file) {
  if (!value.is_string()) {
    throw core::input_error({file}, core::quoted(key) + ": expected a string");
  }
  return value.get<std::string>();
}

Rule parse_rule(const nlohmann::json& from, const std::string& file) {
  if (!from.is_object()) throw core::input_error({file}, "a rule is an object");
  Rule rule;
  bool has_op = false;
  for (const auto& [key, value] : from.items()) {
    const std::string text = text_of(value, key, file);
    if (key == "method") {
      rule.method = text;
    } else if (key == "path_regex") {
      re2::RE2::Options options;
      options.set_log_errors(false);
      rule.path = std::make_shared<re2::RE2>(text, options);
      if (!rule.path->ok()) {
        throw core::input_error({file},
                                "\"path_regex\" " + core::quoted(text) + ": " + rule.path->error());
      }
    } else if (key == "tool") {
      rule.tool = text;
    } else if (key == "op") {
      const auto op = op_by_name(text);
      if (!op)
        throw core::input_error({file}, "\"op\": " + core::quoted(text) + " is no operation");
      rule.op = *op;
      has_op = true;
    } else if (key == "key") {
      rule.key.emplace(text, file);
    } else if (key == "agent") {
      rule.agent.emplace(text, file);
    } else if (key == "version_from") {
      rule.version_from.emplace(text, file);
    } else {
      throw core::input_error({file}, core::quoted(key) + " is no key of a rule");
    }
  }
  if (!has_op) throw core::input_error({file}, "a rule needs \"op\"");
  if (!rule.key && rule.op != Op::kSession && rule.op != Op::kExpire) {
    throw core::input_error({file},
                            "a rule for " + std::string(op_name(rule.op)) + " needs \"key\"");
  }
  return rule;
}

}  // namespace

Template::Template(std::string_view text, const std::string& file) {
  const auto literal = [this](char c) {
    if (parts_.empty() || parts_.back().kind != Reference::Kind::kText) {
      parts_.push_back({Reference::Kind::kText, "", 0});
    }
    parts_.back().name += c;
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '$') {
      literal(text[i]);
      continue;
    }
    ++i;
    if (i < text.size() && text[i] == '$') {
      literal('$');
      continue;
    }
    if (i < text.size() && text[i] >= '0' && text[i] <= '9') {
      parts_.push_back({Reference::Kind::kGroup, "", text[i] - '0'});
      continue;
    }
    std::size_t end = i;
    while (end < text.size() && is_name_char(text[end])) ++end;
    const std::string_view word = text.substr(i, end - i);
    std::string_view name;
    if (end < text.size() && text[end] == '.' && word != "user") {
      const std::size_t begin = end + 1;
      for (end = begin; end < text.size() && is_name_char(text[end]);) ++end;
      name = text.substr(begin, end - begin);
    }
    Reference reference{Reference::Kind::kUser, std::string(name), 0};
    const auto column = core::parse_u64(name);
    if (word == "query" && !name.empty()) {
      reference.kind = Reference::Kind::kQuery;
    } else if (word == "arg" && !name.empty()) {
      reference.kind = Reference::Kind::kArgument;
    } else if (word == "meta" && !name.empty()) {
      reference.kind = Reference::Kind::kMeta;
    } else if (word == "col" && column && *column >= 1 && *column <= 1000) {
      reference.kind = Reference::Kind::kColumn;
      reference.number = static_cast<int>(*column);
    } else if (word != "user") {
      throw core::input_error({file}, core::quoted(text) + ": unknown reference " +
                                          core::quoted("$" + std::string(word)));
    }
    parts_.push_back(std::move(reference));
    i = end - 1;
  }
}

std::optional<std::string> Template::expand(const Lookup& lookup) const {
  std::string out;
  for (const Reference& part : parts_) {
    if (part.kind == Reference::Kind::kText) {
      out += part.name;
      continue;
    }
    const auto value = lookup(part);
    if (!value) return std::nullopt;
    out += *value;
  }
  return out;
}

Mapping parse_mapping(std::string_view text, const std::string& file) {
  const nlohmann::json document = core::parse_json(text, file);
  const nlohmann::json* rules = &document;
  if (document.is_object()) {
    for (const auto& [key, value] : document.items()) {
      if (key != "rules")
        throw core::input_error({file}, core::quoted(key) + " is no key of a mapping");
    }
    if (!document.contains("rules")) throw core::input_error({file}, "\"rules\" is missing");
    rules = &document["rules"];
  }
  if (!rules->is_array()) throw core::input_error({file}, "expected an array of rules");
  Mapping mapping;
  for (const nlohmann::json& rule : *rules) mapping.rules.push_back(parse_rule(rule, file));
  return mapping;
}

Mapping load_mapping(const std::string& path) {
  return parse_mapping(core::read_file(path, kMostMappingBytes), path);
}

std::string percent_decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size()) {
      const int high = hex_digit(text[i + 1]), low = hex_digit(text[i + 2]);
      if (high >= 0 && low >= 0) {
        out += static_cast<char>(high * 16 + low);
        i += 2;
        continue;
      }
    }
    out += text[i];
  }
  return out;
}

std::optional<std::string> query_value(std::string_view target, std::string_view name,
                                       bool plus_is_blank) {
  const auto decoded = [plus_is_blank](std::string_view text) {
    std::string plain(text);
    if (plus_is_blank) std::replace(plain.begin(), plain.end(), '+', ' ');
    return percent_decoded(plain);
  };
  target = target.substr(0, target.find('#'));
  const std::size_t mark = target.find('?');
  if (mark == std::string_view::npos) return std::nullopt;
  std::string_view rest = target.substr(mark + 1);
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('&'), rest.size());
    const std::string_view pair = rest.substr(0, end);
    const std::size_t equals = pair.find('=');
    if (decoded(pair.substr(0, equals)) == name) {
      return equals == std::string_view::npos ? std::string() : decoded(pair.substr(equals + 1));
    }
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return std::nullopt;
}

std::optional<std::int64_t> version_text(std::string_view text) {
  if (text.starts_with("W/")) text.remove_prefix(2);
  while (!text.empty() && (text.front() == '"' || text.front() == '\\')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == '"' || text.back() == '\\')) text.remove_suffix(1);
  const auto number = core::parse_i64(text);
  return number && *number >= 0 ? number : std::nullopt;
}

std::optional<MappedOp> map_request(const Mapping& mapping, const HttpRequest& request) {
  for (const Rule& rule : mapping.rules) {
    if (!rule.tool.empty() || (!rule.method.empty() && rule.method != request.method)) continue;
    std::vector<re2::StringPiece> groups(10);
    const re2::StringPiece target(request.target.data(), request.target.size());
    if (rule.path) {
      const int count = std::min(10, rule.path->NumberOfCapturingGroups() + 1);
      if (!rule.path->Match(target, 0, target.size(), re2::RE2::UNANCHORED, groups.data(), count)) {
        continue;
      }
    }
    const auto lookup = [&](const Template::Reference& r) -> std::optional<std::string> {
      using Kind = Template::Reference::Kind;
      if (r.kind == Kind::kGroup) {
        const re2::StringPiece& group = groups[static_cast<std::size_t>(r.number)];
        if (group.data() == nullptr) return std::nullopt;
        return percent_decoded({group.data(), group.size()});
      }
      if (r.kind == Kind::kUser) {
        return request.user == "-" ? std::string() : std::string(request.user);
      }
      if (r.kind == Kind::kQuery) return query_value(request.target, r.name);
      if (r.kind != Kind::kColumn) return std::nullopt;
      const auto column = static_cast<std::size_t>(r.number) - 1;
      if (column >= request.columns.size() || request.columns[column] == "-") return std::nullopt;
      return std::string(request.columns[column]);
    };
    MappedOp out;
    out.op = rule.op;
    if (rule.key) {
      const auto key = rule.key->expand(lookup);
      if (!key) return std::nullopt;
      out.key = *key;
    }
    if (rule.agent) out.agent = rule.agent->expand(lookup).value_or("");
    if (rule.version_from) {
      if (const auto text = rule.version_from->expand(lookup)) out.version = version_text(*text);
    }
    return out;
  }
  return std::nullopt;
}

}  // namespace stateutils::sbus
