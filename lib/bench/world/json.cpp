#include "bench/world/json.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "core/dom.hpp"
#include "core/units.hpp"
#include "core/utf8.hpp"

namespace stateutils::bench {
namespace {

constexpr std::size_t kMaxDocument = 64u << 20;
constexpr int kMaxDepth = 64;

// Blanks out comments outside strings, keeping every line where it is.
void strip_comments(std::string& text, const std::string& file) {
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (in_string) {
      if (text[i] == '\\')
        ++i;
      else if (text[i] == '"')
        in_string = false;
    } else if (text[i] == '"') {
      in_string = true;
    } else if (text[i] == '/' && i + 1 < text.size() && text[i + 1] == '/') {
      while (i < text.size() && text[i] != '\n') text[i++] = ' ';
    } else if (text[i] == '/' && i + 1 < text.size() && text[i + 1] == '*') {
      const std::size_t end = text.find("*/", i + 2);
      if (end == std::string::npos) throw core::input_error({file}, "a comment has no end");
      for (std::size_t j = i; j < end + 2; ++j) {
        if (text[j] != '\n') text[j] = ' ';
      }
      i = end + 1;
    }
  }
}

// A scanner that follows a JSON pointer through text known to be valid, to tell its line.
class LineFinder {
 public:
  explicit LineFinder(std::string_view text) : text_(text) {}

  std::uint64_t line_of(const std::vector<std::string>& path) {
    for (const std::string& step : path) {
      blanks();
      if (!descend(step)) break;
    }
    blanks();
    const auto end = text_.begin() + static_cast<std::ptrdiff_t>(std::min(at_, text_.size()));
    return 1 + static_cast<std::uint64_t>(std::count(text_.begin(), end, '\n'));
  }

 private:
  void blanks() {
    while (at_ < text_.size() && std::string_view(" \t\r\n,:").find(text_[at_]) != text_.npos)
      ++at_;
  }
  void string() {
    for (++at_; at_ < text_.size() && text_[at_] != '"'; ++at_) {
      if (text_[at_] == '\\') ++at_;
    }
    ++at_;
  }
  void value() {
    int depth = 0;
    do {
      blanks();
      if (at_ >= text_.size()) return;
      const char c = text_[at_];
      if (c == '"') {
        string();
      } else if (c == '{' || c == '[') {
        ++depth, ++at_;
      } else if (c == '}' || c == ']') {
        --depth, ++at_;
      } else {
        while (at_ < text_.size() && std::string_view(" \t\r\n,:]}").find(text_[at_]) == text_.npos)
          ++at_;
      }
    } while (depth > 0);
  }
  bool descend(const std::string& step) {
    if (at_ >= text_.size() || (text_[at_] != '{' && text_[at_] != '[')) return false;
    const bool object = text_[at_++] == '{';
    for (std::size_t index = 0; at_ < text_.size(); ++index) {
      blanks();
      if (at_ >= text_.size() || text_[at_] == '}' || text_[at_] == ']') return false;
      if (object) {
        const std::size_t start = at_ + 1;
        string();
        if (text_.substr(start, at_ - start - 1) == step) return true;
      } else if (std::to_string(index) == step) {
        return true;
      }
      value();
    }
    return false;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

const char* kind_name(const simdjson::dom::element& element) {
  switch (element.type()) {
    case simdjson::dom::element_type::ARRAY:
      return "an array";
    case simdjson::dom::element_type::OBJECT:
      return "an object";
    case simdjson::dom::element_type::STRING:
      return "a text";
    case simdjson::dom::element_type::BOOL:
      return "a truth value";
    case simdjson::dom::element_type::NULL_VALUE:
      return "null";
    default:
      return "a number";
  }
}

void check_depth(simdjson::dom::element element, int depth, const std::string& file) {
  if (depth > kMaxDepth) throw core::input_error({file}, "nested deeper than 64 levels");
  if (element.is_object()) {
    for (const auto field : simdjson::dom::object(element))
      check_depth(field.value, depth + 1, file);
  } else if (element.is_array()) {
    for (const auto item : simdjson::dom::array(element)) check_depth(item, depth + 1, file);
  }
}

}  // namespace

std::string Cursor::pointer() const {
  std::string out = parent_ == nullptr ? "" : parent_->pointer() + "/";
  if (parent_ == nullptr) return out;
  if (key_.data() == nullptr) return out + std::to_string(index_);
  for (const char c : key_) {
    if (c == '~')
      out += "~0";
    else if (c == '/')
      out += "~1";
    else
      out.push_back(c);
  }
  return out;
}

core::Error Cursor::error(const std::string& message) const {
  std::optional<std::uint64_t> line = source_->line;
  if (!line && !source_->text.empty()) {
    std::vector<std::string> path;
    for (const Cursor* c = this; c->parent_ != nullptr; c = c->parent_) {
      path.push_back(c->key_.data() == nullptr ? std::to_string(c->index_) : std::string(c->key_));
    }
    std::reverse(path.begin(), path.end());
    line = LineFinder(source_->text).line_of(path);
  }
  const std::string where = pointer();
  return core::input_error({source_->file, line}, (where.empty() ? "/" : where) + ": " + message);
}

std::string_view Cursor::string() const {
  if (!element_.is_string())
    throw error(std::string("expected a text, found ") + kind_name(element_));
  return std::string_view(element_);
}

std::int64_t Cursor::integer() const {
  if (!element_.is_int64()) {
    throw error(std::string("expected an integer, found ") + kind_name(element_));
  }
  return std::int64_t(element_);
}

double Cursor::number() const {
  double value = 0;
  if (element_.get(value) != simdjson::SUCCESS) {
    throw error(std::string("expected a number, found ") + kind_name(element_));
  }
  return value;
}

bool Cursor::boolean() const {
  if (!element_.is_bool()) {
    throw error(std::string("expected true or false, found ") + kind_name(element_));
  }
  return bool(element_);
}

std::size_t Cursor::size() const {
  if (is_array()) return simdjson::dom::array(element_).size();
  return is_object() ? object().size() : 0;
}

simdjson::dom::object Cursor::object() const {
  if (record_) return *record_;
  if (!element_.is_object()) {
    throw error(std::string("expected an object, found ") + kind_name(element_));
  }
  return element_;
}

simdjson::dom::array Cursor::array() const {
  if (!element_.is_array()) {
    throw error(std::string("expected an array, found ") + kind_name(element_));
  }
  return element_;
}

std::optional<Cursor> Cursor::find(std::string_view key) const {
  for (const auto field : object()) {
    if (field.key == key) return Cursor(field.value, *this, field.key, 0);
  }
  return {};
}

Cursor Cursor::at(std::string_view key) const {
  auto found = find(key);
  if (!found) throw error("\"" + std::string(key) + "\" is missing");
  return *found;
}

void Cursor::only(std::initializer_list<std::string_view> keys, bool private_names) const {
  members([&](std::string_view key, const Cursor& value) {
    if (private_names && key.starts_with('_')) return;
    if (std::find(keys.begin(), keys.end(), key) == keys.end()) {
      throw value.error("unknown key " + core::quoted(key));
    }
  });
}

void Cursor::pick(std::initializer_list<Pick> picks) const {
  const auto* likely = picks.begin();  // canonical objects and these lists are both in order
  members([&](std::string_view key, const Cursor& value) {
    for (std::size_t tried = 0; tried < picks.size(); ++tried) {
      const Pick& pick = *likely;
      if (++likely == picks.end()) likely = picks.begin();
      if (pick.key == key) return static_cast<void>(pick.place.emplace(value));
    }
    throw value.error("unknown key " + core::quoted(key));
  });
}

Document::Document(std::string text, const std::string& file, bool comments)
    : text_(std::move(text)) {
  source_ = {file, {}, {}};
  if (text_.size() > kMaxDocument) throw core::input_error({file}, "larger than 64 MiB");
  if (!core::is_valid_utf8(text_)) throw core::input_error({file}, "invalid UTF-8");
  if (comments) strip_comments(text_, file);
  source_.text = text_;
  simdjson::dom::element root;
  const auto status = core::parse_json(parser_, text_).get(root);
  if (status != simdjson::SUCCESS) {
    throw core::input_error({file},
                            std::string("no valid JSON: ") + simdjson::error_message(status));
  }
  check_depth(root, 1, file);
  root_ = root;
  refuse_doubled_keys(this->root());
}

namespace {

bool repeats_a_key(simdjson::dom::element element);

// Objects of records are small: their keys are compared pair by pair without a list.
bool repeats_a_key(simdjson::dom::object object) {
  static constexpr std::size_t kSmall = 24;
  std::array<std::string_view, kSmall> small;
  std::vector<std::string_view> many;
  std::size_t n = 0;
  for (const auto field : object) {
    if (n < kSmall) {
      for (std::size_t i = 0; i < n; ++i) {
        if (small[i] == field.key) return true;
      }
      small[n++] = field.key;
    } else {
      if (many.empty()) many.assign(small.begin(), small.end());
      many.push_back(field.key);
    }
    if ((field.value.is_object() || field.value.is_array()) && repeats_a_key(field.value)) {
      return true;
    }
  }
  std::sort(many.begin(), many.end());
  return std::adjacent_find(many.begin(), many.end()) != many.end();
}

bool repeats_a_key(simdjson::dom::element element) {
  if (element.is_object()) return repeats_a_key(simdjson::dom::object(element));
  for (const auto item : simdjson::dom::array(element)) {
    if ((item.is_object() || item.is_array()) && repeats_a_key(item)) return true;
  }
  return false;
}

// The same walk with cursors, which know the place.
void report_doubled_key(const Cursor& cursor) {
  if (cursor.is_array()) {
    cursor.items([](const Cursor& item) {
      if (item.is_array() || item.is_object()) report_doubled_key(item);
    });
  }
  if (!cursor.is_object()) return;
  std::vector<std::string_view> keys;
  cursor.members([&](std::string_view key, const Cursor& value) {
    keys.push_back(key);
    if (value.is_array() || value.is_object()) report_doubled_key(value);
  });
  std::sort(keys.begin(), keys.end());
  const auto twice = std::adjacent_find(keys.begin(), keys.end());
  if (twice != keys.end()) throw cursor.error("key " + core::quoted(*twice) + " stands twice");
}

}  // namespace

void refuse_doubled_keys(const Cursor& cursor) {
  if (!cursor.is_object()) {
    if (cursor.is_array() && repeats_a_key(cursor.element())) report_doubled_key(cursor);
    return;
  }
  std::vector<std::string_view> keys;
  bool doubled = false;
  cursor.members([&](std::string_view key, const Cursor& value) {
    keys.push_back(key);
    const bool nested = value.is_object() || value.is_array();
    doubled = doubled || (nested && repeats_a_key(value.element()));
  });
  std::sort(keys.begin(), keys.end());
  if (doubled || std::adjacent_find(keys.begin(), keys.end()) != keys.end()) {
    report_doubled_key(cursor);
  }
}

void append_canonical(simdjson::dom::element element, std::string& out) {
  switch (element.type()) {
    case simdjson::dom::element_type::OBJECT: {
      std::vector<simdjson::dom::key_value_pair> fields;
      for (const auto field : simdjson::dom::object(element)) fields.push_back(field);
      std::sort(fields.begin(), fields.end(),
                [](const auto& a, const auto& b) { return a.key < b.key; });
      out.push_back('{');
      for (const auto& field : fields) {
        if (out.back() != '{') out.push_back(',');
        append_json_string(out, field.key);
        out.push_back(':');
        append_canonical(field.value, out);
      }
      out.push_back('}');
      break;
    }
    case simdjson::dom::element_type::ARRAY: {
      out.push_back('[');
      for (const auto item : simdjson::dom::array(element)) {
        if (out.back() != '[') out.push_back(',');
        append_canonical(item, out);
      }
      out.push_back(']');
      break;
    }
    case simdjson::dom::element_type::STRING:
      append_json_string(out, std::string_view(element));
      break;
    case simdjson::dom::element_type::BOOL:
      out += bool(element) ? "true" : "false";
      break;
    case simdjson::dom::element_type::NULL_VALUE:
      out += "null";
      break;
    case simdjson::dom::element_type::INT64:
      out += std::to_string(std::int64_t(element));
      break;
    case simdjson::dom::element_type::UINT64:
      out += std::to_string(std::uint64_t(element));
      break;
    case simdjson::dom::element_type::DOUBLE: {
      const double value = double(element);
      out += core::format_double(value == 0 ? 0.0 : value);
      break;
    }
  }
}

std::string canonical(simdjson::dom::element element) {
  std::string out;
  append_canonical(element, out);
  return out;
}

Id intern_value(AtomPool& atoms, simdjson::dom::element element) {
  switch (element.type()) {
    case simdjson::dom::element_type::STRING:
      return atoms.string(std::string_view(element));
    case simdjson::dom::element_type::BOOL:
      return atoms.boolean(bool(element));
    case simdjson::dom::element_type::NULL_VALUE:
      return atoms.null();
    case simdjson::dom::element_type::INT64:
      return atoms.integer(std::int64_t(element));
    case simdjson::dom::element_type::UINT64:
      return atoms.intern(AtomKind::kInteger, std::to_string(std::uint64_t(element)));
    case simdjson::dom::element_type::DOUBLE:
      return atoms.number(double(element));
    default:
      return atoms.intern(AtomKind::kJson, canonical(element));
  }
}

}  // namespace stateutils::bench
