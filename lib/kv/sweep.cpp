#include "kv/sweep.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "core/hash.hpp"
#include "core/json.hpp"
#include "core/jsonl.hpp"
#include "core/npy.hpp"
#include "core/threads.hpp"
#include "core/units.hpp"
#include "kv/config_fields.hpp"
#include "kv/config_paths.hpp"
#include "kv/engine_report.hpp"
#include "kv/quantity.hpp"
#include "kv/run_trace.hpp"
#include "kv/splitwise.hpp"

namespace stateutils::kv {
namespace {

Quantity quantity(const nlohmann::json& value, const std::string& path) {
  if (value.is_number()) return {value.get<double>()};
  const auto parsed = parse_quantity(value.is_string() ? value.get<std::string>() : "");
  if (!parsed) throw core::usage_error("config: " + core::quoted(path) + " is no quantity");
  return *parsed;
}

// One column of a design: u in [0,1) to a value of a path.
class Parameter {
 public:
  explicit Parameter(Fields fields) {
    path_ = fields.text("path", "");
    if (path_.empty()) throw core::usage_error("config: a sweep parameter has no path");
    scale_ = fields.one_of("scale", fields.has("values") ? "choice" : "lin",
                           {"lin", "log", "int", "choice"});
    if (scale_ == "choice") {
      values_ = fields.get("values");
      if (!values_.is_array() || values_.empty()) {
        throw core::usage_error("config: " + core::quoted(path_) + " has no values to choose from");
      }
    } else {
      lo_ = quantity(fields.get("lo"), path_);
      hi_ = quantity(fields.get("hi"), path_);
      const bool order = lo_.value <= hi_.value && lo_.unit == hi_.unit;
      if (!order || (scale_ == "log" && lo_.value <= 0)) {
        throw core::usage_error("config: " + core::quoted(path_) + ": lo and hi give no range");
      }
    }
    fields.end();
  }
  [[nodiscard]] std::pair<std::string, nlohmann::json> at(double u) const {
    if (scale_ == "choice") {
      return {path_, values_[static_cast<std::size_t>(u * static_cast<double>(values_.size()))]};
    }
    const double lo = lo_.value, hi = hi_.value;
    const double value = scale_ == "log"   ? lo * std::pow(hi / lo, u)
                         : scale_ == "int" ? std::floor(lo + u * (hi - lo + 1))
                                           : lo + u * (hi - lo);
    if (!lo_.unit.empty()) return {path_, core::format_double(value) + lo_.unit};
    if (scale_ == "int") return {path_, static_cast<std::int64_t>(value)};
    return {path_, value};
  }

 private:
  std::string path_, scale_;
  Quantity lo_, hi_;
  nlohmann::json values_;
};

std::vector<SweepPoint> design_points(core::ByteSource& source, const nlohmann::json& config) {
  Fields root(&config, "");
  Fields sweep = root.object("sweep");
  std::vector<Parameter> parameters;
  for (Fields& fields : sweep.objects("params")) parameters.emplace_back(fields);
  sweep.end();
  const core::NpyArray design = core::read_npy(source);
  const auto& shape = design.header.shape;
  if (shape.size() != 2 || shape[1] != parameters.size()) {
    throw core::input_error({source.name()}, "the design is no matrix with a column for each of " +
                                                 std::to_string(parameters.size()) +
                                                 " sweep.params");
  }
  std::vector<SweepPoint> points(shape[0]);
  for (std::size_t row = 0; row < points.size(); ++row) {
    for (std::size_t column = 0; column < parameters.size(); ++column) {
      const double u = design.values[row * parameters.size() + column];
      if (!(u >= 0 && u < 1)) {
        throw core::input_error({source.name()}, "row " + std::to_string(row) + ": " +
                                                     core::format_double(u) + " is not in [0,1)");
      }
      points[row].push_back(parameters[column].at(u));
    }
  }
  return points;
}

// Bytes that were looked at, then the rest.
class Prefixed : public core::ByteSource {
 public:
  Prefixed(std::string start, core::ByteSource& rest)
      : core::ByteSource(rest.name()), start_(std::move(start)), rest_(rest) {}
  std::size_t read(char* data, std::size_t size) override {
    if (at_ == start_.size()) return rest_.read(data, size);
    const std::size_t n = std::min(size, start_.size() - at_);
    start_.copy(data, n, at_);
    at_ += n;
    return n;
  }

 private:
  std::string start_;
  std::size_t at_ = 0;
  core::ByteSource& rest_;
};

// Keys of `trace` that only the engine looks at.
bool same_file(const RunConfig& a, const RunConfig& b) {
  const TraceConfig &x = a.trace, &y = b.trace;
  return std::tie(x.file, x.format, x.prefix, x.sort, x.scope, x.session_arrival, x.block,
                  x.limit) == std::tie(y.file, y.format, y.prefix, y.sort, y.scope,
                                       y.session_arrival, y.block, y.limit) &&
         (!x.session_arrival || a.seed == b.seed);
}

nlohmann::json summary_of(const RunTrace& input, const RunConfig& config, bool bound,
                          std::string* text) {
  std::string own;
  core::JsonWriter writer(own);
  writer.begin_object();
  if (config.splitwise) {
    write_splitwise_summary(writer, input.trace, config, simulate_splitwise(input.trace, config));
  } else {
    write_summary(writer, input.trace, config, simulate(input.trace, config, {}), bound);
  }
  writer.end_object();
  if (text != nullptr) *text = own;
  return core::parse_json(own, "summary");
}

double attained(const nlohmann::json& summary) {
  return summary.value("slo_attainment", 0.0);
}

// The cost, else the bytes of KV of all tiers; NaN when neither is known.
double usual_objective(const nlohmann::json& summary) {
  for (const char* path : {"cost", "memory.total_kv_bytes", "memory.kv_bytes"}) {
    const nlohmann::json* value = find_path(summary, path);
    if (value != nullptr && value->is_number()) return value->get<double>();
  }
  return std::nan("");
}

// The largest rate, to 1 %, at which the SLO is still met; 0 when even 2^-20 of it is too much.
double largest_rate(const RunTrace& input, RunConfig config, double attain) {
  const auto met = [&](double rate) {
    config.trace.scale_rate = rate;
    return attained(summary_of(input, config, false, nullptr)) >= attain;
  };
  double low = config.trace.scale_rate, high = low;
  if (met(low)) {
    for (int i = 0; i < 20 && met(high); ++i) high = (low = high) * 2;
    if (high == low) return low;
  } else {
    int i = 0;
    for (; i < 20 && !met(low); ++i) low = (high = low) / 2;
    if (i == 20) return 0;
  }
  while (high / low > 1.01) {
    const double middle = std::sqrt(low * high);
    (met(middle) ? low : high) = middle;
  }
  return low;
}

std::string record(std::size_t index, const SweepPoint& point, const std::string& summary,
                   const std::string& rest) {
  std::string text;
  core::JsonWriter writer(text);
  writer.begin_object().field("point", index).key("params").begin_object();
  for (const auto& [path, value] : point) writer.key(path).raw(core::canonical_json(value));
  writer.end_object().end_object();
  text.back() = ',';
  text += summary.substr(1, summary.size() - 2) + rest + "}";
  return text;
}

}  // namespace

std::vector<SweepPoint> read_points(core::ByteSource& source, const nlohmann::json& config) {
  std::string start(6, '\0');
  std::size_t have = 0;
  while (have < start.size()) {
    const std::size_t got = source.read(start.data() + have, start.size() - have);
    if (got == 0) break;
    have += got;
  }
  start.resize(have);
  Prefixed whole(start, source);
  if (start == "\x93NUMPY") return design_points(whole, config);
  core::JsonlReader reader(whole, {64ull << 20, "", 1, false});
  std::vector<SweepPoint> points;
  while (const core::Record* line = reader.next()) {
    const nlohmann::json object = core::parse_json(line->text(), source.name());
    SweepPoint point;
    for (const auto& [path, value] : object.items()) point.emplace_back(path, value);
    points.push_back(std::move(point));
  }
  return points;
}

std::vector<SweepLine> run_sweep(const nlohmann::json& config,
                                 const std::vector<SweepPoint>& points,
                                 const SweepOptions& options) {
  std::optional<Objective> objective;
  if (options.objective) objective.emplace(*options.objective);
  const std::pair<std::uint64_t, std::uint64_t> share = options.slice.range(points.size());
  const std::uint64_t first = share.first, last = share.second;
  std::vector<RunConfig> configs;
  std::vector<std::string> hashes;
  for (std::size_t i = 0; i < points.size(); ++i) {
    nlohmann::json document = config;
    document.erase("sweep");
    for (const auto& [path, value] : points[i]) set_path_value(document, path, value);
    configs.push_back(parse_run_config(document));
    hashes.push_back(core::sha256_hex(core::canonical_json(document)));
  }
  if (first == last) return {};
  const RunTrace shared = load_run_trace(configs[first], false);
  std::vector<SweepLine> lines(last - first);
  core::parallel_for(lines.size(), options.threads, [&](std::uint64_t k) {
    const std::size_t i = first + k;
    std::optional<RunTrace> own;
    if (!same_file(configs[i], configs[first])) own = load_run_trace(configs[i], false);
    const RunTrace& input = own ? *own : shared;
    std::string text;
    SweepLine& line = lines[k];
    const nlohmann::json summary = summary_of(input, configs[i], options.bound, &text);
    line.attained = attained(summary);
    line.meets = line.attained >= options.attain;
    line.objective = objective ? objective->of(summary) : usual_objective(summary);
    std::string rest;
    core::JsonWriter writer(rest);
    writer.begin_object();
    if (options.max_rate) {
      writer.field("max_rate", largest_rate(input, configs[i], options.attain));
    }
    writer.key("objective");
    std::isnan(line.objective) ? writer.null() : writer.value(line.objective);
    writer.field("config_sha256", hashes[i]);
    writer.field("trace_sha256", input.sha256).field("version", options.version);
    writer.field("seed", configs[i].seed).end_object();
    rest.front() = ',';
    rest.pop_back();
    line.json = record(i, points[i], text, rest);
  });
  return lines;
}

std::vector<const SweepLine*> ranked(const std::vector<SweepLine>& lines) {
  std::vector<const SweepLine*> order;
  for (const SweepLine& line : lines) order.push_back(&line);
  std::ranges::stable_sort(order, [](const SweepLine* a, const SweepLine* b) {
    if (a->meets != b->meets) return a->meets;
    if (std::isnan(a->objective) != std::isnan(b->objective)) return std::isnan(b->objective);
    if (a->meets && a->objective != b->objective) return a->objective < b->objective;
    return a->attained > b->attained;
  });
  return order;
}

}  // namespace stateutils::kv
