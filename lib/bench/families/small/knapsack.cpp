// Opaque knapsack: weights, values and classes are hidden behind an inspection budget.
#include <algorithm>
#include <optional>

#include "bench/families/small/small.hpp"
#include "bench/judge/family_check.hpp"
#include "core/json_writer.hpp"
#include "core/units.hpp"

namespace stateutils::bench {

const std::string_view kKnapsackWorld = R"json({
"tables":{
 "items":{"fields":{"weight":"int","value":"int","class":"text"}},
 "bag":{"fields":{"budget":"int","weight":"int","value":"int","finished":"bool"}},
 "taken":{"fields":{"class":"text"}}},
"config":{},
"verbs":[
 {"name":"inspect","params":[{"flag":"ID","type":"text","role":"key"}],
  "guard":[{"path":"$.bag[bag].budget","cond":"gt","value":0},{"path":"$.items[{ID}]","cond":"exists"}],
  "effects":[{"op":"inc","table":"bag","key":"bag","field":"budget","value":-1}],
  "out":"{$.items[{ID}]}"},
 {"name":"take","params":[{"flag":"ID","type":"text","role":"key"}],
  "guard":[{"path":"$.bag[bag].finished","cond":"eq","value":false},{"path":"$.items[{ID}]","cond":"exists"}],
  "effects":[{"op":"insert","table":"taken","set":{"id":"{ID}","class":"{$.items[{ID}].class}"}},
             {"op":"inc","table":"bag","key":"bag","field":"weight","value":"{$.items[{ID}].weight}"},
             {"op":"inc","table":"bag","key":"bag","field":"value","value":"{$.items[{ID}].value}"}],
  "out":"taken {ID}"},
 {"name":"finish","guard":[{"path":"$.bag[bag].finished","cond":"eq","value":false}],
  "effects":[{"op":"update","table":"bag","key":"bag","set":{"finished":true}}],"out":"finished"},
 {"name":"let","params":[{"flag":"NAME","type":"text","role":"free"},{"flag":"VALUE","type":"text","role":"free"}],
  "effects":[{"op":"set_config","path":"var.{NAME}","value":"{VALUE}"}],"out":"{NAME} is set"},
 {"name":"get","params":[{"flag":"NAME","type":"text","role":"free"}],
  "guard":[{"path":"$.config.var.{NAME}","cond":"exists"}],"out":"{$.config.var.{NAME}}"}
]})json";

namespace {

struct Item {
  std::string id, kind;
  std::int64_t weight = 0, value = 0;
};

struct Problem {
  std::vector<Item> items;
  std::vector<std::string> valid;
  std::int64_t capacity = 0, budget = 0, optimum = 0;
  std::vector<std::string> best;  // ids

  [[nodiscard]] bool is_valid(const Item& item) const {
    return std::find(valid.begin(), valid.end(), item.kind) != valid.end();
  }
};

constexpr std::int64_t kMaxCapacity = 1'000'000;
constexpr std::size_t kMaxItems = 10'000;

// Exact optimum by dynamic programming over capacities; ties keep the earlier items.
void solve_exactly(Problem& p) {
  const auto width = static_cast<std::size_t>(p.capacity) + 1;
  std::vector<std::int64_t> best(width, 0);
  std::vector<std::vector<bool>> takes;
  for (const Item& item : p.items) {
    std::vector<bool>& take = takes.emplace_back(width, false);
    if (!p.is_valid(item)) continue;
    const auto w = static_cast<std::size_t>(item.weight);
    for (std::size_t c = width; c-- > w;) {
      if (best[c - w] + item.value > best[c]) {
        best[c] = best[c - w] + item.value;
        take[c] = true;
      }
    }
  }
  p.optimum = best[width - 1];
  p.best.clear();
  std::size_t left = width - 1;
  for (std::size_t i = p.items.size(); i-- > 0;) {
    if (!takes[i][left]) continue;
    p.best.push_back(p.items[i].id);
    left -= static_cast<std::size_t>(p.items[i].weight);
  }
  std::reverse(p.best.begin(), p.best.end());
}

class KnapsackCheck : public FamilyCheck {
 public:
  KnapsackCheck(Problem problem, Store& store)
      : problem_(std::move(problem)),
        taken_(store.table("taken")),
        bag_(store.table("bag")),
        bag_key_(store.atoms.string("bag")),
        weight_(store.atoms.string("weight")),
        value_(store.atoms.string("value")) {}

  [[nodiscard]] std::string_view name() const override { return "value"; }

  [[nodiscard]] double quality(const Store& store, Id state, std::string_view) const override {
    const auto bag = contents(store, state);
    if (!bag || bag->weight > problem_.capacity || problem_.optimum <= 0) return 0;
    return static_cast<double>(bag->value) / static_cast<double>(problem_.optimum);
  }

  [[nodiscard]] bool is_right(const Store& store, Id state, std::string_view) const override {
    const auto bag = contents(store, state);
    return bag && bag->weight <= problem_.capacity && bag->value == problem_.optimum;
  }

  [[nodiscard]] std::vector<std::vector<std::string>> plans() const override {
    std::vector<std::string> plan;
    for (const std::string& id : problem_.best) plan.push_back("take " + id);
    plan.emplace_back("finish");
    return {plan};
  }

 private:
  // Weight and value of what was taken; empty when something is of a wrong class, or when the world
  // added up anything else.
  [[nodiscard]] std::optional<Item> contents(const Store& store, Id state) const {
    Item sum;
    for (const Id row : store.rows_of(state, taken_)) {
      const Item* item = find(store.atoms.text(store.key_of(row)));
      if (item == nullptr || !problem_.is_valid(*item)) return {};
      sum.weight += item->weight;
      sum.value += item->value;
    }
    const Id bag = store.find_row(state, bag_, bag_key_);
    const auto says = [&](Id field, std::int64_t number) {
      const Id value = bag == kNone ? kNone : store.value_of(bag, field);
      return value != kNone && core::parse_i64(store.atoms.text(value)) == number;
    };
    if (!says(weight_, sum.weight) || !says(value_, sum.value)) return {};
    return sum;
  }

  [[nodiscard]] const Item* find(std::string_view id) const {
    for (const Item& item : problem_.items) {
      if (item.id == id) return &item;
    }
    return nullptr;
  }

  Problem problem_;
  Id taken_, bag_, bag_key_, weight_, value_;
};

Problem read_problem(const Cursor& json) {
  Problem p;
  const Cursor open = json.at("public");
  p.capacity = open.at("capacity").integer();
  p.budget = open.at("budget").integer();
  if (p.capacity < 0 || p.capacity > kMaxCapacity) {
    throw open.at("capacity").error("from 0 to 1000000");
  }
  open.at("valid_classes").items([&](const Cursor& c) { p.valid.emplace_back(c.string()); });
  json.at("private").at("items").members([&](std::string_view id, const Cursor& item) {
    Item& added = p.items.emplace_back();
    added.id = std::string(id);
    added.kind = std::string(item.at("class").string());
    added.weight = item.at("weight").integer();
    added.value = item.at("value").integer();
    const auto fits = [](std::int64_t n) { return n >= 0 && n <= 1'000'000'000; };
    if (!fits(added.weight) || !fits(added.value)) throw item.error("from 0 to 10^9");
    if (p.items.size() > kMaxItems) throw item.error("more than 10000 items");
  });
  std::sort(p.items.begin(), p.items.end(),
            [](const Item& a, const Item& b) { return a.id < b.id; });
  return p;
}

// The work of the exact optimum is items x capacity.
void check_size(const Problem& p, const Cursor& json) {
  if (static_cast<std::uint64_t>(p.capacity + 1) * p.items.size() > 200'000'000) {
    throw json.error("items times capacity is over 2*10^8");
  }
}

Problem draw_problem(bool hard, core::Rng& rng) {
  static constexpr std::string_view kClasses[] = {"A", "B", "C", "D", "E"};
  Problem p;
  const std::size_t count = hard ? 80 + rng.below(41) : 25 + rng.below(16);
  static constexpr char kHex[] = "0123456789abcdef";
  while (p.items.size() < count) {
    Item item;
    item.id = "item_";
    for (int i = 0; i < 8; ++i) item.id.push_back(kHex[rng.below(16)]);
    item.kind = kClasses[rng.below(std::size(kClasses))];
    item.weight = 3 + static_cast<std::int64_t>(rng.below(12));
    item.value = 5 + static_cast<std::int64_t>(rng.below(45));
    p.items.push_back(std::move(item));
  }
  std::sort(p.items.begin(), p.items.end(),
            [](const Item& a, const Item& b) { return a.id < b.id; });
  const std::size_t first = rng.below(std::size(kClasses)),
                    second = (first + 1 + rng.below(std::size(kClasses) - 1)) % std::size(kClasses);
  p.valid = {std::string(kClasses[std::min(first, second)]),
             std::string(kClasses[std::max(first, second)])};
  const auto coverage = static_cast<std::int64_t>(hard ? 74 + rng.below(9) : 78 + rng.below(9));
  p.budget = static_cast<std::int64_t>(count) * coverage / 100;
  p.capacity = hard ? 60 + static_cast<std::int64_t>(rng.below(25))
                    : 20 + static_cast<std::int64_t>(rng.below(13));
  solve_exactly(p);
  return p;
}

void write_members(const Problem& p, TaskRecord& task) {
  std::string difficulty, open, hidden, reference;
  const auto valid = static_cast<double>(
      std::count_if(p.items.begin(), p.items.end(), [&](const Item& i) { return p.is_valid(i); }));
  const auto count = static_cast<double>(p.items.size());
  std::int64_t most = 0;
  for (const Item& item : p.items) {
    const bool chosen = std::find(p.best.begin(), p.best.end(), item.id) != p.best.end();
    if (chosen) most = std::max(most, item.value);
  }
  core::JsonWriter d(difficulty);
  d.begin_object().field("budget_coverage", static_cast<double>(p.budget) / count);
  d.field("capacity", p.capacity);
  d.field("max_item_dominance", static_cast<double>(most) / static_cast<double>(p.optimum));
  d.field("n_items", p.items.size()).field("optimal_set_size", p.best.size());
  d.field("p_valid", valid / count).end_object();
  core::JsonWriter o(open);
  o.begin_object().field("budget", p.budget).field("capacity", p.capacity);
  o.key("item_ids").begin_array();
  for (const Item& item : p.items) o.value(item.id);
  o.end_array().key("valid_classes").begin_array();
  for (const std::string& c : p.valid) o.value(c);
  o.end_array().end_object();
  core::JsonWriter h(hidden);
  h.begin_object().key("items").begin_object();
  for (const Item& item : p.items) {
    h.key(item.id).begin_object().field("class", item.kind).field("value", item.value);
    h.field("weight", item.weight).end_object();
  }
  h.end_object().end_object();
  core::JsonWriter r(reference);
  r.begin_object().key("optimal_set").begin_array();
  for (const std::string& id : p.best) r.value(id);
  r.end_array().field("optimal_value", p.optimum).end_object();
  task.set("difficulty", difficulty);
  task.set("public", open);
  task.set("private", hidden);
  task.set("reference", reference);
}

}  // namespace

TaskRecord make_knapsack(const SmallOptions& options, std::uint64_t index, core::Rng& rng) {
  const bool hard = options.difficulty == "hard";
  const std::size_t least = hard ? 10 : 3, most = hard ? 14 : 5;
  Problem p = draw_problem(hard, rng);
  while (p.best.size() < least || p.best.size() > most) p = draw_problem(hard, rng);
  TaskRecord task = small_record(
      options, hard ? "hard" : "easy", "opaque_search", index,
      "Fill the bag for the highest total value. Weight, value and class of an item show only when "
      "it is inspected, and the budget says how many inspections there are. Take items of valid "
      "classes only, within the capacity, then finish: inspect ID, take ID, finish. A store for "
      "notes: let NAME VALUE, get NAME.");
  write_members(p, task);
  task.set("limits", R"({"episode_timeout_ms":300000,"output_bytes":65536,)"
                     R"("step_timeout_ms":10000,"steps":)" +
                         std::to_string(4 * p.items.size()) + "}");
  return task;
}

void read_knapsack(const Cursor& json, Store& store, Task& task) {
  Problem p = read_problem(json);
  check_size(p, json);
  solve_exactly(p);
  if (!json.find("limits")) task.limits.steps = static_cast<int>(4 * p.items.size() + 20);
  const auto atom = [&](std::string_view name) { return store.atoms.string(name); };
  const Id items = store.table("items"), bag = store.table("bag"), taken = store.table("taken");
  std::vector<Id> rows;
  for (const Item& item : p.items) {
    rows.push_back(store.row(atom(item.id), {{atom("class"), atom(item.kind)},
                                             {atom("value"), store.atoms.integer(item.value)},
                                             {atom("weight"), store.atoms.integer(item.weight)}}));
  }
  task.base = store.with_rows(store.empty_state(), items, std::move(rows));
  task.base =
      store.with_row(task.base, bag,
                     store.row(atom("bag"), {{atom("budget"), store.atoms.integer(p.budget)},
                                             {atom("finished"), store.atoms.boolean(false)},
                                             {atom("value"), store.atoms.integer(0)},
                                             {atom("weight"), store.atoms.integer(0)}}));
  task.initial = task.base;
  Option option;
  const auto allow = [&](Id table, ChangeKind op) {
    option.allow.push_back({table, op, kNone, {}, {}, static_cast<std::int64_t>(kMaxItems)});
  };
  allow(bag, ChangeKind::kUpdate);
  allow(taken, ChangeKind::kInsert);
  allow(Store::kConfig, ChangeKind::kInsert);
  option.check = std::make_shared<KnapsackCheck>(std::move(p), store);
  task.reference = option.check->plans();
  task.optimal_steps = static_cast<int>(task.reference.front().size());
  task.contract.options.push_back(std::move(option));
}

}  // namespace stateutils::bench
