#include "bench/families/small/small.hpp"

#include <algorithm>

#include "bench/families/fsm/fsm_model.hpp"
#include "bench/families/stream.hpp"
#include "bench/pack/pack.hpp"
#include "core/hash.hpp"
#include "core/units.hpp"

namespace stateutils::bench {
namespace {

constexpr std::string_view kSilentWorld = R"({"verbs":[]})";  // nothing to do but to answer
constexpr std::uint64_t kMaxSiteStates = 1'000'000;

[[noreturn]] void unknown_param(const std::string& name, const char* known) {
  throw core::usage_error("unknown parameter " + core::quoted(name) + "; " + known);
}

SmallDraw make_site(const SmallOptions& options, core::Rng& rng) {
  RandomSite site;
  if (options.difficulty == "easy") site = {6, 2, 3, 6};
  if (options.difficulty == "hard") site = {16, 4, 10, 18};
  for (const auto& [name, value] : options.params) {
    std::int64_t* target = name == "pages"       ? &site.pages
                           : name == "branching" ? &site.branching
                           : name == "min"       ? &site.min_steps
                           : name == "max"       ? &site.max_steps
                                                 : nullptr;
    if (target == nullptr) unknown_param(name, "pages, branching, min or max");
    const auto n = core::parse_i64(value);
    if (!n || *n < 1 || *n > 1000) throw core::usage_error(name + " is from 1 to 1000");
    *target = *n;
  }
  if (site.max_steps < site.min_steps || site.pages < 3) {
    throw core::usage_error("a site has at least 3 pages, and min is at most max");
  }
  std::string facts;
  const std::string text = fsm_pack(random_site(site, rng), kMaxSiteStates, facts);
  Store store;
  const Document document{text, "site", false};
  const Pack pack = read_pack(document, store);
  PackOptions pack_options;
  pack_options.family = "fsm";
  pack_options.seed = options.seed;
  SmallDraw out{pack.world_json, PackFamily(pack, pack_options).draw(0, 0)};
  if (out.draw.tasks.size() > 1) out.draw.tasks.resize(1);
  return out;
}

}  // namespace

bool is_small_family(std::string_view family) {
  static constexpr std::string_view kNames[] = {"contracts", "fsm",    "knapsack", "listops",
                                                "mpi",       "par",    "paradox",  "pdfa",
                                                "probe",     "routing"};
  return std::find(std::begin(kNames), std::end(kNames), family) != std::end(kNames);
}

TaskRecord small_record(const SmallOptions& options, std::string_view scenario,
                        std::string_view ability, std::uint64_t index,
                        std::string_view instruction) {
  TaskRecord task;
  task.set("gb", "1");
  task.set_text("family", options.family);
  task.set_text("scenario", scenario);
  task.set_text("variant", options.difficulty);
  task.set_text("ability", ability);
  std::string tag;
  append_json_string(tag, ability);
  task.set("tags", "[" + tag + "]");
  task.set("seed", std::to_string(options.seed));
  task.set("index", std::to_string(index));
  task.set_text("instruction", instruction);
  task.set("instruction_variants", "[]");
  task.set_text("surface", "sim");
  task.set("tools", "[]");
  task.set(
      "limits",
      R"({"episode_timeout_ms":300000,"output_bytes":65536,"step_timeout_ms":10000,"steps":20})");
  task.set_text("canary",
                "gb-canary-" + core::sha256_hex("canary " + options.family).substr(0, 32));
  return task;
}

TaskRecord canonical_record(const TaskRecord& record) {
  const Document document{record.json(), "record", false};
  return TaskRecord(simdjson::dom::object(document.root().element()));
}

SmallDraw make_small(const SmallOptions& options, std::uint64_t index, std::uint64_t round) {
  core::Rng rng = task_stream(options.family, options.family, options.seed, index, round);
  if (options.family == "fsm") {
    SmallDraw out = make_site(options, rng);
    for (TaskRecord& task : out.draw.tasks) {
      task.set("index", std::to_string(index));
      task.seal();
    }
    return out;
  }
  SmallDraw out;
  TaskRecord record;
  if (options.family == "knapsack") record = make_knapsack(options, index, rng);
  if (options.family == "paradox") record = make_paradox(options, index, rng);
  if (options.family == "listops") record = make_listops(options, index, rng);
  if (options.family == "routing") record = make_routing(options, index, rng);
  if (options.family == "contracts") record = make_contracts(options, index, rng);
  if (options.family == "mpi") record = make_mpi(options, index, rng);
  if (options.family == "par") record = make_par(options, index, rng);
  if (options.family == "pdfa") record = make_pdfa(options, index, rng);
  if (options.family == "probe") record = make_probe(options, index, rng);
  if (options.family == "listops") record.set("world", std::string(kSilentWorld));
  out.world = options.family == "listops" ? kSilentWorld : family_world(options.family);
  if (!out.world.empty()) {
    Store store;
    const Document document{out.world, options.family, false};
    record.set("tools", read_world(document.root(), store).tools_json);
  }
  record = canonical_record(record);
  record.seal();
  out.draw.tasks.push_back(std::move(record));
  return out;
}

std::string_view family_world(std::string_view family) {
  if (family == "knapsack") return kKnapsackWorld;
  const bool silent = family == "paradox" || family == "mpi" || family == "contracts" ||
                      family == "par" || family == "pdfa";
  return silent ? kSilentWorld : std::string_view();
}

void judge_by(std::shared_ptr<const FamilyCheck> check, Store& store, Task& task) {
  task.base = task.initial = store.empty_state();
  task.reference = check->plans();
  task.optimal_steps = 1;
  Option& option = task.contract.options.emplace_back();
  option.check = std::move(check);
}

bool read_family_task(const Cursor& json, Store& store, Task& task) {
  if (task.family == "knapsack") return read_knapsack(json, store, task), true;
  if (task.family == "paradox") return read_paradox(json, store, task), true;
  if (task.family == "contracts") return read_contracts(json, store, task), true;
  if (task.family == "mpi") return read_mpi(json, store, task), true;
  if (task.family == "par") return read_par(json, store, task), true;
  if (task.family == "pdfa") return read_pdfa(json, store, task), true;
  return false;
}

}  // namespace stateutils::bench
