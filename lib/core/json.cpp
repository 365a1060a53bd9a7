#include "core/json.hpp"

#include <cmath>
#include <unordered_set>
#include <vector>

#include "core/input.hpp"
#include "core/json_sax.hpp"
#include "core/json_writer.hpp"

namespace stateutils::core {
namespace {

constexpr std::uint64_t kMaxFile = 256ull << 20;

// Builds a document from SAX events and refuses what nlohmann's own builder lets through. Json is
// nlohmann::json or ordered_json.
template <class Json>
class StrictBuilder {
 public:
  using number_integer_t = std::int64_t;
  using number_unsigned_t = std::uint64_t;
  using number_float_t = double;
  using string_t = std::string;
  using binary_t = nlohmann::json::binary_t;

  StrictBuilder(std::string_view text, const std::string& file, JsonLimits limits)
      : text_(text), file_(file), limits_(limits) {}

  Json parse() {
    sax_parse(text_, taken_, *this, limits_.comments);
    return std::move(root_);
  }

  bool null() { return add(nullptr); }
  bool boolean(bool b) { return add(b); }
  bool number_integer(std::int64_t number) { return add(number); }
  bool number_unsigned(std::uint64_t number) { return add(number); }
  bool number_float(double number, const std::string& digits) {
    if (is_integer_text(digits)) throw error("integer " + digits + " does not fit 64 bits");
    return add(number);
  }
  bool string(std::string& text) { return add(std::move(text)); }
  bool binary(binary_t&) { throw error("binary data"); }
  bool start_object(std::size_t) { return open(Json::object()); }
  bool end_object() { return close(); }
  bool start_array(std::size_t) { return open(Json::array()); }
  bool end_array() { return close(); }
  bool key(std::string& name) {
    if (!open_.back().names.insert(name).second) {
      throw error("key " + quoted(name) + " appears twice");
    }
    key_ = std::move(name);
    return true;
  }
  template <class Exception>
  bool parse_error(std::size_t, const std::string&, const Exception& exception) {
    throw error(plain_message(exception));
  }

 private:
  struct Level {
    Json* value;
    std::unordered_set<std::string> names;
  };

  [[nodiscard]] Error error(const std::string& message) const {
    // The last byte taken may be the line end behind a number.
    const std::string_view before = text_.substr(0, taken_ > 0 ? taken_ - 1 : 0);
    const auto line = 1 + std::count(before.begin(), before.end(), '\n');
    return input_error({file_, static_cast<std::uint64_t>(line), {}}, message);
  }

  Json* place(Json&& value) {
    if (open_.empty()) {
      root_ = std::move(value);
      return &root_;
    }
    Json& parent = *open_.back().value;
    if (parent.is_array()) {
      parent.push_back(std::move(value));
      return &parent.back();
    }
    // The key is new (see key()), so nothing is searched: ordered objects would be quadratic.
    auto& object = parent.template get_ref<typename Json::object_t&>();
    if constexpr (requires { object.emplace_back(key_, std::move(value)); }) {
      object.emplace_back(std::move(key_), std::move(value));
      return &object.back().second;
    } else {
      return &object.emplace(std::move(key_), std::move(value)).first->second;
    }
  }

  template <class T>
  bool add(T&& value) {
    place(Json(std::forward<T>(value)));
    return true;
  }
  bool open(Json&& container) {
    if (open_.size() >= static_cast<std::size_t>(limits_.depth)) {
      throw error("nested deeper than " + std::to_string(limits_.depth) + " levels");
    }
    open_.push_back({place(std::move(container)), {}});
    return true;
  }
  bool close() {
    open_.pop_back();
    return true;
  }

  std::string_view text_;
  const std::string& file_;
  JsonLimits limits_;
  std::size_t taken_ = 0;
  Json root_;
  std::vector<Level> open_;
  std::string key_;
};

void write_canonical(JsonWriter& out, const nlohmann::json& value) {
  using Kind = nlohmann::json::value_t;
  switch (value.type()) {
    case Kind::object:
      out.begin_object();
      for (const auto& [name, member] : value.items()) {
        out.key(name);
        write_canonical(out, member);
      }
      out.end_object();
      return;
    case Kind::array:
      out.begin_array();
      for (const auto& item : value) write_canonical(out, item);
      out.end_array();
      return;
    case Kind::string:
      out.value(value.get_ref<const std::string&>());
      return;
    case Kind::boolean:
      out.value(value.get<bool>());
      return;
    case Kind::number_integer:
      out.value(value.get<std::int64_t>());
      return;
    case Kind::number_unsigned:
      out.value(value.get<std::uint64_t>());
      return;
    case Kind::number_float:
      out.value(value.get<double>() + 0.0);  // -0 is 0
      return;
    case Kind::null:
    case Kind::binary:
    case Kind::discarded:
      out.null();
      return;
  }
}

}  // namespace

nlohmann::json parse_json(std::string_view text, const std::string& file, JsonLimits limits) {
  return StrictBuilder<nlohmann::json>(text, file, limits).parse();
}

nlohmann::ordered_json parse_ordered_json(std::string_view text, const std::string& file,
                                          JsonLimits limits) {
  return StrictBuilder<nlohmann::ordered_json>(text, file, limits).parse();
}

nlohmann::json load_json(const std::string& path, JsonLimits limits) {
  const auto source = open_input(path);
  return parse_json(read_all(*source, kMaxFile), source->name(), limits);
}

std::string canonical_json(const nlohmann::json& value) {
  std::string text;
  JsonWriter out(text);
  write_canonical(out, value);
  return text;
}

}  // namespace stateutils::core
