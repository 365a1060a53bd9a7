// JSON text in the order it is written: shortest round-trip numbers, checked UTF-8, no NaN.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

namespace stateutils::core {

// Appends to a string the caller owns. Commas and colons are placed by the writer.
class JsonWriter {
 public:
  explicit JsonWriter(std::string& out) : out_(out) {}

  JsonWriter& restart() { return need_comma_ = false, *this; }  // a new document follows
  JsonWriter& begin_object();
  JsonWriter& end_object();
  JsonWriter& begin_array();
  JsonWriter& end_array();
  JsonWriter& key(std::string_view name);

  JsonWriter& value(std::string_view text);  // invalid UTF-8 is kInput
  JsonWriter& value(const char* text) { return value(std::string_view(text)); }
  JsonWriter& value(const std::string& text) { return value(std::string_view(text)); }
  JsonWriter& value(bool b);
  JsonWriter& value(double number);  // NaN or infinity throws std::logic_error: a bug upstream
  JsonWriter& null();
  JsonWriter& raw(std::string_view json);  // a complete value, already valid JSON
  template <std::integral T>
  JsonWriter& value(T number) {
    if constexpr (std::signed_integral<T>) return signed_value(static_cast<std::int64_t>(number));
    return unsigned_value(static_cast<std::uint64_t>(number));
  }
  template <class T>
  JsonWriter& field(std::string_view name, const T& v) {
    key(name);
    return value(v);
  }
  // A 64-bit identifier: a number up to 2^53, else a string (jq and JavaScript would round it).
  JsonWriter& identifier(std::uint64_t id);

 private:
  void separate();
  JsonWriter& signed_value(std::int64_t number);
  JsonWriter& unsigned_value(std::uint64_t number);

  std::string& out_;
  bool need_comma_ = false;
};

}  // namespace stateutils::core
