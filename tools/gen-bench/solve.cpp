#include "bench/solve/solve.hpp"

#include "bench/families/workshop.hpp"
#include "commands.hpp"
#include "streams.hpp"

namespace stateutils::tools {
namespace {

struct SolveOptions {
  StreamOptions stream;
  std::string input = "-", algo = "bfs", shared_base;
  core::Count all_shortest{1}, max_states{2'000'000};
  bool no_prune = false;
};

int solve(const SolveOptions& o, core::Io& io) {
  const auto source = io.open_input(o.input);
  core::JsonlReader reader(*source, {.format = "tasks"});
  const auto out = io.open_output(o.stream.output);
  core::JsonlWriter writer(*out, {!o.stream.no_frame});
  writer.header("tasks", 1, [&](core::JsonWriter& json) { identify(json, io, "0/1", "solve"); });
  bench::Library library;
  add_shared_base(library, o.shared_base);
  std::uint64_t unsolvable = 0, limited = 0;
  while (const core::Record* record = reader.next()) {
    const RecordCursor at(*record);
    bench::Task& task = library.read(at.cursor());
    if (task.world == nullptr) throw record->error("a task without a world cannot be solved");
    bench::Store& store = library.store();
    bench::Machine machine(*task.world, store, task.initial);
    const bench::Judge judge(task.contract, store, task.initial);
    bench::SearchOptions options;
    options.max_states = o.max_states.value;
    options.all_shortest = static_cast<std::size_t>(o.all_shortest.value);
    options.prune = !o.no_prune;
    options.algorithm = o.algo == "bibfs"   ? bench::Algorithm::kBibfs
                        : o.algo == "astar" ? bench::Algorithm::kAstar
                                            : bench::Algorithm::kBfs;
    const bench::SearchResult found = bench::solve(task, machine, judge, options);
    bench::TaskRecord line(record->raw());
    if (found.end == bench::SearchEnd::kSolved) {
      add_solution(line, task, found, store);
    } else {
      const bool closed = found.end == bench::SearchEnd::kUnsolvable;
      (closed ? unsolvable : limited) += 1;
      line.set("search", "{\"states\":" + std::to_string(found.states) +
                             ",\"expanded\":" + std::to_string(found.expanded) + ",\"end\":\"" +
                             (closed ? "unsolvable" : "limit") + "\"}");
      io.log.warn(task.id + ": " + (closed ? "unsolvable" : "search limit reached") + " after " +
                  std::to_string(found.states) + " states");
    }
    writer.record(line.json());
  }
  writer.trailer();
  out->commit();
  summarize(io, o.stream.output,
            {{"tasks", writer.records()}, {"unsolvable", unsolvable}, {"limited", limited}});
  return limited > 0 ? 4 : unsolvable > 0 ? 1 : 0;
}

}  // namespace

void register_solve(core::Tool& tool) {
  auto o = std::make_shared<SolveOptions>();
  auto cmd = tool.subcommand("solve", "add the shortest plan to each task");
  cmd.option("TASKS", &o->input, "task records; - is stdin").value_name("TASKS");
  cmd.option("--all-shortest", &o->all_shortest, "distinct optimal plans to list").value_name("K");
  cmd.option("--max-states", &o->max_states, "give up beyond this (exit 4)").value_name("N");
  cmd.option("--algo", &o->algo,
             "search; all find the same length, hidden state is searched breadth-first")
      .one_of({"bfs", "bibfs", "astar"});
  cmd.option("--no-prune", &o->no_prune, "try every command, not only those that can matter");
  shared_base_option(cmd, o->shared_base);
  stream_options(cmd, o->stream);
  cmd.run([o](core::Io& io) { return solve(*o, io); });
}

}  // namespace stateutils::tools
