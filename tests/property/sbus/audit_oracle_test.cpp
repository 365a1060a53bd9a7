// The audit against a direct oracle that looks back over the whole log for every question.
#include <doctest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <string>

#include "sbus/audit.hpp"

using namespace stateutils::sbus;

namespace {

struct Log {
  std::vector<OpRecord> records;
  std::vector<std::string> names;  // owns the text
};

constexpr const char* kAgents[] = {"", "a", "b", "c"};
constexpr const char* kKeys[] = {"k0", "k1", "k2", "k3", "k4", "k5", "k6", "k7", "k8", "k9", "ka"};

// A log of anything that may be written down, possible or not.
std::vector<OpRecord> random_log(std::mt19937& random, std::size_t keys) {
  const auto below = [&](std::size_t n) { return static_cast<std::size_t>(random() % n); };
  std::vector<OpRecord> log;
  std::map<std::string_view, std::int64_t> version;
  std::int64_t now = 1000;
  const std::size_t length = 5 + below(120);
  for (std::size_t i = 0; i < length; ++i) {
    OpRecord r;
    r.line = i + 1;
    r.agent = kAgents[below(4)];
    r.key = kKeys[below(keys)];
    now += static_cast<std::int64_t>(below(30)) - 3;
    if (below(10) != 0) r.ts = now;
    std::int64_t& v = version[r.key];
    const std::size_t what = below(20);
    if (what < 9) {
      r.op = Op::kGet;
      r.status = below(8) == 0 ? 304 : 200;
      r.version = below(8) == 0 ? static_cast<std::int64_t>(below(5)) : v;
    } else if (what < 16) {
      r.op = Op::kCommit;
      r.expected = below(6) == 0 ? static_cast<std::int64_t>(below(6)) : v;
      if (below(4) == 0) {
        r.status = 409;
        if (below(4) == 0) r.error = "TokenConflict";
      } else {
        r.version = below(12) == 0 ? static_cast<std::int64_t>(below(9)) : v + 1;
        v = *r.version;
      }
      for (std::size_t n = below(6) == 0 ? below(4) : 0; n > 0; --n) {
        r.read_set.push_back({kKeys[below(keys)], static_cast<std::int64_t>(below(4))});
      }
    } else if (what == 16) {
      r.op = below(2) == 0 ? Op::kSession : Op::kExpire;
      if (below(3) == 0) r.status = 500;
    } else if (what == 17) {
      r.op = Op::kRegister;
      for (std::size_t n = below(4); n > 0; --n) r.keys.push_back(kKeys[below(keys)]);
    } else if (what == 18) {
      r.op = Op::kCreate;
      r.version = 0;
      r.status = 201;
    } else {
      r.op = Op::kRollback;
      r.version = v + 1;
      v += 1;
    }
    log.push_back(r);
  }
  return log;
}

struct Found {
  ViolationKind kind;
  std::string_view stale;
  std::int64_t read, now;
  std::uint64_t line;
  std::uint64_t read_line, overwrite_line;  // 0: none
  friend auto operator<=>(const Found&, const Found&) = default;
};

class Oracle {
 public:
  Oracle(const std::vector<OpRecord>& log, const AuditOptions& options)
      : log_(log), options_(options) {}

  // v(k) before record i.
  std::optional<std::int64_t> version(std::string_view key, std::size_t i) const {
    for (std::size_t j = i; j-- > 0;) {
      const OpRecord& r = log_[j];
      if (r.succeeded() && r.key == key && (r.op == Op::kCommit || r.op == Op::kRollback)) {
        return r.version;
      }
    }
    for (std::size_t j = 0; j < i; ++j) {
      const OpRecord& r = log_[j];
      if (!r.succeeded() || r.key != key) continue;
      if (r.op == Op::kCreate) return 0;
      if (r.op == Op::kGet) return r.version;
    }
    return std::nullopt;
  }

  // The record that set the agent's entry of `key` before record i.
  std::optional<std::size_t> delivery(std::string_view agent, std::string_view key,
                                      std::size_t i) const {
    if (agent.empty()) return std::nullopt;
    for (std::size_t j = i; j-- > 0;) {
      const OpRecord& r = log_[j];
      if (r.agent != agent || !r.succeeded()) continue;
      if (r.op == Op::kSession || r.op == Op::kExpire) return std::nullopt;
      if (r.key == key && r.op == Op::kGet) return j;
      if (r.key == key && r.op == Op::kCommit && options_.refresh_own_writes) return j;
      if (r.op == Op::kRegister && std::count(r.keys.begin(), r.keys.end(), key) != 0 &&
          version(key, j) && !delivery(agent, key, j)) {
        return j;
      }
    }
    return std::nullopt;
  }
  std::int64_t delivered(std::size_t j, std::string_view key) const {
    return log_[j].op == Op::kRegister ? *version(key, j) : *log_[j].version;
  }

  std::map<std::string_view, std::int64_t> read_set(std::size_t i) const {
    const OpRecord& c = log_[i];
    std::map<std::string_view, std::int64_t> out;
    for (const char* key : kKeys) {
      const auto j = delivery(c.agent, key, i);
      if (!j || key == c.key) continue;
      const OpRecord& d = log_[*j];
      if (d.ts && c.ts && *c.ts - *d.ts >= options_.ttl_ns) continue;
      out[key] = delivered(*j, key);
    }
    for (const ReadItem& item : c.read_set) {
      if (item.key != c.key && version(item.key, i)) out[item.key] = item.version;
    }
    return out;
  }

  Found describe(std::size_t i, ViolationKind kind, std::string_view key, std::int64_t read,
                 std::int64_t now) const {
    Found f{kind, key, read, now, log_[i].line, 0, 0};
    constexpr std::size_t kNever = SIZE_MAX;
    std::size_t from = delivery(log_[i].agent, key, i).value_or(kNever);
    if (from != kNever && kind == ViolationKind::kXs && delivered(from, key) != read) from = kNever;
    if (from != kNever) f.read_line = log_[from].line;
    std::uint64_t any = 0;
    for (std::size_t w = 0; w < i; ++w) {
      const OpRecord& r = log_[w];
      if (!r.succeeded() || r.key != key || r.version != read + 1) continue;
      if (r.op != Op::kCommit && r.op != Op::kRollback) continue;
      if (any == 0) any = r.line;
      if (f.overwrite_line == 0 && (from == kNever || w > from)) f.overwrite_line = r.line;
    }
    if (f.overwrite_line == 0) f.overwrite_line = any;
    return f;
  }

  void run() {
    std::set<std::string_view> agents, shards;
    std::set<std::pair<std::string_view, std::int64_t>> reported;
    for (std::size_t i = 0; i < log_.size(); ++i) {
      const OpRecord& r = log_[i];
      ++sum.ops;
      if (!r.agent.empty()) agents.insert(r.agent);
      if (r.op != Op::kSession && r.op != Op::kExpire && r.op != Op::kRegister)
        shards.insert(r.key);
      if (r.op == Op::kGet && r.succeeded() &&
          version(r.key, i).value_or(*r.version) != *r.version) {
        ++sum.stale_get;
      }
      if (r.op != Op::kCommit) continue;
      const auto reads = read_set(i);
      const auto now = version(r.key, i);
      const bool current = std::all_of(reads.begin(), reads.end(), [&](const auto& read) {
        return version(read.first, i) == read.second;
      });
      if (!r.succeeded()) {
        ++sum.rejected;
        if (r.status == 409 && r.error != "TokenConflict" && now == r.expected && current) {
          ++sum.spurious_409;
        }
        continue;
      }
      ++sum.commits;
      const std::int64_t before = now.value_or(*r.version - 1);
      if (before != *r.expected) {
        ++sum.ww;
        found.push_back(describe(i, ViolationKind::kWw, r.key, *r.expected, before));
      }
      if (!reads.empty()) ++sum.view_checked;
      if (!current) {
        ++sum.view_divergent;
        ++sum.xs_commits;
      }
      for (const auto& [key, read] : reads) {
        const std::int64_t at = *version(key, i);
        if (at == read) continue;
        ++sum.xs_pairs;
        found.push_back(describe(i, ViolationKind::kXs, key, read, at));
      }
      if (*r.version != before + 1) ++sum.version_gaps;
      if (!reported.insert({r.key, *r.version}).second) ++sum.dup_versions;
    }
    sum.agents = agents.size();
    sum.shards = shards.size();
  }

  AuditSummary sum;
  std::vector<Found> found;

 private:
  const std::vector<OpRecord>& log_;
  AuditOptions options_;
};

void compare(const std::vector<OpRecord>& log, const AuditOptions& options) {
  std::vector<Found> found;
  Auditor auditor(options, [&](const Violation& v) {
    CHECK(v.definite);
    CHECK(v.commit.line == v.line);
    found.push_back({v.kind, v.kind == ViolationKind::kWw ? v.key : v.stale_key, v.read_version,
                     v.current_version, v.line, v.read.line.value_or(0),
                     v.overwrite.line.value_or(0)});
  });
  for (const OpRecord& record : log) auditor.apply(record);
  Oracle oracle(log, options);
  oracle.run();
  REQUIRE(found.size() == oracle.found.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    CAPTURE(found[i].line);
    CHECK(found[i] == oracle.found[i]);
  }
  const AuditSummary sum = auditor.summary();
  CHECK(sum.ops == oracle.sum.ops);
  CHECK(sum.agents == oracle.sum.agents);
  CHECK(sum.shards == oracle.sum.shards);
  CHECK(sum.commits == oracle.sum.commits);
  CHECK(sum.rejected == oracle.sum.rejected);
  CHECK(sum.ww == oracle.sum.ww);
  CHECK(sum.xs_commits == oracle.sum.xs_commits);
  CHECK(sum.xs_pairs == oracle.sum.xs_pairs);
  CHECK(sum.dup_versions == oracle.sum.dup_versions);
  CHECK(sum.version_gaps == oracle.sum.version_gaps);
  CHECK(sum.stale_get == oracle.sum.stale_get);
  CHECK(sum.spurious_409 == oracle.sum.spurious_409);
  CHECK(sum.view_checked == oracle.sum.view_checked);
  CHECK(sum.view_divergent == oracle.sum.view_divergent);
}

}  // namespace

TEST_CASE("the audit agrees with a direct oracle on random logs") {
  for (unsigned seed = 0; seed < 600; ++seed) {
    CAPTURE(seed);
    std::mt19937 random(seed);
    const auto log = random_log(random, seed % 3 == 0 ? std::size(kKeys) : 3);
    for (const bool refresh : {true, false}) {
      compare(log, {.ttl_ns = seed % 2 == 0 ? 3600'000'000'000 : 100,
                    .refresh_own_writes = refresh,
                    .window = 0});
    }
  }
}

TEST_CASE("commits validated in one step are always clean") {
  for (unsigned seed = 0; seed < 50; ++seed) {
    CAPTURE(seed);
    std::mt19937 random(seed);
    std::map<int, std::int64_t> version;
    std::map<std::pair<int, int>, std::int64_t> delivered;
    Auditor auditor({}, [](const Violation&) { FAIL("a violation in a clean log"); });
    for (std::uint64_t line = 1; line < 400; ++line) {
      const int agent = 1 + static_cast<int>(random() % 3), key = static_cast<int>(random() % 4);
      OpRecord r;
      r.line = line;
      r.agent = kAgents[agent];
      r.key = kKeys[key];
      r.op = random() % 2 == 0 ? Op::kGet : Op::kCommit;
      bool stale = false;
      for (int k = 0; k < 4; ++k) {
        const auto entry = delivered.find({agent, k});
        stale |= entry != delivered.end() && entry->second != version[k];
      }
      if (r.op == Op::kCommit && (stale || !delivered.contains({agent, key}))) {
        r.status = 409;
        r.expected = 0;
      } else if (r.op == Op::kCommit) {
        r.expected = version[key];
        r.version = ++version[key];
      } else {
        r.version = version[key];
      }
      if (r.succeeded()) delivered[{agent, key}] = version[key];
      auditor.apply(r);
    }
    CHECK(auditor.summary().version_gaps == 0);
    CHECK(auditor.summary().dup_versions == 0);
  }
}
