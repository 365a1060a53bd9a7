// Values of EDN and JSON as the history formats need them.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"

namespace stateutils::sbus {

struct Value {
  enum class Kind : std::uint8_t { kNil, kBool, kInt, kReal, kText, kList, kMap };
  Kind kind = Kind::kNil;
  bool flag = false;
  std::int64_t number = 0;
  std::string text;          // strings, keywords and symbols alike, without their marks; reals
  std::vector<Value> items;  // of a list, vector or set; of a map: key, value, key, value ...

  [[nodiscard]] bool is_nil() const { return kind == Kind::kNil; }
  [[nodiscard]] bool is(std::string_view word) const { return kind == Kind::kText && text == word; }
  // The value of a map's key, or nullptr.
  [[nodiscard]] const Value* find(std::string_view key) const {
    if (kind != Kind::kMap) return nullptr;
    for (std::size_t i = 0; i + 1 < items.size(); i += 2) {
      if (items[i].is(key)) return &items[i + 1];
    }
    return nullptr;
  }
  // Equal values have equal texts, different ones do not.
  void append_to(std::string& out) const {
    switch (kind) {
      case Kind::kNil:
        out += 'n';
        break;
      case Kind::kBool:
        out += flag ? 't' : 'f';
        break;
      case Kind::kInt:
        out += std::to_string(number) + ';';
        break;
      case Kind::kReal:
      case Kind::kText:
        out += '"' + std::to_string(text.size()) + ':' + text;
        break;
      case Kind::kList:
        out += '[';
        for (const Value& item : items) item.append_to(out);
        out += ']';
        break;
      case Kind::kMap:
        append_map(out);
    }
  }
  [[nodiscard]] std::string canonical() const {
    std::string out;
    append_to(out);
    return out;
  }

 private:
  // The order of a map's entries says nothing.
  void append_map(std::string& out) const {
    std::vector<std::string> entries;
    for (std::size_t i = 0; i + 1 < items.size(); i += 2) {
      entries.push_back(items[i].canonical() + items[i + 1].canonical());
    }
    std::sort(entries.begin(), entries.end());
    out += '{';
    for (const std::string& entry : entries) out += entry;
    out += '}';
  }
};

// Reads EDN forms one after the other: tags and commas are passed over, ; comments and #_ forms
// dropped. Malformed text, and nesting deeper than 64, is kInput with the line. A Value that is
// read into again keeps its memory: records of one shape cost no allocation.
class EdnReader {
 public:
  EdnReader(std::string_view text, std::string file, std::uint64_t first_line = 1)
      : text_(text), file_(std::move(file)), line_(first_line) {}

  [[nodiscard]] bool next(Value& out);  // false at the end
  [[nodiscard]] std::uint64_t line() const { return line_; }
  [[nodiscard]] std::size_t offset() const { return at_; }  // behind the last form

 private:
  [[nodiscard]] core::Error error(const std::string& message) const {
    return core::input_error({file_, line_}, message);
  }
  void skip();
  void form(int depth, Value& out);
  void dispatch(int depth, Value& out);
  void string(Value& out);
  void token(Value& out);
  bool short_integer(Value& out);
  void sequence(Value::Kind kind, char close, int depth, Value& out);

  std::string_view text_;
  std::string file_;
  std::uint64_t line_;
  std::size_t at_ = 0;
};

// One JSON document (core::parse_json's rules) as a Value.
[[nodiscard]] Value value_from_json(std::string_view text, const std::string& file);

// The same for documents one after the other, much faster for all that is plain.
class JsonReader {
 public:
  JsonReader();
  JsonReader(const JsonReader&) = delete;
  JsonReader& operator=(const JsonReader&) = delete;
  ~JsonReader();

  void read(std::string_view text, const std::string& file, Value& out);
  // False, with `out` in no defined state, where the text is malformed or has what is rare: escapes
  // of code points, deep nesting, numbers beyond 64 bits.
  [[nodiscard]] bool read_plain(std::string_view text, Value& out);

 private:
  struct Parser;
  std::unique_ptr<Parser> parser_;
};

}  // namespace stateutils::sbus
