// The JSON object in the body of a request, read strictly.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/dom.hpp"
#include "sbus/op_record.hpp"

namespace stateutils::sbus {

// Thrown when a body is not what the endpoint asks for.
struct BadBody {
  std::string detail;
};

class RequestBody {
 public:
  // Text lives as long as `parser` parses nothing else. Throws BadBody when it is no JSON object,
  // is nested deeper than 64, or a key is there twice.
  RequestBody(simdjson::dom::parser& parser, std::string_view text);

  // A required field under its name or, where there is one, its alias; under both is an error.
  [[nodiscard]] std::string_view string(std::string_view name, std::string_view alias = {}) const;
  [[nodiscard]] std::int64_t version(std::string_view name, std::string_view alias = {}) const;
  [[nodiscard]] bool boolean(std::string_view name) const;
  [[nodiscard]] std::vector<std::string_view> strings(std::string_view name) const;
  // Absent or null is empty.
  [[nodiscard]] std::optional<std::string_view> opt_string(std::string_view name) const;
  void read_set(std::vector<ReadItem>& out) const;

 private:
  struct Field {
    std::string_view name;
    simdjson::dom::element value;
  };
  explicit RequestBody(simdjson::dom::object object) { index(object); }
  void index(simdjson::dom::object object);
  [[nodiscard]] const simdjson::dom::element* find(std::string_view name) const;
  [[nodiscard]] const simdjson::dom::element& require(std::string_view name,
                                                      std::string_view alias) const;

  std::vector<Field> fields_;  // by name
};

}  // namespace stateutils::sbus
