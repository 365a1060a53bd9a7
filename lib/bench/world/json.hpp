// Strict reading of packs and records: comments allowed where asked, doubled keys refused, every
// error with file, JSON pointer and line.
#pragma once

#include <simdjson.h>

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "bench/world/intern.hpp"
#include "core/error.hpp"

namespace stateutils::bench {

// Where a document came from. JSON Lines records have one line; files find theirs by pointer.
struct JsonSource {
  std::string file;
  std::string_view text;
  std::optional<std::uint64_t> line{};
};

// An element and its way from the root, for messages. Cursors live on the stack, children shorter
// than their parents.
class Cursor {
 public:
  Cursor(simdjson::dom::element element, const JsonSource& source)
      : element_(element), source_(&source) {}
  // A record of a stream comes as an object; its element() must not be asked for.
  Cursor(simdjson::dom::object record, const JsonSource& source)
      : record_(record), source_(&source) {}

  [[nodiscard]] core::Error error(const std::string& message) const;
  [[nodiscard]] std::string pointer() const;
  [[nodiscard]] const simdjson::dom::element& element() const { return element_; }

  [[nodiscard]] bool is_object() const { return record_ || element_.is_object(); }
  [[nodiscard]] bool is_array() const { return !record_ && element_.is_array(); }
  [[nodiscard]] bool is_string() const { return !record_ && element_.is_string(); }
  [[nodiscard]] bool is_null() const { return !record_ && element_.is_null(); }

  [[nodiscard]] std::string_view string() const;
  [[nodiscard]] std::int64_t integer() const;
  [[nodiscard]] double number() const;
  [[nodiscard]] bool boolean() const;
  [[nodiscard]] std::size_t size() const;  // of an array or object

  [[nodiscard]] std::optional<Cursor> find(std::string_view key) const;
  [[nodiscard]] Cursor at(std::string_view key) const;  // kInput when absent
  // visit(key, value) for the members of an object; visit(item) for the items of an array.
  template <class Visit>
  void members(const Visit& visit) const {
    for (const auto field : object()) visit(field.key, Cursor(field.value, *this, field.key, 0));
  }
  template <class Visit>
  void items(const Visit& visit) const {
    std::size_t index = 0;
    for (const auto item : array()) visit(Cursor(item, *this, {}, index++));
  }
  // One of the members that an object may have, and where it goes.
  struct Pick {
    std::string_view key;
    std::optional<Cursor>& place;
  };
  // All members in one pass; every key must be one of these.
  void pick(std::initializer_list<Pick> picks) const;
  // Every key must be one of these (names starting with "_" are let through when asked).
  void only(std::initializer_list<std::string_view> keys, bool private_names = false) const;

 private:
  Cursor(simdjson::dom::element element, const Cursor& parent, std::string_view key,
         std::size_t index)
      : element_(element), source_(parent.source_), parent_(&parent), key_(key), index_(index) {}

  [[nodiscard]] simdjson::dom::object object() const;
  [[nodiscard]] simdjson::dom::array array() const;

  simdjson::dom::element element_;
  std::optional<simdjson::dom::object> record_;
  const JsonSource* source_;
  const Cursor* parent_ = nullptr;
  std::string_view key_;
  std::size_t index_ = 0;
};

// A whole document: at most 64 MiB, depth 64, comments (// and /* */) when asked.
class Document {
 public:
  Document(std::string text, const std::string& file, bool comments);
  [[nodiscard]] Cursor root() const { return {root_, source_}; }
  [[nodiscard]] const JsonSource& source() const { return source_; }

 private:
  simdjson::dom::parser parser_;
  std::string text_;
  JsonSource source_;
  simdjson::dom::element root_;
};

// kInput when an object anywhere below repeats a key.
void refuse_doubled_keys(const Cursor& cursor);

// Keys sorted by bytes, no blanks, integers exact, other numbers shortest.
void append_canonical(simdjson::dom::element element, std::string& out);
[[nodiscard]] std::string canonical(simdjson::dom::element element);

// A JSON value as an atom: scalars as they are, arrays and objects as canonical text.
[[nodiscard]] Id intern_value(AtomPool& atoms, simdjson::dom::element element);

}  // namespace stateutils::bench
