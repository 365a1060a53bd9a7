#include "bench/judge/probe.hpp"

#include <algorithm>
#include <cmath>

#include "bench/world/condition.hpp"
#include "core/units.hpp"

namespace stateutils::bench {
namespace {

ProbePath read_path(const Cursor& json, Store& store) {
  ProbePath out;
  out.text = std::string(json.string());
  std::string_view text = out.text;
  if (!text.starts_with("$.")) throw json.error("a path starts with $.");
  text.remove_prefix(2);
  if (text.starts_with("config.")) {
    out.table = Store::kConfig;
    out.key = store.atoms.string(text.substr(7));
    out.field = store.value_field(Store::kConfig);
    return out;
  }
  const std::size_t open = text.find('['), close = text.rfind(']');
  if (open == std::string_view::npos || close == std::string_view::npos || close < open) {
    throw json.error("expected $.table[key], $.table[key].field or $.config.path");
  }
  out.table = store.table(text.substr(0, open));
  const std::string_view key = text.substr(open + 1, close - open - 1);
  const auto number = core::parse_i64(key);
  out.key = number ? store.atoms.integer(*number) : store.atoms.string(key);
  const std::string_view rest = text.substr(close + 1);
  if (rest.empty()) {
    if (out.table == Store::kFiles) out.field = store.value_field(Store::kFiles);
  } else if (rest.front() == '.' && rest.size() > 1) {
    out.field = store.atoms.string(rest.substr(1));
  } else {
    throw json.error("expected .FIELD after ]");
  }
  return out;
}

ProbeCondition read_condition(const Cursor& json, Store& store) {
  json.only({"path", "cond", "value"});
  ProbeCondition out;
  out.path = read_path(json.at("path"), store);
  out.condition = read_condition_name(json.at("cond"));
  const auto value = json.find("value");
  const bool wants = out.condition != Condition::kExists && out.condition != Condition::kNotNull;
  if (wants && !value) throw json.error("\"value\" is missing");
  if (!value) return out;
  if (out.condition == Condition::kIn) {
    value->items(
        [&](const Cursor& v) { out.wanted.push_back(intern_value(store.atoms, v.element())); });
  } else {
    out.wanted.push_back(intern_value(store.atoms, value->element()));
  }
  return out;
}

Id value_at(const ProbePath& path, Id state, const Store& store) {
  const Id row = store.find_row(state, path.table, path.key);
  if (row == kNone) return kNone;
  return path.field == kNone ? path.key : store.value_of(row, path.field);
}

bool holds(const ProbeCondition& c, Id state, const Store& store) {
  return condition_holds(store.atoms, c.condition, value_at(c.path, state, store), c.wanted);
}

std::optional<double> number_at(const ProbePath& path, Id state, const Store& store) {
  const Id value = value_at(path, state, store);
  if (value == kNone) return {};
  return core::parse_double(store.atoms.text(value));
}

std::optional<std::size_t> failed_deadline(const Probe& p, std::span<const Id> states,
                                           const Store& store) {
  std::size_t next = states.size();  // the nearest tick, from here on, at which `then` holds
  std::optional<std::size_t> failed;
  for (std::size_t t = states.size(); t-- > 0;) {
    if (holds(*p.then, states[t], store)) next = t;
    const bool late = next == states.size() || next - t > p.within;
    if (late && holds(*p.when, states[t], store)) failed = t;
  }
  return failed;
}

std::optional<std::size_t> failed_order(const Probe& p, std::span<const Id> states,
                                        const Store& store) {
  std::optional<double> last;
  for (std::size_t t = 0; t < states.size(); ++t) {
    const auto now = number_at(p.paths.front(), states[t], store);
    if (!now || (last && (p.up ? *now < *last : *now > *last))) return t;
    last = now;
  }
  return {};
}

std::optional<std::size_t> failed_sum(const Probe& p, std::span<const Id> states,
                                      const Store& store) {
  std::optional<double> first;
  for (std::size_t t = 0; t < states.size(); ++t) {
    double sum = 0;
    for (const ProbePath& path : p.paths) {
      const auto value = number_at(path, states[t], store);
      if (!value) return t;
      sum += *value;
    }
    if (!first) first = sum;
    if (std::abs(sum - *first) > 1e-9 * std::max(1.0, std::abs(*first))) return t;
  }
  return {};
}

}  // namespace

std::vector<Probe> read_probes(const Cursor& json, Store& store) {
  std::vector<Probe> out;
  json.items([&](const Cursor& item) {
    item.only({"id", "invariant", "after", "within", "then", "monotone", "dir", "conserve"});
    Probe p;
    const auto id = item.find("id");
    p.id = id ? std::string(id->string()) : "p" + std::to_string(out.size());
    const auto invariant = item.find("invariant"), after = item.find("after"),
               monotone = item.find("monotone"), conserve = item.find("conserve");
    const int kinds = int{invariant.has_value()} + int{after.has_value()} +
                      int{monotone.has_value()} + int{conserve.has_value()};
    if (kinds != 1) throw item.error("one of invariant, after, monotone, conserve");
    if (invariant) {
      p.when = read_condition(*invariant, store);
    } else if (after) {
      p.kind = Probe::Kind::kAfter;
      p.when = read_condition(*after, store);
      p.then = read_condition(item.at("then"), store);
      const std::int64_t ticks = item.at("within").integer();
      if (ticks < 0) throw item.at("within").error("ticks are not negative");
      p.within = static_cast<std::uint64_t>(ticks);
    } else if (monotone) {
      p.kind = Probe::Kind::kMonotone;
      p.paths.push_back(read_path(*monotone, store));
      const Cursor dir = item.at("dir");
      if (dir.string() != "up" && dir.string() != "down") throw dir.error("up or down");
      p.up = dir.string() == "up";
    } else {
      p.kind = Probe::Kind::kConserve;
      conserve->items([&](const Cursor& path) { p.paths.push_back(read_path(path, store)); });
      if (p.paths.empty()) throw conserve->error("nothing to add up");
    }
    out.push_back(std::move(p));
  });
  return out;
}

std::optional<std::size_t> first_failure(const Probe& p, std::span<const Id> states,
                                         const Store& store) {
  switch (p.kind) {
    case Probe::Kind::kInvariant:
      for (std::size_t t = 0; t < states.size(); ++t) {
        if (!holds(*p.when, states[t], store)) return t;
      }
      return {};
    case Probe::Kind::kAfter:
      return failed_deadline(p, states, store);
    case Probe::Kind::kMonotone:
      return failed_order(p, states, store);
    default:
      return failed_sum(p, states, store);
  }
}

}  // namespace stateutils::bench
