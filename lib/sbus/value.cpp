#include "sbus/value.hpp"

#include <nlohmann/json.hpp>

#include "core/dom.hpp"
#include "core/json.hpp"
#include "core/units.hpp"
#include "core/utf8.hpp"

namespace stateutils::sbus {
namespace {

constexpr int kMaxValueDepth = 64;

bool ends_token(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == ',' || c == '(' || c == ')' ||
         c == '[' || c == ']' || c == '{' || c == '}' || c == '"' || c == ';';
}

void append_code_point(std::string& out, unsigned code) {
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xC0 | code >> 6);
    out += static_cast<char>(0x80 | (code & 0x3F));
  } else {
    out += static_cast<char>(0xE0 | code >> 12);
    out += static_cast<char>(0x80 | (code >> 6 & 0x3F));
    out += static_cast<char>(0x80 | (code & 0x3F));
  }
}

Value text_value(std::string text, Value::Kind kind = Value::Kind::kText) {
  Value out;
  out.kind = kind;
  out.text = std::move(text);
  return out;
}

// Makes a value that was something else a scalar without text.
void reset(Value& value, Value::Kind kind) {
  value.kind = kind;
  value.text.clear();
  value.items.clear();
}

Value from_json(const nlohmann::json& json) {
  Value out;
  if (json.is_boolean()) {
    out.kind = Value::Kind::kBool;
    out.flag = json.get<bool>();
  } else if (json.is_number_unsigned() && json.get<std::uint64_t>() > INT64_MAX) {
    return text_value(std::to_string(json.get<std::uint64_t>()), Value::Kind::kReal);
  } else if (json.is_number_integer()) {
    out.kind = Value::Kind::kInt;
    out.number = json.get<std::int64_t>();
  } else if (json.is_number()) {
    return text_value(core::format_double(json.get<double>()), Value::Kind::kReal);
  } else if (json.is_string()) {
    return text_value(json.get<std::string>());
  } else if (json.is_array()) {
    out.kind = Value::Kind::kList;
    for (const auto& item : json) out.items.push_back(from_json(item));
  } else if (json.is_object()) {
    out.kind = Value::Kind::kMap;
    for (const auto& [key, value] : json.items()) {
      out.items.push_back(text_value(key));
      out.items.push_back(from_json(value));
    }
  }
  return out;
}

using simdjson::dom::element;
using simdjson::dom::element_type;

bool plain_list(const element& from, int depth, Value& out);
bool plain_map(const element& from, int depth, Value& out);

// Into a value that may have been another, whose memory it keeps.
bool plain_value(const element& from, int depth, Value& out) {
  constexpr int kPlainDepth = 32;
  if (depth > kPlainDepth) return false;
  switch (from.type()) {
    case element_type::NULL_VALUE:
      reset(out, Value::Kind::kNil);
      return true;
    case element_type::BOOL:
      reset(out, Value::Kind::kBool);
      out.flag = from.get_bool().value_unsafe();
      return true;
    case element_type::INT64:
      reset(out, Value::Kind::kInt);
      out.number = from.get_int64().value_unsafe();
      return true;
    case element_type::UINT64:
      reset(out, Value::Kind::kReal);
      out.text = std::to_string(from.get_uint64().value_unsafe());
      return true;
    case element_type::DOUBLE:
      reset(out, Value::Kind::kReal);
      out.text = core::format_double(from.get_double().value_unsafe());
      return true;
    case element_type::STRING:
      reset(out, Value::Kind::kText);
      out.text = from.get_string().value_unsafe();
      return true;
    case element_type::ARRAY:
      return plain_list(from, depth, out);
    case element_type::OBJECT:
      return plain_map(from, depth, out);
  }
  return false;
}

bool plain_list(const element& from, int depth, Value& out) {
  out.kind = Value::Kind::kList;
  out.text.clear();
  const simdjson::dom::array items = from.get_array().value_unsafe();
  std::size_t count = 0;
  for (const element item : items) {
    if (count == out.items.size()) out.items.emplace_back();
    if (!plain_value(item, depth + 1, out.items[count++])) return false;
  }
  out.items.resize(count);
  return true;
}

// Doubled keys are refused; wide objects are rare.
bool plain_map(const element& from, int depth, Value& out) {
  constexpr std::size_t kMostItems = 2 * 16;
  out.kind = Value::Kind::kMap;
  out.text.clear();
  const simdjson::dom::object fields = from.get_object().value_unsafe();
  std::size_t count = 0;
  for (const auto field : fields) {
    if (count == kMostItems) return false;
    if (out.items.size() < count + 2) out.items.resize(count + 2);
    Value& key = out.items[count];
    reset(key, Value::Kind::kText);
    key.text = field.key;
    for (std::size_t i = 0; i < count; i += 2) {
      if (out.items[i].text == key.text) return false;
    }
    if (!plain_value(field.value, depth + 1, out.items[count + 1])) return false;
    count += 2;
  }
  out.items.resize(count);
  return true;
}

}  // namespace

void EdnReader::skip() {
  while (at_ < text_.size()) {
    const char c = text_[at_];
    if (c == ';') {
      while (at_ < text_.size() && text_[at_] != '\n') ++at_;
      continue;
    }
    if (c == '#' && at_ + 1 < text_.size() && text_[at_ + 1] == '_') {
      at_ += 2;
      Value dropped;
      form(1, dropped);
      continue;
    }
    if (c != ' ' && c != '\t' && c != '\r' && c != '\n' && c != ',') return;
    if (c == '\n') ++line_;
    ++at_;
  }
}

bool EdnReader::next(Value& out) {
  skip();
  if (at_ >= text_.size()) return false;
  form(0, out);
  return true;
}

void EdnReader::form(int depth, Value& out) {
  if (depth > kMaxValueDepth) throw error("nested deeper than 64 levels");
  skip();
  if (at_ >= text_.size()) throw error("the text ends inside a form");
  switch (text_[at_]) {
    case '(':
      return sequence(Value::Kind::kList, ')', depth, out);
    case '[':
      return sequence(Value::Kind::kList, ']', depth, out);
    case '{':
      return sequence(Value::Kind::kMap, '}', depth, out);
    case '"':
      return string(out);
    case '#':
      return dispatch(depth, out);
    case ')':
    case ']':
    case '}':
      throw error("a bracket closes that was not opened");
    default:
      return token(out);
  }
}

// #{...} is a set, #tag FORM the form.
void EdnReader::dispatch(int depth, Value& out) {
  ++at_;
  if (at_ < text_.size() && text_[at_] == '{') {
    return sequence(Value::Kind::kList, '}', depth, out);
  }
  const std::size_t begin = at_;
  while (at_ < text_.size() && !ends_token(text_[at_])) ++at_;
  if (at_ == begin) throw error("a # without a tag");
  form(depth + 1, out);
}

void EdnReader::sequence(Value::Kind kind, char close, int depth, Value& out) {
  out.kind = kind;
  out.text.clear();
  ++at_;
  std::size_t count = 0;
  while (true) {
    skip();
    if (at_ >= text_.size()) throw error("a bracket is not closed");
    if (text_[at_] == close) break;
    if (count == out.items.size()) out.items.emplace_back();
    form(depth + 1, out.items[count++]);
  }
  ++at_;
  out.items.resize(count);
  if (kind == Value::Kind::kMap && count % 2 != 0) throw error("a map key without a value");
}

void EdnReader::string(Value& out) {
  reset(out, Value::Kind::kText);
  std::string& text = out.text;
  for (++at_; at_ < text_.size() && text_[at_] != '"'; ++at_) {
    char c = text_[at_];
    if (c == '\n') ++line_;
    if (c == '\\') {
      if (++at_ >= text_.size()) break;
      c = text_[at_];
      if (c == 'u' && at_ + 4 < text_.size()) {
        unsigned code = 0;
        for (int i = 1; i <= 4; ++i) {
          const char digit = text_[at_ + static_cast<std::size_t>(i)];
          const std::size_t value =
              std::string_view("0123456789abcdef")
                  .find(static_cast<char>(digit >= 'A' && digit <= 'F' ? digit | 0x20 : digit));
          if (value == std::string_view::npos) throw error("a wrong \\u escape");
          code = code * 16 + static_cast<unsigned>(value);
        }
        if (code >= 0xD800 && code < 0xE000) throw error("an unpaired surrogate escape");
        append_code_point(text, code);
        at_ += 4;
        continue;
      }
      c = c == 'n' ? '\n' : c == 't' ? '\t' : c == 'r' ? '\r' : c;
    }
    text += c;
  }
  if (at_ >= text_.size()) throw error("a string without its closing quote");
  ++at_;
  if (!core::is_valid_utf8(text)) throw error("invalid UTF-8");
}

// What most of a history is made of: up to 18 digits and nothing else.
bool EdnReader::short_integer(Value& out) {
  std::int64_t number = 0;
  std::size_t end = at_;
  for (; end < text_.size() && text_[end] >= '0' && text_[end] <= '9'; ++end) {
    if (end - at_ == 18) return false;
    number = number * 10 + (text_[end] - '0');
  }
  if (end == at_ || (end < text_.size() && !ends_token(text_[end]))) return false;
  at_ = end;
  reset(out, Value::Kind::kInt);
  out.number = number;
  return true;
}

void EdnReader::token(Value& out) {
  if (short_integer(out)) return;
  const std::size_t begin = at_;
  if (text_[at_] == '\\') ++at_;  // a character: the next byte belongs to it
  bool plain = true;              // neither NUL nor beyond ASCII
  do {
    ++at_;
    if (at_ < text_.size()) plain = plain && static_cast<signed char>(text_[at_]) > 0;
  } while (at_ < text_.size() && !ends_token(text_[at_]));
  std::string_view word = text_.substr(begin, std::min(at_, text_.size()) - begin);
  if (word == "nil") return reset(out, Value::Kind::kNil);
  if (word == "true" || word == "false") {
    reset(out, Value::Kind::kBool);
    out.flag = word == "true";
    return;
  }
  const bool numeric =
      (word[0] >= '0' && word[0] <= '9') ||
      ((word[0] == '-' || word[0] == '+') && word.size() > 1 && word[1] >= '0' && word[1] <= '9');
  if (numeric) {
    std::string_view digits = word;
    if (digits.ends_with('N') || digits.ends_with('M')) digits.remove_suffix(1);
    if (digits.starts_with('+')) digits.remove_prefix(1);
    const auto number = core::parse_i64(digits);
    reset(out, number ? Value::Kind::kInt : Value::Kind::kReal);
    out.number = number.value_or(0);
    if (!number) out.text = word;
    return;
  }
  if (!plain || static_cast<signed char>(word[0]) <= 0) {
    if (!core::is_valid_utf8(word)) throw error("invalid UTF-8");
    if (word.find('\0') != std::string_view::npos) throw error("a NUL byte");
  }
  if (word.starts_with(':') || word.starts_with('\\')) word.remove_prefix(1);
  reset(out, Value::Kind::kText);
  out.text = word;
}

Value value_from_json(std::string_view text, const std::string& file) {
  return from_json(core::parse_json(text, file));
}

struct JsonReader::Parser {
  simdjson::dom::parser dom;
};

JsonReader::JsonReader() : parser_(std::make_unique<Parser>()) {}
JsonReader::~JsonReader() = default;

bool JsonReader::read_plain(std::string_view text, Value& out) {
  if (text.empty() || text.find("\\u") != std::string_view::npos) return false;
  element root;
  if (core::parse_json(parser_->dom, text).get(root) != simdjson::SUCCESS) return false;
  return plain_value(root, 0, out);
}

void JsonReader::read(std::string_view text, const std::string& file, Value& out) {
  if (!read_plain(text, out)) out = value_from_json(text, file);
}

}  // namespace stateutils::sbus
