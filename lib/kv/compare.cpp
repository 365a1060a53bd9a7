#include "kv/compare.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "core/json.hpp"
#include "core/json_writer.hpp"
#include "core/jsonl.hpp"
#include "core/units.hpp"

namespace stateutils::kv {
namespace {

using nlohmann::ordered_json;

std::vector<ordered_json> records_of(std::string_view text, const std::string& name) {
  std::vector<ordered_json> records;
  const auto source = core::memory_input(text, name);
  core::JsonlReader reader(*source, {1ull << 30, "", 1, false});
  while (const core::Record* record = reader.next()) {
    records.push_back(core::parse_ordered_json(record->text(), name));
  }
  return records;
}

// One object over several lines is one record, else every line is.
std::vector<ordered_json> read_records(std::string_view text, const std::string& name) {
  const std::size_t start = text.find_first_not_of(" \t\r\n");
  if (start == std::string_view::npos) throw core::input_error({name, {}, {}}, "no JSON in it");
  const std::size_t line_end = text.find('\n', start);
  const std::string_view line = text.substr(start, line_end - start);
  if (nlohmann::json::accept(line)) return records_of(text, name);
  return {core::parse_ordered_json(text, name)};
}

bool judged(std::string_view path) {
  const std::string_view field = path.substr(0, path.find('.'));
  const std::size_t dot = path.rfind('.');
  const std::string_view leaf = dot == std::string_view::npos ? path : path.substr(dot + 1);
  return !leaf.ends_with("sha256") && leaf != "version" && leaf != "tool_version" &&
         field != "config" && field != "tool";
}

class Differ {
 public:
  explicit Differ(const std::vector<Tolerance>& tolerances)
      : tolerances_(tolerances), json_(list_) {
    json_.begin_array();
  }

  void compare(std::size_t record, const std::string& path, const ordered_json& a,
               const ordered_json& b) {
    if (a.is_object() && b.is_object()) {
      for (const auto& [key, value] : a.items()) {
        const std::string inner = path.empty() ? key : path + '.' + key;
        b.contains(key) ? compare(record, inner, value, b.at(key))
                        : differ(record, inner, value, ordered_json(), INFINITY);
      }
      for (const auto& [key, value] : b.items()) {
        if (!a.contains(key)) {
          differ(record, path.empty() ? key : path + '.' + key, ordered_json(), value, INFINITY);
        }
      }
    } else if (a.is_array() && b.is_array() && a.size() == b.size()) {
      for (std::size_t i = 0; i < a.size(); ++i) {
        compare(record, path + '.' + std::to_string(i), a[i], b[i]);
      }
    } else if (a.is_number() && b.is_number()) {
      ++compared_;
      const auto x = a.get<double>(), y = b.get<double>();
      const double most = std::max(std::fabs(x), std::fabs(y));
      if (a != b) differ(record, path, a, b, most == 0 ? 0 : std::fabs(x - y) / most);
    } else if (a != b) {
      // Names and flags are shown; a number that is none on the other side is judged.
      differ(record, path, a, b, a.is_string() && b.is_string() ? NAN : INFINITY);
    }
  }

  Comparison finish() {
    json_.end_array();
    Comparison result;
    result.within = beyond_ == 0;
    core::JsonWriter out(result.json);
    out.begin_object().field("compared", compared_).field("beyond", beyond_);
    out.key("differences").raw(list_).end_object();
    return result;
  }

 private:
  [[nodiscard]] double tolerance(const std::string& path) const {
    double relative = 0;
    std::size_t length = 0;
    for (const Tolerance& t : tolerances_) {
      const bool fits = t.field.empty() || path == t.field || path.starts_with(t.field + '.');
      if (fits && t.field.size() >= length) {
        length = t.field.size();
        relative = t.relative;
      }
    }
    return relative;
  }
  void differ(std::size_t record, const std::string& path, const ordered_json& a,
              const ordered_json& b, double relative) {
    const bool counts = judged(path) && relative > tolerance(path);
    if (counts) ++beyond_;
    json_.begin_object().field("record", record).field("field", path);
    json_.key("a").raw(a.dump()).key("b").raw(b.dump()).key("relative");
    std::isfinite(relative) ? json_.value(relative) : json_.null();
    json_.field("beyond", counts).end_object();
  }

  const std::vector<Tolerance>& tolerances_;
  std::string list_;
  core::JsonWriter json_;
  std::uint64_t compared_ = 0, beyond_ = 0;
};

}  // namespace

Tolerance parse_tolerance(const std::string& text) {
  const std::size_t equals = text.rfind('=');
  const std::string number = equals == std::string::npos ? text : text.substr(equals + 1);
  const double relative = core::parse_double(number).value_or(-1);
  if (relative < 0) {
    throw core::usage_error("--tol " + core::quoted(text) + " is neither REL nor FIELD=REL");
  }
  return {equals == std::string::npos ? "" : text.substr(0, equals), relative};
}

Comparison compare_results(std::string_view a, const std::string& a_name, std::string_view b,
                           const std::string& b_name, const std::vector<Tolerance>& tolerances) {
  const std::vector<ordered_json> left = read_records(a, a_name), right = read_records(b, b_name);
  if (left.size() != right.size()) {
    throw core::input_error({b_name, {}, {}}, "has " + std::to_string(right.size()) + " records, " +
                                                  a_name + " has " + std::to_string(left.size()));
  }
  Differ differ(tolerances);
  for (std::size_t i = 0; i < left.size(); ++i) differ.compare(i, "", left[i], right[i]);
  return differ.finish();
}

}  // namespace stateutils::kv
