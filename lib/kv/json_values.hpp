// Typed values of a JSON element with the reader's messages.
#pragma once

#include <simdjson.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "core/error.hpp"
#include "kv/trace_builder.hpp"

namespace stateutils::kv {

// Reads values of one record; `fail` makes the error at its place.
class JsonValues {
 public:
  explicit JsonValues(std::function<core::Error(const std::string&)> fail)
      : fail_(std::move(fail)) {}

  using Element = simdjson::dom::element;
  using Maybe = std::optional<Element>;  // absent; JSON null counts as absent

  [[nodiscard]] std::uint64_t count(std::string_view key, const Maybe& value) const;
  [[nodiscard]] std::optional<std::uint64_t> opt_count(std::string_view key,
                                                       const Maybe& value) const;
  [[nodiscard]] std::optional<double> opt_number(std::string_view key, const Maybe& value) const;
  // Seconds (times `scale` for other units) as ns, not negative.
  [[nodiscard]] std::optional<std::int64_t> opt_time(std::string_view key, const Maybe& value,
                                                     double scale = 1) const;
  [[nodiscard]] std::optional<std::string_view> opt_text(std::string_view key,
                                                         const Maybe& value) const;
  [[nodiscard]] std::optional<bool> opt_bool(std::string_view key, const Maybe& value) const;
  // hash_ids: [id, ...]
  void ids(std::string_view key, const Element& value, std::vector<RawRun>& runs) const;
  // hash_runs: [[first, count], ...]
  void id_runs(std::string_view key, const Element& value, std::vector<RawRun>& runs) const;
  [[nodiscard]] core::Error error(const std::string& message) const { return fail_(message); }

 private:
  [[nodiscard]] core::Error wrong(std::string_view key, const char* expected) const;
  [[nodiscard]] std::uint64_t id(std::string_view key, const Element& value) const;

  std::function<core::Error(const std::string&)> fail_;
};

}  // namespace stateutils::kv
