#include "bench/score/read.hpp"

#include <algorithm>

#include "core/units.hpp"

namespace stateutils::bench {
namespace {

double share(const core::Record& record, std::string_view key) {
  const double v = record.number(key);
  if (!(v >= 0 && v <= 1)) throw record.error("\"" + std::string(key) + "\" is not from 0 to 1");
  return v;
}

std::vector<std::pair<std::int64_t, double>> read_curve(const core::Record& record,
                                                        std::string_view key) {
  std::vector<std::pair<std::int64_t, double>> out;
  if (record.is_null_or_absent(key)) return out;
  for (const auto field : record.object(key)) {
    const auto k = core::parse_i64(field.key);
    if (!k) throw record.error("\"" + std::string(key) + "\" has a key that is no number");
    out.emplace_back(*k, record.as_number(key, field.value));
  }
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace

TrialScore read_trial(const core::Record& record) {
  TrialScore t;
  t.task = std::string(record.string("task_id"));
  t.scenario = std::string(record.opt_string("scenario").value_or(""));
  t.ability = std::string(record.opt_string("ability").value_or(""));
  t.agent = std::string(record.string("agent"));
  t.trial = record.opt_i64("trial").value_or(0);
  t.error = record.opt_string("end").value_or("") == "error";
  t.cost = record.opt_number("cost");
  if (!record.is_null_or_absent("steps")) {
    double ms = 0;
    for (const auto step : record.array("steps")) {
      ms += record.nested(record.as_object("steps", step)).opt_number("ms").value_or(0);
    }
    t.seconds = ms / 1000;
  }
  if (!record.is_null_or_absent("tags")) {
    for (const auto tag : record.array("tags")) {
      t.must_pass = t.must_pass || record.as_string("tags", tag) == "must-pass";
    }
  }
  if (!record.is_null_or_absent("ops")) {
    for (const auto op : record.array("ops")) {
      const std::string agent(record.nested(record.as_object("ops", op)).string("agent"));
      if (std::find(t.members.begin(), t.members.end(), agent) == t.members.end()) {
        t.members.push_back(agent);
      }
    }
  }
  if (t.error && record.is_null_or_absent("verdict")) return t;
  t.strict = record.nested(record.object("verdict")).boolean("strict");
  const core::Record scores = record.nested(record.object("scores"));
  t.progress = share(scores, "progress");
  t.partial = share(scores, "partial");
  t.partial_plain = share(scores, "partial_plain");
  t.efficiency = scores.opt_number("efficiency").value_or(0);
  t.inspected = scores.opt_boolean("inspected").value_or(false);
  if (!record.is_null_or_absent("failures")) {
    for (const auto f : record.array("failures")) {
      t.failures.emplace_back(record.as_string("failures", f));
    }
  }
  return t;
}

std::vector<TrialScore> read_trials(core::JsonlReader& reader) {
  std::vector<TrialScore> out;
  while (const core::Record* record = reader.next()) out.push_back(read_trial(*record));
  return out;
}

ScoreLine read_score(const core::Record& record) {
  ScoreLine s;
  s.agent = std::string(record.string("agent"));
  s.group = std::string(record.string("group"));
  s.tasks = record.u64("tasks");
  s.trials = record.u64("trials");
  s.errors = record.opt_u64("errors").value_or(0);
  s.errors_rule = std::string(record.opt_string("errors_rule").value_or("exclude"));
  s.ci_method = std::string(record.opt_string("ci_method").value_or("wilson"));
  s.strict = share(record, "strict");
  s.progress = share(record, "progress");
  s.partial = share(record, "partial");
  s.partial_plain = share(record, "partial_plain");
  s.efficiency = share(record, "efficiency");
  s.inspected = share(record, "inspected");
  s.has_closure = !record.is_null_or_absent("closure");
  if (s.has_closure) s.closure = share(record, "closure");
  std::vector<double> ends;
  for (const auto end : record.array("ci")) ends.push_back(record.as_number("ci", end));
  if (ends.size() != 2 || !(0 <= ends[0] && ends[0] <= ends[1] && ends[1] <= 1)) {
    throw record.error("\"ci\" wants [lo, hi] within 0 and 1");
  }
  s.lo = ends[0];
  s.hi = ends[1];
  s.pass_at = read_curve(record, "pass@k");
  s.pass_hat = read_curve(record, "pass^k");
  if (!record.is_null_or_absent("failures")) {
    for (const auto field : record.object("failures")) {
      s.failures[std::string(field.key)] = record.as_u64("failures", field.value);
    }
  }
  return s;
}

}  // namespace stateutils::bench
