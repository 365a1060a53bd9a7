#include <algorithm>
#include <memory>

#include "bench/families/multiagent.hpp"
#include "bench/families/small/routing_check.hpp"
#include "bench/families/small/small.hpp"
#include "bench/families/stategen.hpp"
#include "bench/families/workshop.hpp"
#include "bench/pack/installed.hpp"
#include "bench/pack/shipped.hpp"
#include "commands.hpp"
#include "core/hash.hpp"
#include "core/slice.hpp"
#include "core/threads.hpp"
#include "streams.hpp"

namespace stateutils::tools {
namespace {

struct GenerateOptions {
  StreamOptions stream;
  std::string family, pack, difficulty = "medium", slice, public_file, private_file, report,
                            shared_base;
  std::optional<core::Count> n;
  std::vector<std::string> params;
  bool no_validate = false;
  std::string mutants = "all";
  core::Count max_states{2'000'000};
};

constexpr std::uint64_t kRounds = 16;  // redraws of a pair that was rejected, without -n

// Slice i of k takes the units j with j mod k = i; `merge` puts them back in order.
std::vector<std::uint64_t> share(const core::Slice& slice, std::uint64_t units) {
  std::vector<std::uint64_t> out;
  for (std::uint64_t j = slice.index; j < units; j += slice.count) out.push_back(j);
  return out;
}

bench::Document load_pack(const GenerateOptions& o, bool* shipped) {
  if (!o.pack.empty()) {
    *shipped = false;
    return bench::load_pack(o.pack);
  }
  const bench::ShippedPack* pack =
      o.family == "conflict17" ? bench::find_shipped("office") : nullptr;
  if (pack == nullptr) {
    throw core::usage_error(o.family.empty() ? "--family or --pack is needed"
                                             : "unknown family " + core::quoted(o.family));
  }
  *shipped = true;
  return {std::string(pack->text), std::string(pack->name), true};
}

bench::PackOptions pack_options(const GenerateOptions& o, std::uint64_t seed) {
  bench::PackOptions out;
  out.family = o.family.empty() ? "pack" : o.family;
  out.seed = seed;
  out.difficulty = o.difficulty;
  for (const auto& [name, value] : parse_params(o.params)) {
    if (name == "scenario")
      out.scenario = value;
    else if (name == "variant")
      out.variant = value;
    else if (name == "branch")
      out.branch = value;
    else
      throw core::usage_error("unknown parameter " + core::quoted(name) +
                              "; scenario, variant or branch");
  }
  return out;
}

// Where tasks go: one stream, or the public and private halves paired by line.
class Sink {
 public:
  Sink(const GenerateOptions& o, core::Io& io, const std::string& slice) {
    if (o.public_file.empty()) {
      add(o, io, slice, o.stream.output);
      return;
    }
    if (o.private_file.empty()) throw core::usage_error("--public needs --private");
    add(o, io, slice, o.public_file);
    add(o, io, slice, o.private_file);
  }

  // The state that all tasks start from goes to a file of its own; records keep its hash, under the
  // ids that they would have had.
  void share_base(core::Io& io, const std::string& path, const std::string& base) {
    if (path.empty()) return;
    write_text(io, path, base + "\n");
    base_ = "\"base\":" + base;
    named_base_ = "\"base\":\"" + core::sha256_hex(base) + "\"";
  }

  void write(const bench::TaskRecord& task) {
    if (base_.empty()) return put(task);
    bench::TaskRecord shared = task;
    std::string init = *task.find("init");
    shared.set("init", init.replace(init.find(base_), base_.size(), named_base_));
    put(shared);
  }

  void finish() {
    for (auto& w : writers_) w->trailer();
    for (auto& out : outputs_) out->commit();
  }

 private:
  void put(const bench::TaskRecord& task) {
    if (writers_.size() == 1) return writers_[0]->record(task.json());
    bench::TaskRecord open = task, hidden = task;
    open.set("tools", public_tools(*task.find("tools")));
    writers_[0]->record(
        open.json({"gb", "task_id", "instruction", "surface", "tools", "limits", "canary"}));
    for (const char* key : {"instruction", "surface", "limits"}) hidden.erase(key);
    writers_[1]->record(hidden.json());
  }

  void add(const GenerateOptions& o, core::Io& io, const std::string& slice,
           const std::string& path) {
    outputs_.push_back(io.open_output(path));
    writers_.push_back(std::make_unique<core::JsonlWriter>(*outputs_.back(),
                                                           core::FrameOptions{!o.stream.no_frame}));
    writers_.back()->header("tasks", 1, [&](core::JsonWriter& json) {
      std::string options = o.family + "\n" + o.pack + "\n" + o.difficulty;
      options += "\n" + (o.n ? std::to_string(o.n->value) : "all") + "\n" +
                 (o.no_validate ? "plain" : o.mutants);
      for (const std::string& p : o.params) options += "\n" + p;
      identify(json, io, slice, options);
    });
  }

  // Roles are the private half of a tool's description.
  static std::string public_tools(const std::string& tools) {
    std::string out;
    for (std::size_t at = 0; at < tools.size();) {
      static constexpr std::string_view kRole = ",\"role\":\"";
      if (tools.compare(at, kRole.size(), kRole) == 0) {
        at = tools.find('"', at + kRole.size()) + 1;
      } else {
        out.push_back(tools[at++]);
      }
    }
    return out;
  }

  std::string base_, named_base_;
  std::vector<std::unique_ptr<core::Output>> outputs_;
  std::vector<std::unique_ptr<core::JsonlWriter>> writers_;
};

int generate_multiagent(const GenerateOptions& o, core::Io& io) {
  bench::MultiagentOptions options;
  options.seed = io.seed;
  for (const auto& [name, value] : parse_params(o.params)) {
    const auto n = core::parse_i64(value);
    int* target = name == "agents"   ? &options.agents
                  : name == "keys"   ? &options.keys
                  : name == "rounds" ? &options.rounds
                                     : nullptr;
    if (name == "bug") {
      options.bug = value;
    } else if (name == "flow" && (value == "0" || value == "1")) {
      options.flow = value == "1";
    } else if (target == nullptr || !n || *n < 1 || *n > 10'000) {
      throw core::usage_error(
          "parameters are agents, keys, rounds (1 to 10000), bug and flow=0|1, not " +
          core::quoted(name + "=" + value));
    } else {
      *target = static_cast<int>(*n);
    }
  }
  const core::Slice slice = o.slice.empty() ? core::Slice{} : core::parse_slice(o.slice);
  Sink sink(o, io, slice.text());
  const std::uint64_t n = o.n ? o.n->value : 30;
  std::uint64_t written = 0;
  for (const std::uint64_t i : share(slice, n)) {
    sink.write(bench::multiagent_task(options, i));
    ++written;
  }
  sink.finish();
  summarize(io, o.stream.output, {{"tasks", written}, {"rejected", 0}});
  return 0;
}

void write_report(const GenerateOptions& o, core::Io& io, const bench::SuiteReport& report,
                  std::uint64_t written) {
  if (!o.report.empty()) {
    const auto out = io.open_output(o.report);
    out->write(report.json() + "\n");
    out->commit();
  }
  if (!io.quiet) {
    io.log.info(std::to_string(written) + " tasks, " + std::to_string(report.rejected.size()) +
                " rejected");
  }
  summarize(io, o.stream.output, {{"tasks", written}, {"rejected", report.rejected.size()}});
}

// One worker: draws tasks until one passes (or the first, with -n) in rooms of their worlds.
class SmallWorker {
 public:
  SmallWorker(const SmallWorker& other) : SmallWorker(other.o_, other.options_, other.validate_) {}
  SmallWorker(const GenerateOptions& o, const bench::SmallOptions& options,
              const bench::ValidateOptions& validate)
      : o_(o), options_(options), validate_(validate) {}

  bench::Hardened make(std::uint64_t index) {
    bench::Hardened out;
    for (std::uint64_t round = 0; round < kRounds; ++round) {
      bench::SmallDraw drawn = make_small(options_, index, round);
      const bool routing = options_.family == "routing";
      if (o_.no_validate || (drawn.world.empty() && !routing)) {
        out.tasks = std::move(drawn.draw.tasks);
        break;
      }
      bench::Hardened hardened = routing ? harden_routing(std::move(drawn.draw), validate_)
                                         : shop(drawn.world).harden(std::move(drawn.draw));
      out.report.add(hardened.report);
      out.tasks = std::move(hardened.tasks);
      if (!out.tasks.empty() || o_.n) break;
    }
    return out;
  }

 private:
  bench::Workshop& shop(const std::string& world) {
    if (shop_ == nullptr || world != world_) {
      shop_ = std::make_unique<bench::Workshop>(world, validate_);
      world_ = world;
    }
    return *shop_;
  }

  const GenerateOptions& o_;
  const bench::SmallOptions& options_;
  const bench::ValidateOptions& validate_;
  std::string world_;
  std::unique_ptr<bench::Workshop> shop_;
};

int generate_small(const GenerateOptions& o, core::Io& io) {
  const bench::SmallOptions options{o.family, o.difficulty, io.seed, parse_params(o.params)};
  const core::Slice slice = o.slice.empty() ? core::Slice{} : core::parse_slice(o.slice);
  bench::ValidateOptions validate;
  validate.max_states = o.max_states.value;
  validate.all_mutants = o.mutants == "all";
  const std::vector<std::uint64_t> indices = share(slice, o.n ? o.n->value : 30);
  const auto workers = static_cast<std::uint64_t>(std::max(1, io.threads));
  std::vector<SmallWorker> shops(workers, SmallWorker(o, options, validate));
  Sink sink(o, io, slice.text());
  bench::SuiteReport report;
  std::uint64_t written = 0;
  const std::uint64_t per_batch = 16 * workers;
  for (std::uint64_t first = 0; first < indices.size(); first += per_batch) {
    const std::uint64_t n = std::min<std::uint64_t>(per_batch, indices.size() - first);
    std::vector<bench::Hardened> done(n);
    core::parallel_for(workers, io.threads, [&](std::uint64_t w) {
      for (std::uint64_t i = w; i < n; i += workers) done[i] = shops[w].make(indices[first + i]);
    });
    for (const bench::Hardened& d : done) {
      report.add(d.report);
      for (const bench::TaskRecord& task : d.tasks) sink.write(task), ++written;
    }
  }
  sink.finish();
  write_report(o, io, report, written);
  return 0;
}

bench::StategenOptions stategen_options(const GenerateOptions& o, std::uint64_t seed) {
  bench::StategenOptions out;
  out.seed = seed;
  for (const auto& [name, value] : parse_params(o.params)) {
    const auto n = core::parse_i64(value);
    if (name == "for-each" && (value == "0" || value == "1")) {
      out.for_each = value == "1";
    } else if (name == "calls" && n && *n >= 2 && *n <= 12) {
      out.calls = *n;
    } else if (name == "position" && n && *n >= 1 && *n <= 11) {
      out.positions = {*n};
    } else {
      throw core::usage_error("parameters are calls=2..12, position=1..11 and for-each=0|1, not " +
                              core::quoted(name + "=" + value));
    }
  }
  for (const std::int64_t p : out.positions) {
    if (p >= out.calls) throw core::usage_error("the condition comes before the last call");
  }
  return out;
}

// Shards of 256 tasks are the unit of work and of slices: their counters see no other shard.
int generate_stategen(const GenerateOptions& o, core::Io& io) {
  bool shipped = o.pack.empty();
  const bench::Document document =
      shipped ? bench::Document{std::string(bench::find_shipped("office")->text), "office", true}
              : load_pack(o, &shipped);
  bench::Store store;
  bench::Pack pack = bench::read_pack(document, store);
  pack.shipped = shipped;
  const bench::StategenOptions options = stategen_options(o, io.seed);
  const core::Slice slice = o.slice.empty() ? core::Slice{} : core::parse_slice(o.slice);
  bench::ValidateOptions validate;
  validate.max_states = o.max_states.value;
  validate.all_mutants = o.mutants == "all";
  const std::uint64_t indices = o.n ? o.n->value : 256, pairs = indices / 2 + indices % 2;
  const std::vector<std::uint64_t> shards =
      share(slice, (pairs + bench::kShardPairs - 1) / bench::kShardPairs);
  Sink sink(o, io, slice.text());
  sink.share_base(io, o.shared_base, pack.base_json);
  bench::SuiteReport report;
  std::uint64_t written = 0;
  const auto workers = static_cast<std::uint64_t>(std::max(1, io.threads));
  for (std::uint64_t first = 0; first < shards.size(); first += workers) {
    const std::uint64_t n = std::min<std::uint64_t>(workers, shards.size() - first);
    std::vector<std::vector<bench::Hardened>> done(n);
    core::parallel_for(n, io.threads, [&](std::uint64_t i) {
      const std::uint64_t shard = shards[first + i];
      bench::Workshop shop(pack.world_json, validate);
      // A shard is drawn whole up to where it is wanted: later draws see earlier counts.
      const std::uint64_t wanted = std::min(bench::kShardPairs, pairs - shard * bench::kShardPairs);
      for (bench::Draw& draw : stategen_shard(pack, options, shard, wanted)) {
        if (o.no_validate) {
          done[i].push_back({std::move(draw.tasks), {}});
        } else if (!draw.tasks.empty()) {
          done[i].push_back(shop.harden(std::move(draw)));
        }
      }
    });
    for (const auto& shard : done) {
      for (const bench::Hardened& d : shard) {
        report.add(d.report);
        for (const bench::TaskRecord& task : d.tasks) {
          if (std::stoull(*task.find("index")) >= indices) continue;
          sink.write(task);
          ++written;
        }
      }
    }
  }
  sink.finish();
  write_report(o, io, report, written);
  return 0;
}

// A pair of twins, redrawn until it passes; with -n it is drawn once. No shop: drawn, not hardened.
bench::Hardened make_pair(const bench::PackFamily& family, bench::Workshop* shop,
                          std::uint64_t pair, bool once) {
  bench::Hardened out;
  if (shop == nullptr) {
    out.tasks = family.draw(pair, 0, false).tasks;
    return out;
  }
  for (std::uint64_t round = 0; round < kRounds && out.tasks.empty(); ++round) {
    bench::Hardened hardened = shop->harden(family.draw(pair, round, true));
    out.report.add(hardened.report);
    out.tasks = std::move(hardened.tasks);
    if (once) break;
  }
  return out;
}

int generate_pack(const GenerateOptions& o, core::Io& io) {
  bool shipped = false;
  const bench::Document document = load_pack(o, &shipped);
  bench::Store store;
  bench::Pack pack = bench::read_pack(document, store);
  pack.shipped = shipped;
  const bench::PackFamily family(pack, pack_options(o, io.seed));
  const core::Slice slice = o.slice.empty() ? core::Slice{} : core::parse_slice(o.slice);
  const std::uint64_t indices = o.n ? o.n->value : 2 * family.schedule_pairs();
  if (family.schedule_pairs() == 0) throw core::usage_error("no scenario is left to draw from");

  const std::vector<std::uint64_t> pairs = share(slice, indices / 2 + indices % 2);
  bench::ValidateOptions validate;
  validate.max_states = o.max_states.value;
  validate.all_mutants = o.mutants == "all";
  const auto workers = static_cast<std::uint64_t>(std::max(1, io.threads));
  std::vector<std::unique_ptr<bench::Workshop>> shops(workers);
  for (auto& shop : shops) {
    if (!o.no_validate) shop = std::make_unique<bench::Workshop>(pack.world_json, validate);
  }
  Sink sink(o, io, slice.text());
  sink.share_base(io, o.shared_base, pack.base_json);
  bench::SuiteReport report;
  std::uint64_t written = 0;
  // Plain drawing is quick: larger batches keep the workers from waiting for each other.
  core::Progress progress = io.progress("generate", pairs.size(), core::Progress::Unit::kItems);
  const std::uint64_t per_batch = (o.no_validate ? 256 : 16) * workers;
  for (std::uint64_t first = 0; first < pairs.size(); first += per_batch) {
    const std::uint64_t n = std::min<std::uint64_t>(per_batch, pairs.size() - first);
    std::vector<bench::Hardened> done(n);
    core::parallel_for(workers, io.threads, [&](std::uint64_t w) {
      for (std::uint64_t i = w; i < n; i += workers) {
        done[i] = make_pair(family, shops[w].get(), pairs[first + i], o.n.has_value());
      }
    });
    for (const bench::Hardened& pair : done) {
      report.add(pair.report);
      for (const bench::TaskRecord& task : pair.tasks) {
        if (std::stoull(*task.find("index")) >= indices) continue;
        sink.write(task);
        ++written;
      }
    }
    progress.set(first + n);
  }
  sink.finish();
  write_report(o, io, report, written);
  return 0;
}

int generate(const GenerateOptions& o, core::Io& io) {
  if (o.family == "stategen") return generate_stategen(o, io);
  const bool of_pack = !o.pack.empty() || o.family == "conflict17";
  if (!of_pack && !o.shared_base.empty()) {
    throw core::usage_error("--shared-base is for tasks of a pack: they start from one state");
  }
  if (o.family == "multiagent") return generate_multiagent(o, io);
  if (bench::is_small_family(o.family) && o.pack.empty()) return generate_small(o, io);
  return generate_pack(o, io);
}

}  // namespace

void register_generate(core::Tool& tool) {
  auto o = std::make_shared<GenerateOptions>();
  auto cmd = tool.subcommand("generate", "write tasks, each solved and validated");
  cmd.option("--family", &o->family, "family of tasks")
      .value_name("NAME")
      .one_of({"conflict17", "contracts", "multiagent", "fsm", "web", "knapsack", "listops", "mpi",
               "par", "parallel", "paradox", "pdfa", "probe", "routing", "stategen", "api"});
  cmd.option("--pack", &o->pack, "a pack of your own: a file, or the name of an installed one")
      .value_name("PACK");
  cmd.option("-n,--count", &o->n,
             "indices to draw; without it each scenario as often as its pack says")
      .value_name("N");
  cmd.option("--difficulty", &o->difficulty, "how much else lies around")
      .one_of({"easy", "medium", "hard"});
  cmd.option("--param", &o->params,
             "scenario=SLUG, variant=NAME, branch=ID; multiagent: agents=N, keys=N, rounds=N, "
             "bug=none|ww|xs|blind|mixed, flow=1; fsm: pages=N, branching=N, min=N, max=N; "
             "listops: op=NAME; "
             "contracts: algorithm=NAME; par: kernel=NAME; mpi: file=PATH; "
             "stategen: calls=N, position=N, for-each=1")
      .value_name("NAME=VALUE");
  cmd.option("--no-validate", &o->no_validate, "neither solve nor validate; the same ids");
  cmd.option("--mutants", &o->mutants, "fast leaves out mutants of the final state")
      .one_of({"all", "fast"});
  cmd.option("--max-states", &o->max_states, "give up a search beyond this").value_name("N");
  cmd.option("--public", &o->public_file, "write what agents may see there").value_name("FILE");
  cmd.option("--private", &o->private_file, "write the rest there, paired by line")
      .value_name("FILE");
  cmd.option("--shared-base", &o->shared_base,
             "move the state that all tasks start from there; tasks keep its hash")
      .value_name("FILE");
  cmd.option("--report", &o->report, "write mutants, kills and rejected tasks as JSON")
      .value_name("FILE");
  cmd.option("--slice", &o->slice,
             "only twin pairs (or single tasks) j with j mod N = I; merge joins")
      .value_name("I/N");
  stream_options(cmd, o->stream);
  cmd.run([o](core::Io& io) {
    if (o->family == "web") o->family = "fsm";
    if (o->family == "parallel") o->family = "listops";
    if (o->family == "api") o->family = "stategen";
    return generate(*o, io);
  });
}

}  // namespace stateutils::tools
