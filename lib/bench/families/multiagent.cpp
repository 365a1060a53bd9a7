#include "bench/families/multiagent.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "bench/families/stream.hpp"
#include "core/hash.hpp"
#include "core/json_writer.hpp"

namespace stateutils::bench {
namespace {

constexpr const char* kBugs[] = {"none", "ww", "xs", "blind"};
constexpr std::string_view kPack = "multiagent";

// The store as an honest server would run it, one request after the other, and what a bug lets
// through. Rules: a commit of agent a to key k with expected version e is accepted iff v(k) = e
// and every other key in a's delivery log is still at the version delivered (own writes refresh).
class ScriptedStore {
 public:
  ScriptedStore(const MultiagentScript& script, std::uint64_t seed)
      : script_(script),
        rng_(task_stream(kPack, "store", seed, 0)),
        versions_(script.keys.size(), 0),
        delivered_(script.agents.size()),
        read_(script.agents.size()) {
    for (std::size_t k = 0; k < script.keys.size(); ++k) {
      StoreOp op = next("create", -1, static_cast<int>(k));
      op.status = 201;
      op.version = 0;
      out_.ops.push_back(op);
    }
  }

  StoreRun run() {
    for (const ScriptStep& step : script_.steps) {
      ++step_;
      if (!step.commit) {
        get(step.agent, step.key);
      } else if (!commit(step.agent, step.key)) {
        // A rejected agent reads again what it holds and tries once more.
        auto& log = delivered_[static_cast<std::size_t>(step.agent)];
        const auto held = log;
        for (const auto& [key, version] : held) get(step.agent, key);
        if (!log.contains(step.key)) get(step.agent, step.key);
        (void)commit(step.agent, step.key);
      }
    }
    count();
    return std::move(out_);
  }

 private:
  StoreOp next(const char* name, int agent, int key) {
    now_ += 100'000 + rng_.below(900'000);
    StoreOp op;
    op.ts = now_;
    op.op = name;
    if (agent >= 0) op.agent = script_.agents[static_cast<std::size_t>(agent)];
    op.key = script_.keys[static_cast<std::size_t>(key)];
    op.step = step_;
    return op;
  }

  void get(int agent, int key) {
    StoreOp op = next("get", agent, key);
    op.version = versions_[static_cast<std::size_t>(key)];
    delivered_[static_cast<std::size_t>(agent)][key] = op.version;
    read_[static_cast<std::size_t>(agent)].insert(key);
    out_.ops.push_back(std::move(op));
  }

  bool commit(int agent, int key) {
    auto& log = delivered_[static_cast<std::size_t>(agent)];
    std::int64_t& version = versions_[static_cast<std::size_t>(key)];
    StoreOp op = next("commit", agent, key);
    const auto mine = log.find(key);
    op.expected = mine == log.end() ? 0 : mine->second;
    const bool lost = op.expected != version;
    std::uint64_t stale = 0;
    for (const auto& [other, seen] : log) {
      stale += other != key && seen != versions_[static_cast<std::size_t>(other)];
    }
    const bool checks_key = script_.bug == StoreBug::kHonest || script_.bug == StoreBug::kCrossKey;
    const bool checks_others =
        script_.bug == StoreBug::kHonest || script_.bug == StoreBug::kWriteWrite;
    const bool refused = (checks_key && lost) || (checks_others && stale > 0);
    if (refused) {
      op.status = 409;
      op.error = checks_key && lost ? "VersionMismatch" : "CrossShardStale";
      op.injected = lost ? "stale_write_rejected" : "stale_read_rejected";
      ++out_.expected.rejected;
    } else {
      op.version = ++version;
      log[key] = version;
      ++out_.expected.commits;
      out_.expected.ww += lost;
      out_.expected.xs_commits += stale > 0;
      out_.expected.xs_pairs += stale;
      if (lost || stale > 0) {
        op.injected = lost && stale > 0 ? "ww+xs" : lost ? "ww" : "xs";
        out_.clean = false;
      }
      if (leaks(agent, key)) {
        ++out_.flows;
        op.injected += op.injected.empty() ? "flow" : "+flow";
      }
      read_[static_cast<std::size_t>(agent)].clear();
    }
    out_.ops.push_back(std::move(op));
    return !refused;
  }

  // Whether the agent has read, since its last commit, what must not flow to this key.
  [[nodiscard]] bool leaks(int agent, int key) const {
    const auto label = [&](int k) -> const std::string& {
      static const std::string kUnlabelled;
      const auto at = static_cast<std::size_t>(k);
      return at < script_.labels.size() ? script_.labels[at] : kUnlabelled;
    };
    for (const FlowRule& rule : script_.flow) {
      if (label(key) != rule.to) continue;
      for (const int read : read_[static_cast<std::size_t>(agent)]) {
        if (label(read) == rule.from) return true;
      }
    }
    return false;
  }

  void count() {
    std::set<std::string> agents, keys;
    for (const StoreOp& op : out_.ops) {
      if (!op.agent.empty()) agents.insert(op.agent);
      keys.insert(op.key);
    }
    out_.expected.ops = out_.ops.size();
    out_.expected.agents = agents.size();
    out_.expected.shards = keys.size();
  }

  const MultiagentScript& script_;
  core::Rng rng_;
  std::vector<std::int64_t> versions_;
  std::vector<std::map<int, std::int64_t>> delivered_;
  std::vector<std::set<int>> read_;  // by each agent since its last commit
  std::uint64_t now_ = 0;
  std::size_t step_ = 0;
  StoreRun out_;
};

std::string list_json(const std::vector<std::string>& names) {
  std::string out = "[";
  for (const std::string& name : names) {
    if (out.size() > 1) out.push_back(',');
    append_json_string(out, name);
  }
  return out + "]";
}

}  // namespace

StoreBug parse_store_bug(std::string_view name) {
  for (std::size_t i = 0; i < std::size(kBugs); ++i) {
    if (name == kBugs[i]) return static_cast<StoreBug>(i);
  }
  throw core::usage_error("unknown bug " + core::quoted(name) + "; none, ww, xs or blind");
}

void StoreCounts::add(const StoreCounts& o) {
  ops += o.ops, agents += o.agents, shards += o.shards, commits += o.commits;
  rejected += o.rejected, ww += o.ww, xs_commits += o.xs_commits, xs_pairs += o.xs_pairs;
}

std::string StoreCounts::json() const {
  std::string out;
  core::JsonWriter json(out);
  json.begin_object().field("ops", ops).field("agents", agents).field("shards", shards);
  json.field("commits", commits).field("rejected", rejected).field("ww", ww);
  json.field("xs_commits", xs_commits).field("xs_pairs", xs_pairs).end_object();
  return out;
}

namespace {

std::vector<std::string> key_names(int count) {
  static constexpr const char* kNames[] = {"board", "plan", "budget", "roster", "log", "draft"};
  std::vector<std::string> out;
  for (int k = 0; k < count; ++k) {
    std::string name = kNames[static_cast<std::size_t>(k) % std::size(kNames)];
    if (k >= static_cast<int>(std::size(kNames))) name += std::to_string(k);
    out.push_back(std::move(name));
  }
  return out;
}

// Each agent reads one to three keys, then commits to one of them; agents take turns at random.
std::string draw_steps(const MultiagentOptions& o, core::Rng& rng) {
  struct Turn {
    std::vector<ScriptStep> steps;
    std::size_t at = 0;
  };
  std::vector<Turn> turns(static_cast<std::size_t>(o.agents));
  for (int a = 0; a < o.agents; ++a) {
    std::vector<ScriptStep>& steps = turns[static_cast<std::size_t>(a)].steps;
    for (int r = 0; r < o.rounds; ++r) {
      const auto reads = 1 + rng.below(static_cast<std::uint64_t>(o.keys < 3 ? o.keys : 3));
      int last = 0;
      for (std::uint64_t i = 0; i < reads; ++i) {
        last = static_cast<int>(rng.below(static_cast<std::uint64_t>(o.keys)));
        steps.push_back({a, false, last});
      }
      steps.push_back({a, true, last});
    }
  }
  std::string out = "[";
  for (std::size_t open = turns.size(); open > 0;) {
    Turn& turn = turns[rng.below(turns.size())];
    if (turn.at == turn.steps.size()) continue;
    const ScriptStep& s = turn.steps[turn.at++];
    if (out.size() > 1) out.push_back(',');
    out += "[" + std::to_string(s.agent) + (s.commit ? ",\"commit\"," : ",\"get\",") +
           std::to_string(s.key) + "]";
    if (turn.at == turn.steps.size()) --open;
  }
  return out + "]";
}

// One key of each label at least, so that there is something to keep apart.
std::string draw_labels(const std::vector<std::string>& keys, core::Rng& rng) {
  std::string out = "\"_label\":";
  for (std::size_t k = 0; k < keys.size(); ++k) {
    const bool high = k == 0 || (k > 1 && rng.below(2) == 0);
    out += (k == 0 ? "{\"" : ",\"") + keys[k] + (high ? "\":\"high\"" : "\":\"low\"");
  }
  return out + "},";
}

}  // namespace

TaskRecord multiagent_task(const MultiagentOptions& o, std::uint64_t index) {
  core::Rng rng = task_stream(kPack, kPack, o.seed, index);
  std::vector<std::string> agents;
  for (int a = 0; a < o.agents; ++a) agents.push_back("a" + std::to_string(a));
  const std::vector<std::string> keys = key_names(o.keys);
  const std::string steps = draw_steps(o, rng);
  const std::string bug = o.bug == "mixed" ? kBugs[1 + index % 3] : o.bug;
  (void)parse_store_bug(bug);
  TaskRecord task;
  std::string labels, flow_text;
  if (o.flow) {
    labels = draw_labels(keys, rng);
    flow_text =
        " What has been read of a key labelled high must not reach one labelled low in the "
        "same transaction.";
    task.set("contract", R"({"flow":[{"from":"high","to":"low"}]})");
  }
  task.set("gb", "1");
  task.set_text("family", kPack);
  task.set_text("scenario", "shared_store");
  task.set_text("variant", bug);
  task.set_text("ability", "coordination");
  task.set("tags", "[\"coordination\"]");
  task.set("seed", std::to_string(o.seed));
  task.set("index", std::to_string(index));
  task.set_text("pack_sha256", core::sha256_hex(kPack));
  task.set_text("instruction",
                std::to_string(o.agents) + " agents share " + std::to_string(o.keys) +
                    " keys. Every commit must name the current version of its key, and every "
                    "other key its agent has read must not have changed since." +
                    flow_text);
  task.set_text("surface", "sim");
  task.set("script", "{" + labels + "\"agents\":" + list_json(agents) + ",\"bug\":\"" + bug +
                         "\",\"keys\":" + list_json(keys) + ",\"steps\":" + steps + "}");
  task.set_text("canary", "gb-canary-" + core::sha256_hex("canary multiagent").substr(0, 32));
  task.seal();
  return task;
}

MultiagentScript read_script(const Cursor& task) {
  const Cursor json = task.at("script");
  json.only({"agents", "keys", "steps", "bug", "_label"});
  MultiagentScript script;
  json.at("agents").items([&](const Cursor& a) { script.agents.emplace_back(a.string()); });
  json.at("keys").items([&](const Cursor& k) { script.keys.emplace_back(k.string()); });
  if (const auto labels = json.find("_label")) {
    script.labels.resize(script.keys.size());
    labels->members([&](std::string_view key, const Cursor& label) {
      const auto at = std::find(script.keys.begin(), script.keys.end(), key);
      if (at == script.keys.end()) throw label.error("no such key");
      script.labels[static_cast<std::size_t>(at - script.keys.begin())] = label.string();
    });
  }
  if (const auto contract = task.find("contract"); contract && !contract->is_null()) {
    contract->only({"flow"});
    contract->at("flow").items([&](const Cursor& rule) {
      rule.only({"from", "to"});
      script.flow.push_back(
          {std::string(rule.at("from").string()), std::string(rule.at("to").string())});
    });
  }
  if (const auto bug = json.find("bug")) script.bug = parse_store_bug(bug->string());
  json.at("steps").items([&](const Cursor& s) {
    if (!s.is_array() || s.size() != 3) throw s.error("expected [agent, op, key]");
    ScriptStep step;
    int at = 0;
    s.items([&](const Cursor& v) {
      const int place = at++;
      if (place == 1) {
        if (v.string() != "get" && v.string() != "commit") throw v.error("get or commit");
        step.commit = v.string() == "commit";
        return;
      }
      const auto limit = place == 0 ? script.agents.size() : script.keys.size();
      if (v.integer() < 0 || static_cast<std::uint64_t>(v.integer()) >= limit)
        throw v.error("no such agent or key");
      (place == 0 ? step.agent : step.key) = static_cast<int>(v.integer());
    });
    script.steps.push_back(step);
  });
  return script;
}

StoreRun run_script(const MultiagentScript& script, std::uint64_t seed) {
  return ScriptedStore(script, seed).run();
}

void append_op(std::string& out, const StoreOp& op) {
  core::JsonWriter json(out);
  json.begin_object().field("ts", op.ts);
  if (!op.agent.empty()) json.field("agent", op.agent);
  json.field("op", op.op).field("key", op.key).field("status", op.status);
  if (op.expected >= 0) json.field("expected_version", op.expected);
  if (op.version >= 0) json.field("version", op.version);
  if (!op.error.empty()) json.field("error", op.error);
  if (op.step > 0) json.field("step", op.step);
  if (!op.injected.empty()) json.field("injected", op.injected);
  json.end_object();
}

}  // namespace stateutils::bench
