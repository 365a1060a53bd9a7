#include <stdexcept>

#include "core/jsonl.hpp"
#include "core/units.hpp"

namespace stateutils::core {
namespace {

using simdjson::dom::element;
using simdjson::dom::element_type;

const char* kind_name(const element& value) {
  switch (value.type()) {
    case element_type::ARRAY:
      return "an array";
    case element_type::OBJECT:
      return "an object";
    case element_type::INT64:
    case element_type::UINT64:
      return "an integer";
    case element_type::DOUBLE:
      return "a fraction";
    case element_type::STRING:
      return "a string";
    case element_type::BOOL:
      return "a boolean";
    case element_type::NULL_VALUE:
      return "null";
  }
  return "something else";
}

// For an element whose type has been checked, so that getting the value cannot fail.
template <class T>
T get(const element& value) {
  T result{};
  if (value.get(result) != simdjson::SUCCESS) throw std::logic_error("element of another type");
  return result;
}

bool is_number(const element& value) {
  const element_type type = value.type();
  return type == element_type::INT64 || type == element_type::UINT64 ||
         type == element_type::DOUBLE;
}

}  // namespace

Place Record::place() const {
  return {file_ != nullptr ? *file_ : std::string(), line_, {}};
}

Error Record::error(const std::string& message) const {
  return input_error(place(), message);
}

Error Record::doubled(std::string_view key) const {
  return error(quoted(key) + " appears twice");
}

Error Record::wrong_kind(std::string_view key, const char* expected, const element& found) const {
  return error(quoted(key) + ": expected " + expected + ", found " + kind_name(found));
}

void Record::index() const {
  fields_.clear();
  for (const auto field : object_) fields_.push_back({field.key, field.value});
  indexed_ = true;
}

const element* Record::look_up(std::string_view key) const {
  if (!indexed_) index();
  const element* found = nullptr;
  for (const Field& field : fields_) {
    if (field.name != key) continue;
    if (found != nullptr) throw doubled(key);
    found = &field.value;
  }
  return found;
}

const element& Record::require(std::string_view key) const {
  const element* found = look_up(key);
  if (found == nullptr) throw error(quoted(key) + " is missing");
  return *found;
}

const element* Record::non_null(std::string_view key) const {
  const element* found = look_up(key);
  return found != nullptr && !found->is_null() ? found : nullptr;
}

bool Record::has(std::string_view key) const {
  return look_up(key) != nullptr;
}
bool Record::is_null_or_absent(std::string_view key) const {
  return non_null(key) == nullptr;
}

std::string_view Record::as_string(std::string_view key, const element& value) const {
  if (!value.is_string()) throw wrong_kind(key, "a string", value);
  return get<std::string_view>(value);
}

std::int64_t Record::as_i64(std::string_view key, const element& value) const {
  if (value.type() == element_type::UINT64) {
    throw error(quoted(key) + ": " + std::to_string(get<std::uint64_t>(value)) +
                " does not fit 64 bits with a sign");
  }
  if (value.type() != element_type::INT64) throw wrong_kind(key, "an integer", value);
  return get<std::int64_t>(value);
}

std::uint64_t Record::as_u64(std::string_view key, const element& value) const {
  if (value.is_string()) {
    const auto text = get<std::string_view>(value);
    const auto number = parse_u64(text);
    if (!number) throw error(quoted(key) + ": " + quoted(text) + " is no 64-bit integer");
    return *number;
  }
  if (value.type() == element_type::UINT64) return get<std::uint64_t>(value);
  if (value.type() != element_type::INT64) throw wrong_kind(key, "an integer", value);
  const auto number = get<std::int64_t>(value);
  if (number < 0) throw error(quoted(key) + ": " + std::to_string(number) + " is negative");
  return static_cast<std::uint64_t>(number);
}

double Record::as_number(std::string_view key, const element& value) const {
  if (!is_number(value)) throw wrong_kind(key, "a number", value);
  return get<double>(value);
}

bool Record::as_boolean(std::string_view key, const element& value) const {
  if (!value.is_bool()) throw wrong_kind(key, "a boolean", value);
  return get<bool>(value);
}

simdjson::dom::array Record::as_array(std::string_view key, const element& value) const {
  if (!value.is_array()) throw wrong_kind(key, "an array", value);
  return get<simdjson::dom::array>(value);
}

simdjson::dom::object Record::as_object(std::string_view key, const element& value) const {
  if (!value.is_object()) throw wrong_kind(key, "an object", value);
  return get<simdjson::dom::object>(value);
}

std::string_view Record::string(std::string_view key) const {
  return as_string(key, require(key));
}
std::int64_t Record::i64(std::string_view key) const {
  return as_i64(key, require(key));
}
std::uint64_t Record::u64(std::string_view key) const {
  return as_u64(key, require(key));
}
double Record::number(std::string_view key) const {
  return as_number(key, require(key));
}
bool Record::boolean(std::string_view key) const {
  return as_boolean(key, require(key));
}
simdjson::dom::array Record::array(std::string_view key) const {
  return as_array(key, require(key));
}
simdjson::dom::object Record::object(std::string_view key) const {
  return as_object(key, require(key));
}

std::optional<element> Record::find(std::string_view key) const {
  const element* found = look_up(key);
  return found != nullptr ? std::optional(*found) : std::nullopt;
}

std::optional<std::string_view> Record::opt_string(std::string_view key) const {
  const element* value = non_null(key);
  return value != nullptr ? std::optional(as_string(key, *value)) : std::nullopt;
}
std::optional<std::int64_t> Record::opt_i64(std::string_view key) const {
  const element* value = non_null(key);
  return value != nullptr ? std::optional(as_i64(key, *value)) : std::nullopt;
}
std::optional<std::uint64_t> Record::opt_u64(std::string_view key) const {
  const element* value = non_null(key);
  return value != nullptr ? std::optional(as_u64(key, *value)) : std::nullopt;
}
std::optional<double> Record::opt_number(std::string_view key) const {
  const element* value = non_null(key);
  return value != nullptr ? std::optional(as_number(key, *value)) : std::nullopt;
}
std::optional<bool> Record::opt_boolean(std::string_view key) const {
  const element* value = non_null(key);
  return value != nullptr ? std::optional(as_boolean(key, *value)) : std::nullopt;
}

void Record::match(std::span<const std::string_view> keys,
                   std::span<std::optional<element>> values) const {
  if (keys.size() != values.size()) throw std::logic_error("match: as many values as keys");
  for (auto& value : values) value.reset();
  // Writers keep an order, so the key after the last one found is the likely next.
  std::size_t likely = 0;
  for (const auto field : object_) {
    for (std::size_t tried = 0; tried < keys.size(); ++tried) {
      const std::size_t i = likely;
      likely = likely + 1 == keys.size() ? 0 : likely + 1;
      if (keys[i] != field.key) continue;
      if (values[i]) throw doubled(keys[i]);
      values[i] = field.value;
      break;
    }
  }
}

Record Record::nested(simdjson::dom::object object) const {
  Record inner;
  inner.object_ = object;
  inner.text_ = text_;
  inner.file_ = file_;
  inner.line_ = line_;
  return inner;
}

}  // namespace stateutils::core
