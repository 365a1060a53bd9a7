#include "bench/families/stategen.hpp"

#include <algorithm>
#include <optional>
#include <set>

#include "bench/families/small/small.hpp"
#include "bench/families/stream.hpp"
#include "bench/judge/judge.hpp"
#include "bench/world/text.hpp"
#include "core/json_writer.hpp"

namespace stateutils::bench {

std::vector<std::uint64_t> CoverageCounter::weights(
    const std::vector<std::vector<Pair>>& candidates) const {
  std::vector<std::uint64_t> uncovered, rarest;
  bool any = false;
  for (const auto& pairs : candidates) {
    std::uint64_t open = 0, least = ~0ull;
    for (const Pair& p : pairs) {
      const std::uint64_t n = occurrences(p);
      open += n == 0;
      least = std::min(least, n);
    }
    any = any || open > 0;
    uncovered.push_back(open);
    rarest.push_back((1ull << 40) / std::max<std::uint64_t>(least, 1));
  }
  return any ? uncovered : rarest;
}

namespace {

constexpr int kPresets = 8;    // rows that lie around before a task begins
constexpr int kRedraws = 200;  // redraws of a pair before its place stays empty

using Object = std::pair<Id, Id>;  // table, key

struct PlannedCall {
  Call call;
  std::string text;
};

class PairMaker {
 public:
  PairMaker(const Pack& pack, const World& world, Store& store, Id base,
            const StategenOptions& options, CoverageCounter& counter, core::Rng& rng)
      : pack_(pack),
        world_(world),
        store_(store),
        base_(base),
        options_(options),
        counter_(counter),
        rng_(rng) {}

  // False when this draw leads nowhere.
  bool make(std::uint64_t index, Draw& out) {
    initial_ = preset(base_);
    if (!choose_condition()) return false;
    Machine machine(world_, store_, initial_);
    const auto position =
        static_cast<std::size_t>(options_.positions[rng_.below(options_.positions.size())]);
    const auto length = static_cast<std::size_t>(options_.calls);
    std::map<Object, std::int64_t> touched;
    std::vector<PlannedCall> head;
    Id state = initial_;
    if (options_.for_each && !over_query(machine, state, touched, head)) return false;
    while (head.size() < position) {
      if (!add_call(machine, state, touched, head)) return false;
    }
    // Both arms go on from the same place; the second sees the first one's counts.
    std::vector<PlannedCall> arms[2];
    Id ends[2] = {state, state};
    for (int arm = 0; arm < 2; ++arm) {
      auto seen = touched;
      const std::size_t closing = arm == 0 ? 1 : 0;
      while (arms[arm].size() + position < length + closing) {
        if (!add_call(machine, ends[arm], seen, arms[arm])) return false;
      }
    }
    if (ends[0] == ends[1]) return false;
    write_twins(index, instruction(head, arms), ends[0], on_twin(ends[1]), out);
    return true;
  }

 private:
  std::string word() {
    static constexpr const char* kNouns[] = {"review", "draft",  "audit",   "survey", "permit",
                                             "budget", "roster", "summary", "visit",  "order"};
    static constexpr const char* kNames[] = {"Harbor", "Meadow",  "Granite", "Willow",  "Summit",
                                             "Copper", "Lantern", "Orchid",  "Pioneer", "Quarry"};
    return std::string(kNames[rng_.below(std::size(kNames))]) + " " +
           kNouns[rng_.below(std::size(kNouns))] + " " + std::to_string(100 + rng_.below(900));
  }

  [[nodiscard]] Id keyed_table(const Verb& verb, std::size_t param) const {
    const auto names = [&](const Template& t) {
      return t.pieces.size() == 1 && t.pieces[0].kind == PieceKind::kParam &&
             t.pieces[0].param == param;
    };
    for (const Effect& e : verb.effects) {
      if (e.key && names(*e.key)) return e.table;
    }
    for (const Guard& g : verb.guards) {
      if (g.path.key && names(*g.path.key)) return g.path.table;
    }
    return kNone;
  }

  Id argument(const Verb& verb, std::size_t p, Id state) {
    const Param& param = verb.params[p];
    switch (param.type) {
      case ParamType::kEnum:
        return store_.atoms.string(param.values[rng_.below(param.values.size())]);
      case ParamType::kDatetime:
        return store_.atoms.string(
            format_datetime(29'540'000 + 30 * static_cast<std::int64_t>(rng_.below(8'000))));
      case ParamType::kInteger:
      case ParamType::kNumber:
        return store_.atoms.integer(1 + static_cast<std::int64_t>(rng_.below(99)));
      case ParamType::kBool:
        return store_.atoms.boolean(rng_.below(2) == 0);
      case ParamType::kText:
        break;
    }
    const Id table = param.role == Role::kKey ? keyed_table(verb, p) : kNone;
    if (table == kNone) return store_.atoms.string(word());
    const auto rows = store_.rows_of(state, table);
    if (table == Store::kFiles && (rows.empty() || rng_.below(2) == 0)) {
      return store_.atoms.string("notes/" + std::to_string(10 + rng_.below(90)) + ".txt");
    }
    return rows.empty() ? kNone : store_.key_of(rows[rng_.below(rows.size())]);
  }

  // Random arguments for a writing verb; empty when it cannot be called like that here.
  std::optional<Call> draw_call(Machine& machine, std::size_t index, Id state, Result& result) {
    const Verb& verb = world_.verbs[index];
    Call call{index, {}};
    for (std::size_t p = 0; p < verb.params.size(); ++p) {
      const Param& param = verb.params[p];
      const bool left_out = param.optional && (param.role == Role::kFree || rng_.below(2) == 0);
      call.args.push_back(left_out ? kNone : argument(verb, p, state));
      if (!left_out && call.args.back() == kNone) return {};
    }
    machine.run(state, call, 0, result);
    if (result.exit != 0 || result.state == state) return {};
    return call;
  }

  // What lies around: rows made by the world's own verbs.
  Id preset(Id state) {
    Machine machine(world_, store_, base_);
    Result result;
    for (int made = 0, tries = 0; made < kPresets && tries < 20 * kPresets; ++tries) {
      const std::size_t v = rng_.below(world_.verbs.size());
      const auto& effects = world_.verbs[v].effects;
      const bool inserts = effects.size() == 1 && effects[0].op == EffectOp::kInsert &&
                           !store_.info(effects[0].table).journal;
      if (!inserts || !draw_call(machine, v, state, result)) continue;
      state = result.state;
      ++made;
    }
    return state;
  }

  [[nodiscard]] bool readable(Id table) const {
    return std::any_of(world_.verbs.begin(), world_.verbs.end(), [&](const Verb& v) {
      return !v.mutates() && std::all_of(v.params.begin(), v.params.end(), [](const Param& p) {
        return p.optional;
      }) && std::any_of(v.out.pieces.begin(), v.out.pieces.end(), [&](const Piece& p) {
        return p.kind == PieceKind::kTable && p.table == table;
      });
    });
  }

  // A text field that no other row of the table shares: how people name the row.
  [[nodiscard]] std::string name_of(Id state, Id table, Id row, Id except) const {
    for (const auto& [field, value] : store_.fields_of(row)) {
      if (field == except || store_.atoms.kind(value) != AtomKind::kString) continue;
      if (world_.is_free(table, field) || parse_datetime(store_.atoms.text(value))) continue;
      const auto rows = store_.rows_of(state, table);
      const bool alone = std::count_if(rows.begin(), rows.end(), [&, f = field, v = value](Id r) {
                           return store_.value_of(r, f) == v;
                         }) == 1;
      if (!alone) continue;
      return "the entry of " + store_.info(table).name + " whose " +
             std::string(store_.atoms.text(field)) + " is `" +
             std::string(store_.atoms.text(value)) + "`";
    }
    return {};
  }

  // A readable field with a value that could be another one seen in the same field.
  bool choose_condition() {
    for (int tries = 0; tries < 50; ++tries) {
      const auto table = static_cast<Id>(2 + rng_.below(store_.table_count() - 2));
      const auto rows = store_.rows_of(initial_, table);
      if (rows.size() < 2 || !readable(table) || store_.info(table).journal) continue;
      const Id row = rows[rng_.below(rows.size())];
      const Fields fields = store_.fields_of(row);
      const auto& [field, value] = fields[rng_.below(fields.size())];
      const Id other = store_.value_of(rows[rng_.below(rows.size())], field);
      const bool plain = other != kNone && other != value && !world_.is_free(table, field) &&
                         store_.atoms.kind(value) == AtomKind::kString;
      const std::string name = name_of(initial_, table, row, field);
      if (!plain || name.empty()) continue;
      Fields changed = fields;
      for (auto& [f, v] : changed) {
        if (f == field) v = other;
      }
      watched_ = {table, store_.key_of(row)};
      other_initial_ =
          store_.with_row(initial_, table, store_.row(store_.key_of(row), std::move(changed)));
      condition_ = "the " + std::string(store_.atoms.text(field)) + " of " + name + " is `" +
                   std::string(store_.atoms.text(value)) + "`";
      return true;
    }
    return false;
  }

  // Objects that a call uses: the rows it names and the rows it changes.
  std::vector<Object> objects(const Call& call, Id before, Id after) {
    std::vector<Object> out;
    const Verb& verb = world_.verbs[call.verb];
    for (std::size_t p = 0; p < verb.params.size(); ++p) {
      const Id table = verb.params[p].role == Role::kKey ? keyed_table(verb, p) : kNone;
      if (table != kNone && call.args[p] != kNone) out.emplace_back(table, call.args[p]);
    }
    std::vector<Change> changes;
    store_.compare(before, after, changes);
    for (const Change& c : changes) {
      const Object o{c.table, c.key};
      if (std::find(out.begin(), out.end(), o) == out.end()) out.push_back(o);
    }
    return out;
  }

  struct Candidate {
    Call call;
    Id after = 0;
    std::vector<Object> objects;
  };

  bool add_call(Machine& machine, Id& state, std::map<Object, std::int64_t>& touched,
                std::vector<PlannedCall>& plan) {
    std::vector<Candidate> candidates;
    std::vector<std::vector<CoverageCounter::Pair>> pairs;
    Result result;
    for (std::size_t v = 0; v < world_.verbs.size(); ++v) {
      if (!world_.verbs[v].mutates()) continue;
      for (int k = 0; k < 2; ++k) {
        const auto call = draw_call(machine, v, state, result);
        if (!call || used_.contains(machine.text(*call))) continue;
        Candidate c{*call, result.state, objects(*call, state, result.state)};
        // What the condition looks at stays as it is, and every row must have a name.
        const bool watched =
            std::find(c.objects.begin(), c.objects.end(), watched_) != c.objects.end();
        if (watched || describe(*call, state).empty()) continue;
        auto& list = pairs.emplace_back();
        for (const Object& o : c.objects) {
          const auto last = touched.find(o);
          list.emplace_back(last == touched.end() ? -1 : last->second,
                            static_cast<std::int64_t>(v));
        }
        candidates.push_back(std::move(c));
      }
    }
    if (candidates.empty()) return false;
    const std::vector<std::uint64_t> weights = counter_.weights(pairs);
    std::uint64_t total = 0;
    for (const std::uint64_t w : weights) total += w;
    std::uint64_t left = rng_.below(total);
    std::size_t chosen = 0;
    while (left >= weights[chosen]) left -= weights[chosen++];
    for (const auto& pair : pairs[chosen]) counter_.count(pair);
    take(machine, candidates[chosen].call, state, candidates[chosen].after, touched, plan);
    return true;
  }

  void take(Machine& machine, const Call& call, Id& state, Id after,
            std::map<Object, std::int64_t>& touched, std::vector<PlannedCall>& plan) {
    plan.push_back({call, describe(call, state)});
    used_.insert(machine.text(call));
    for (const Object& o : objects(call, state, after)) {
      touched[o] = static_cast<std::int64_t>(call.verb);
    }
    state = after;
  }

  // In words: the verb, and what its arguments are; rows are named by what they hold. Empty when
  // a row has no such name.
  std::string describe(const Call& call, Id state) const {
    const Verb& verb = world_.verbs[call.verb];
    std::string out = "`" + verb.name + "`";
    const char* joint = " with ";
    for (std::size_t p = 0; p < verb.params.size(); ++p) {
      if (call.args[p] == kNone || verb.params[p].role == Role::kFree) continue;
      const std::string value(store_.atoms.text(call.args[p]));
      const Id table = verb.params[p].role == Role::kKey ? keyed_table(verb, p) : kNone;
      const Id row = table == kNone ? kNone : store_.find_row(state, table, call.args[p]);
      std::string said = "`" + value + "`";
      const bool hidden_key = table != kNone && table > Store::kFiles &&
                              store_.atoms.text(store_.info(table).key_field) == "id";
      if (hidden_key) said = row == kNone ? "" : name_of(state, table, row, kNone);
      if (said.empty()) return {};
      out += joint + verb.params[p].flag + " " + said;
      joint = ", ";
    }
    return out;
  }

  // "For each entry of TABLE whose FIELD is V": one verb over the rows that a query shows.
  bool over_query(Machine& machine, Id& state, std::map<Object, std::int64_t>& touched,
                  std::vector<PlannedCall>& plan) {
    for (int tries = 0; tries < 100; ++tries) {
      const std::size_t v = rng_.below(world_.verbs.size());
      const Verb& verb = world_.verbs[v];
      const bool keyed = verb.mutates() && !verb.params.empty() &&
                         verb.params[0].role == Role::kKey &&
                         keyed_table(verb, 0) > Store::kFiles && keyed_table(verb, 0) != kNone;
      if (!keyed) continue;
      const Id table = keyed_table(verb, 0);
      const std::vector<Id> rows(store_.rows_of(state, table).begin(),
                                 store_.rows_of(state, table).end());
      if (rows.size() < 2 || !readable(table)) continue;
      Result result;
      const auto sample = draw_call(machine, v, state, result);
      const Fields fields = store_.fields_of(rows[rng_.below(rows.size())]);
      if (!sample || fields.empty()) continue;
      const auto [field, value] = fields[rng_.below(fields.size())];
      std::vector<Id> hit;
      for (const Id row : rows) {
        if (store_.value_of(row, field) == value) hit.push_back(row);
      }
      if (hit.size() < 2 || hit.size() > 4 || world_.is_free(table, field)) continue;
      if (run_over(machine, *sample, hit, table, field, value, state, touched, plan)) return true;
    }
    return false;
  }

  bool run_over(Machine& machine, Call call, const std::vector<Id>& rows, Id table, Id field,
                Id value, Id& state, std::map<Object, std::int64_t>& touched,
                std::vector<PlannedCall>& plan) {
    Result result;
    Id at = state;
    for (const Id row : rows) {
      if (Object{table, store_.key_of(row)} == watched_) return false;
      call.args[0] = store_.key_of(row);
      machine.run(at, call, 0, result);
      if (result.exit != 0 || result.state == at) return false;
      at = result.state;
    }
    std::string text = "for each entry of " + store_.info(table).name + " whose " +
                       std::string(store_.atoms.text(field)) + " is `" +
                       std::string(store_.atoms.text(value)) + "`, `" +
                       world_.verbs[call.verb].name + "`";
    for (std::size_t p = 1; p < call.args.size(); ++p) {
      if (call.args[p] == kNone || world_.verbs[call.verb].params[p].role == Role::kFree) continue;
      text += " with " + world_.verbs[call.verb].params[p].flag + " `" +
              std::string(store_.atoms.text(call.args[p])) + "`";
    }
    for (const Object& o : objects(call, state, at)) {
      touched[o] = static_cast<std::int64_t>(call.verb);
    }
    plan.push_back({call, text});
    state = at;
    return true;
  }

  [[nodiscard]] std::string instruction(const std::vector<PlannedCall>& head,
                                        const std::vector<PlannedCall> (&arms)[2]) const {
    std::string out = "Have these done, in this order or with the same result:";
    std::size_t step = 0;
    const auto list = [&](const std::vector<PlannedCall>& calls) {
      for (const PlannedCall& c : calls) out += " (" + std::to_string(++step) + ") " + c.text + ";";
    };
    list(head);
    out += " then, if " + condition_ + " at the start:";
    const std::size_t fork = step;
    list(arms[0]);
    out += " otherwise:";
    step = fork;
    list(arms[1]);
    return out + " and nothing else.";
  }

  // Where the same calls end on the twin's initial state: only the watched row differs there, and
  // no call uses it.
  Id on_twin(Id end) {
    std::vector<Change> changes;
    store_.compare(initial_, end, changes);
    Id out = other_initial_;
    for (const Change& c : changes) {
      out = c.kind == ChangeKind::kDelete ? store_.without_row(out, c.table, c.key)
                                          : store_.with_row(out, c.table, c.new_row);
    }
    return out;
  }

  void write_twins(std::uint64_t index, const std::string& instruction, Id first_end, Id second_end,
                   Draw& out);
  TaskRecord record(std::uint64_t index, const std::string& instruction, Id initial, Id end,
                    Id twin);
  void write_contract(core::JsonWriter& json, Id initial, Id end);
  std::string evidence_json(Id twin);

  const Pack& pack_;
  const World& world_;
  Store& store_;
  Id base_;
  const StategenOptions& options_;
  CoverageCounter& counter_;
  core::Rng& rng_;
  Id initial_ = 0, other_initial_ = 0;
  Object watched_{kNone, kNone};
  std::string condition_;
  std::set<std::string> used_;
};

// What the difference between two states asks for and allows; rows that the world numbers are told
// by content.
void PairMaker::write_contract(core::JsonWriter& json, Id initial, Id end) {
  std::vector<Change> changes;
  store_.compare(initial, end, changes);
  const auto fields = [&](const Change& c, bool only_changed) {
    for (const auto& [field, value] : store_.fields_of(c.new_row)) {
      const bool same = c.old_row != kNone && store_.value_of(c.old_row, field) == value;
      if (world_.is_free(c.table, field) || (only_changed && same)) continue;
      std::string text;
      store_.atoms.write_json(value, text);
      json.key(store_.atoms.text(field)).raw(text);
    }
  };
  const auto key = [&](const Change& c, std::string_view name) {
    std::string text;
    store_.atoms.write_json(c.key, text);
    json.key(name).raw(text);
  };
  const auto made_up = [](const Change& c) {
    return c.kind == ChangeKind::kInsert && c.table > Store::kFiles;
  };
  json.begin_object().key("require").begin_array();
  for (std::size_t i = 0; i < changes.size(); ++i) {
    const Change& c = changes[i];
    json.begin_object().field("id", "r" + std::to_string(i));
    json.field("table", store_.info(c.table).name).key("match").begin_object();
    if (!made_up(c)) key(c, store_.atoms.text(store_.info(c.table).key_field));
    if (c.kind != ChangeKind::kDelete) fields(c, !made_up(c));
    json.end_object().key("count").begin_object();
    json.field(c.kind == ChangeKind::kDelete ? "eq" : "ge", c.kind == ChangeKind::kDelete ? 0 : 1);
    json.end_object().end_object();
  }
  json.end_array().key("frame").begin_object().field("default", "deny").key("allow").begin_array();
  for (const Change& c : changes) {
    json.begin_object().field("table", store_.info(c.table).name);
    json.field("op", op_name(c.kind)).key("match").begin_object();
    if (!made_up(c)) key(c, "key");
    if (c.kind != ChangeKind::kDelete) fields(c, !made_up(c));
    if (c.kind == ChangeKind::kUpdate) {
      json.key("fields").begin_array();
      for (const Id field : changed_fields(store_, c)) json.value(store_.atoms.text(field));
      json.end_array();
    }
    json.end_object().end_object();
  }
  json.end_array().end_object().end_object();
}

std::string PairMaker::evidence_json(Id twin) {
  const Id row = store_.find_row(twin, watched_.first, watched_.second);
  std::string out = "{\"del\":{},\"set\":{";
  append_json_string(out, store_.info(watched_.first).name);
  out += ":[";
  store_.write_row(watched_.first, row, out);
  return out + "]}}";
}

TaskRecord PairMaker::record(std::uint64_t index, const std::string& instruction, Id initial,
                             Id end, Id twin) {
  SmallOptions names;
  names.family = "stategen";
  names.seed = options_.seed;
  TaskRecord task = small_record(names, "call_sequence", "api_sequences", index, instruction);
  task.set_text("variant", "");
  task.set_text("pack_sha256", pack_.sha256);
  if (!pack_.shipped) task.set("world", pack_.world_json);
  task.set_text("canary", pack_.canary);
  task.set("tools", pack_.world.tools_json);
  // The overlay is what the base lacks, whole rows.
  std::string overlay = "{";
  for (Id t = 2; t < store_.table_count(); ++t) {
    std::vector<Id> rows;
    for (const Id row : store_.rows_of(initial, t)) {
      if (store_.find_row(base_, t, store_.key_of(row)) != row) rows.push_back(row);
    }
    if (rows.empty()) continue;
    if (overlay.size() > 1) overlay.push_back(',');
    append_json_string(overlay, store_.info(t).name);
    overlay.push_back(':');
    store_.write_rows(t, rows, overlay);
  }
  task.set("init", "{\"base\":" + pack_.base_json + ",\"clock\":" + pack_.clock_json +
                       ",\"overlay\":" + overlay + "}}");
  std::string contract;
  core::JsonWriter json(contract);
  write_contract(json, initial, end);
  task.set("contract", contract);
  task.set("evidence", evidence_json(twin));
  task = canonical_record(task);
  task.seal();
  return task;
}

void PairMaker::write_twins(std::uint64_t index, const std::string& instruction, Id first_end,
                            Id second_end, Draw& out) {
  out.twins = true;
  out.tasks.push_back(record(index, instruction, initial_, first_end, other_initial_));
  out.tasks.push_back(record(index + 1, instruction, other_initial_, second_end, initial_));
  for (std::size_t i = 0; i < 2; ++i) {
    out.tasks[i].set("twin_of", *out.tasks[1 - i].find("task_id"));
  }
}

}  // namespace

std::vector<Draw> stategen_shard(const Pack& pack, const StategenOptions& options,
                                 std::uint64_t shard, std::uint64_t pairs) {
  Store store;
  const Document world_text{pack.world_json, "world", false},
      base_text{pack.base_json, "base", false};
  const World world = read_world(world_text.root(), store);
  const Id base = store.read_state(base_text.root(), store.empty_state());
  const Store::Mark start = store.mark();
  CoverageCounter counter;
  std::vector<Draw> out(pairs);
  for (std::uint64_t j = 0; j < pairs; ++j) {
    const std::uint64_t index = 2 * (shard * kShardPairs + j);
    for (std::uint64_t round = 0; round < kRedraws; ++round) {
      store.rollback(start);
      core::Rng rng = task_stream(pack.sha256, "stategen", options.seed, index, round);
      CoverageCounter trial = counter;
      if (!PairMaker(pack, world, store, base, options, trial, rng).make(index, out[j])) continue;
      counter = std::move(trial);
      break;
    }
  }
  return out;
}

}  // namespace stateutils::bench
