#include "sbus/interval_audit.hpp"

#include <algorithm>
#include <map>
#include <numeric>

#include "sbus/names.hpp"
#include "sbus/order_graph.hpp"

namespace stateutils::sbus {
namespace {

struct Event {
  std::int64_t start = 0, end = 0, version = 0, expected = 0, ts = 0;
  std::uint64_t line = 0;
  std::uint32_t file = 0, agent = Names::kNone, key = Names::kNone;
  std::uint32_t reads = 0;  // 1 + index of an explicit read set
  Op op = Op::kGet;
  bool timed = false;
  bool refused = false;  // a commit that was answered 409
};

bool is_write(Op op) {
  return op == Op::kCommit || op == Op::kRollback || op == Op::kCreate;
}
bool is_write(const Event& event) {
  return is_write(event.op) && !event.refused;
}

using Delivered = std::map<std::uint32_t, std::uint32_t>;  // key -> event

struct Finding {
  std::uint32_t commit, stale;    // event, key
  std::uint32_t read, overwrite;  // events, or kNone
  std::int64_t read_version, current;
  bool ww, definite;
};

}  // namespace

struct IntervalAuditor::State {
  explicit State(const AuditOptions& given) : options(given) {}

  AuditOptions options;
  Names agents, keys;
  std::vector<Event> events;
  std::vector<std::vector<std::pair<std::uint32_t, std::int64_t>>> read_sets;
  std::vector<bool> counted;
  std::vector<std::vector<std::uint32_t>> writes;    // per key, by version
  std::vector<std::vector<std::uint32_t>> programs;  // per agent, by start
  std::vector<Finding> findings;
  AuditSummary counts;
  std::uint64_t possible = 0;

  bool add(const OpRecord& record);
  void sort_events();
  [[nodiscard]] std::uint32_t first_write_after(std::uint32_t key, std::int64_t version) const;
  void check_program(const std::vector<std::uint32_t>& program);
  // The versions that a commit rests on: key -> version, event.
  using Reads = std::map<std::uint32_t, std::pair<std::int64_t, std::uint32_t>>;
  [[nodiscard]] Reads reads_of(const Event& commit, const Delivered& delivered) const;
  void check_commit(std::uint32_t c, const Delivered& delivered);
  [[nodiscard]] bool current_throughout(std::uint32_t key, std::int64_t version,
                                        const Event& event) const;
  void check_refused(std::uint32_t c, const Delivered& delivered);
  void find_versions();
  void find_stale_gets();
  void settle_order();
  void report(const Finding& finding, const ViolationSink& sink) const;
};

bool IntervalAuditor::State::add(const OpRecord& record) {
  ++counts.ops;
  Event event;
  if (!record.agent.empty()) event.agent = agents.number(record.agent);
  const bool names_key = record.op == Op::kGet || is_write(record.op);
  if (names_key) {
    event.key = keys.number(record.key);
    counted.resize(std::max<std::size_t>(counted.size(), event.key + 1));
    if (!counted[event.key]) ++counts.shards;
    counted[event.key] = true;
  }
  if (record.op == Op::kCommit) ++(record.succeeded() ? counts.commits : counts.rejected);
  // A registration takes the version current at its instant, which no line tells in this mode.
  if (record.op == Op::kRegister) return true;
  event.refused = record.op == Op::kCommit && record.status == 409 &&
                  record.error != "TokenConflict" && record.expected && record.start && record.end;
  if (!record.succeeded() && !event.refused) return true;
  if (!record.start || !record.end || (names_key && !record.version && !event.refused)) {
    return false;
  }
  event.op = record.op;
  event.start = *record.start;
  event.end = *record.end;
  event.version = record.op == Op::kCreate ? 0 : record.version.value_or(0);
  event.expected = record.expected.value_or(event.version - 1);
  event.timed = record.ts.has_value();
  event.ts = record.ts.value_or(0);
  event.line = record.line;
  event.file = record.file;
  if (!record.read_set.empty()) {
    read_sets.emplace_back();
    for (const ReadItem& item : record.read_set) {
      read_sets.back().emplace_back(keys.number(item.key), item.version);
    }
    event.reads = static_cast<std::uint32_t>(read_sets.size());
  }
  events.push_back(event);
  return true;
}

void IntervalAuditor::State::sort_events() {
  writes.resize(keys.size());
  programs.resize(agents.size());
  for (std::uint32_t i = 0; i < events.size(); ++i) {
    if (is_write(events[i])) writes[events[i].key].push_back(i);
    if (events[i].agent != Names::kNone) programs[events[i].agent].push_back(i);
  }
  for (auto& list : writes) {
    std::stable_sort(list.begin(), list.end(), [this](std::uint32_t x, std::uint32_t y) {
      return std::pair(events[x].version, events[x].start) <
             std::pair(events[y].version, events[y].start);
    });
  }
  for (auto& list : programs) {
    std::stable_sort(list.begin(), list.end(), [this](std::uint32_t x, std::uint32_t y) {
      return events[x].start < events[y].start;
    });
  }
}

// The write that replaced `version`: the one of the next number, or of the first one known after.
std::uint32_t IntervalAuditor::State::first_write_after(std::uint32_t key,
                                                        std::int64_t version) const {
  const auto& list = writes[key];
  const auto at =
      std::upper_bound(list.begin(), list.end(), version,
                       [this](std::int64_t v, std::uint32_t e) { return v < events[e].version; });
  return at == list.end() ? Names::kNone : *at;
}

void IntervalAuditor::State::find_versions() {
  for (const auto& list : writes) {
    const Event* before = nullptr;
    for (const std::uint32_t w : list) {
      const Event& event = events[w];
      if (event.op == Op::kCommit && before != nullptr) {
        if (event.version == before->version && before->op == Op::kCommit) ++counts.dup_versions;
        if (event.version != before->version + 1) ++counts.version_gaps;
      }
      before = &event;
    }
  }
}

// Gets of a version that had been replaced before they began, by the clocks alone.
void IntervalAuditor::State::find_stale_gets() {
  for (const Event& get : events) {
    if (get.op != Op::kGet) continue;
    const std::uint32_t next = first_write_after(get.key, get.version);
    if (next != Names::kNone && events[next].end < get.start) ++counts.stale_get;
  }
}

IntervalAuditor::State::Reads IntervalAuditor::State::reads_of(const Event& commit,
                                                               const Delivered& delivered) const {
  Reads reads;
  for (const auto& [key, event] : delivered) {
    if (events[event].timed && commit.timed && commit.ts - events[event].ts >= options.ttl_ns)
      continue;
    reads[key] = {events[event].version, event};
  }
  if (commit.reads != 0) {
    for (const auto& [key, version] : read_sets[commit.reads - 1]) {
      const auto known = delivered.find(key);
      const bool same = known != delivered.end() && events[known->second].version == version;
      reads[key] = {version, same ? known->second : Names::kNone};
    }
  }
  reads.erase(commit.key);
  std::erase_if(reads, [this](const auto& read) {
    return read.first >= counted.size() || !counted[read.first];
  });
  return reads;
}

void IntervalAuditor::State::check_commit(std::uint32_t c, const Delivered& delivered) {
  const Event& commit = events[c];
  if (commit.expected != commit.version - 1) {
    ++counts.ww;
    const auto read = delivered.find(commit.key);
    findings.push_back({c, commit.key, read == delivered.end() ? Names::kNone : read->second,
                        first_write_after(commit.key, commit.expected), commit.expected,
                        commit.version - 1, true, true});
  }
  const Reads reads = reads_of(commit, delivered);
  if (!reads.empty()) ++counts.view_checked;
  for (const auto& [key, read] : reads) {
    const std::uint32_t overwrite = first_write_after(key, read.first);
    if (overwrite == Names::kNone || overwrite == c) continue;
    findings.push_back(
        {c, key, read.second, overwrite, read.first, events[overwrite].version, false, false});
  }
}

// Whether the version was surely there before the event began and not replaced before it ended.
bool IntervalAuditor::State::current_throughout(std::uint32_t key, std::int64_t version,
                                                const Event& event) const {
  const std::uint32_t next = first_write_after(key, version);
  if (next != Names::kNone && events[next].start <= event.end) return false;
  const std::uint32_t write = first_write_after(key, version - 1);
  if (write != Names::kNone && events[write].version == version) {
    return events[write].end < event.start;
  }
  return next != Names::kNone && events[next].version == version + 1;  // from before the log
}

void IntervalAuditor::State::check_refused(std::uint32_t c, const Delivered& delivered) {
  const Event& commit = events[c];
  if (!current_throughout(commit.key, commit.expected, commit)) return;
  const Reads reads = reads_of(commit, delivered);
  const bool current = std::all_of(reads.begin(), reads.end(), [&](const auto& read) {
    return current_throughout(read.first, read.second.first, commit);
  });
  if (current) ++counts.spurious_409;
}

// One agent's events by start; a delivery counts for the commits that began after it had ended.
void IntervalAuditor::State::check_program(const std::vector<std::uint32_t>& program) {
  Delivered delivered;
  std::vector<std::uint32_t> open;  // begun, in order of start, end not seen yet
  const auto take = [&](std::uint32_t e) {
    const Event& event = events[e];
    if (event.op == Op::kSession || event.op == Op::kExpire) delivered.clear();
    const bool delivers =
        event.op == Op::kGet || (event.op == Op::kCommit && options.refresh_own_writes);
    if (!delivers) return;
    const auto [entry, added] = delivered.emplace(event.key, e);
    if (!added && events[entry->second].start <= event.start) entry->second = e;
  };
  for (const std::uint32_t e : program) {
    std::erase_if(open, [&](std::uint32_t before) {
      if (events[before].end >= events[e].start) return false;
      take(before);
      return true;
    });
    if (events[e].refused) {
      check_refused(e, delivered);
      continue;
    }
    if (events[e].op == Op::kCommit) check_commit(e, delivered);
    open.push_back(e);
  }
}

// Decides for each stale read whether its overwrite came before the commit.
void IntervalAuditor::State::settle_order() {
  OrderGraph graph(events.size());
  for (std::uint32_t i = 0; i < events.size(); ++i)
    graph.interval(i, events[i].start, events[i].end);
  for (const auto& program : programs) graph.chain(program);
  for (const auto& list : writes) graph.chain(list);
  for (std::uint32_t i = 0; i < events.size(); ++i) {
    if (events[i].op != Op::kGet) continue;
    const std::uint32_t next = first_write_after(events[i].key, events[i].version - 1);
    if (next != Names::kNone && events[next].version == events[i].version) graph.edge(next, i);
  }
  std::vector<OrderGraph::Query> queries;
  for (std::uint32_t f = 0; f < findings.size(); ++f) {
    const Finding& finding = findings[f];
    if (finding.ww) continue;
    const std::uint32_t key = events[finding.commit].key;
    queries.push_back({finding.commit, finding.overwrite, finding.stale,
                       events[finding.overwrite].version, key, events[finding.commit].version});
  }
  std::vector<std::pair<std::uint32_t, std::int64_t>> writes_of(events.size(), {Names::kNone, 0});
  for (std::uint32_t i = 0; i < events.size(); ++i) {
    if (is_write(events[i])) writes_of[i] = {events[i].key, events[i].version};
  }
  graph.solve(writes_of, keys.size(), queries);
  std::size_t q = 0;
  std::erase_if(findings, [&](Finding& finding) {
    if (finding.ww) return false;
    const OrderGraph::Query& query = queries[q++];
    finding.definite = query.before;
    if (query.before) finding.current = query.latest;
    return !query.before && query.after;
  });
}

void IntervalAuditor::State::report(const Finding& finding, const ViolationSink& sink) const {
  const Event& commit = events[finding.commit];
  const auto agent_of = [this](const Event& event) {
    return event.agent == Names::kNone ? std::string_view() : agents.name(event.agent);
  };
  const auto witness = [&](std::uint32_t e) {
    const Event& event = events[e];
    return WitnessRecord{event.line,      event.file,           event.op,
                         agent_of(event), keys.name(event.key), event.version};
  };
  Violation out;
  out.kind = finding.ww ? ViolationKind::kWw : ViolationKind::kXs;
  out.agent = agent_of(commit);
  out.key = keys.name(commit.key);
  if (!finding.ww) out.stale_key = keys.name(finding.stale);
  out.read_version = finding.read_version;
  out.current_version = finding.current;
  out.definite = finding.definite;
  out.line = commit.line;
  out.file = commit.file;
  const std::string_view subject = keys.name(finding.stale);
  out.read = {std::nullopt, 0, Op::kGet, out.agent, subject, finding.read_version};
  if (finding.read != Names::kNone) out.read = witness(finding.read);
  out.overwrite = {std::nullopt, 0, Op::kCommit, std::nullopt, subject, finding.read_version + 1};
  if (finding.overwrite != Names::kNone && finding.overwrite != finding.commit) {
    out.overwrite = witness(finding.overwrite);
  }
  out.commit = witness(finding.commit);
  sink(out);
}

IntervalAuditor::IntervalAuditor(const AuditOptions& options)
    : state_(std::make_unique<State>(options)) {}
IntervalAuditor::~IntervalAuditor() = default;

bool IntervalAuditor::add(const OpRecord& record) {
  return state_->add(record);
}

bool IntervalAuditor::finish(const ViolationSink& sink) {
  State& s = *state_;
  s.sort_events();
  s.find_versions();
  s.find_stale_gets();
  for (const auto& program : s.programs) s.check_program(program);
  for (std::uint32_t i = 0; i < s.events.size(); ++i) {
    if (s.events[i].op != Op::kCommit || s.events[i].agent != Names::kNone) continue;
    if (s.events[i].refused) {
      s.check_refused(i, {});
    } else {
      s.check_commit(i, {});
    }
  }
  s.settle_order();
  std::stable_sort(s.findings.begin(), s.findings.end(), [&](const Finding& x, const Finding& y) {
    const auto rank = [&](const Finding& f) {
      const Event& commit = s.events[f.commit];
      return std::tuple(commit.file, commit.line, !f.ww, s.keys.name(f.stale));
    };
    return rank(x) < rank(y);
  });
  std::uint32_t last = Names::kNone;
  std::uint64_t reported = 0;
  for (const Finding& finding : s.findings) {
    if (!finding.ww) {
      ++s.counts.xs_pairs;
      if (!finding.definite) ++s.possible;
      if (finding.commit != last) ++s.counts.xs_commits;
      last = finding.commit;
    }
    if (reported++ < s.options.max_report) s.report(finding, sink);
  }
  s.counts.view_divergent = s.counts.xs_commits;
  s.counts.agents = s.agents.size();
  return !s.findings.empty();
}

AuditSummary IntervalAuditor::summary() const {
  return state_->counts;
}
std::uint64_t IntervalAuditor::possible() const {
  return state_->possible;
}

}  // namespace stateutils::sbus
