#include "bench/validate/validate.hpp"

#include <deque>
#include <map>

#include "bench/families/small/routing_check.hpp"
#include "bench/families/workshop.hpp"
#include "commands.hpp"
#include "core/dom.hpp"
#include "streams.hpp"

namespace stateutils::tools {
namespace {

struct ValidateCommand {
  StreamOptions stream;
  std::string input = "-", mutants = "all", report, shared_base;
  bool keep_bad = false;
  core::Count max_states{2'000'000};
};

// A task waits for its twin at most this long, so that streams without end need no endless memory.
constexpr std::size_t kWindow = 4096;

class Stream {
 public:
  Stream(const ValidateCommand& o, core::Io& io, core::JsonlWriter& writer)
      : o_(o), io_(io), writer_(writer) {
    add_shared_base(library_, o.shared_base);
  }

  void add(const core::Record& record) {
    Waiting w;
    w.text = std::string(record.text());
    w.line = record.line();
    w.file = record.place().file;
    w.id = std::string(record.opt_string("task_id").value_or(""));
    w.twin = std::string(record.opt_string("twin_of").value_or(""));
    if (!w.id.empty()) texts_[w.id] = w.text;
    queue_.push_back(std::move(w));
    while (!queue_.empty() && (queue_.size() > kWindow || ready(queue_.front()))) take();
  }
  void finish() {
    while (!queue_.empty()) take();
  }
  [[nodiscard]] const bench::SuiteReport& report() const { return report_; }

 private:
  struct Waiting {
    std::string text, file, id, twin;
    std::uint64_t line = 0;
  };

  [[nodiscard]] bool ready(const Waiting& w) const {
    return w.twin.empty() || texts_.contains(w.twin);
  }

  bench::Cursor parse(const Waiting& w, const std::string& text, simdjson::dom::parser& parser,
                      bench::JsonSource& source) {
    source = {w.file, {}, w.line};
    return {simdjson::dom::element(core::parse_json(parser, text)), source};
  }

  void take() {
    const Waiting w = std::move(queue_.front());
    queue_.pop_front();
    bench::JsonSource source;
    const bench::Cursor cursor = parse(w, w.text, parser_, source);
    const bench::Validation v = check(w, cursor);
    done_.push_back(w.id);
    if (done_.size() > 2 * kWindow) {
      texts_.erase(done_.front());
      done_.pop_front();
    }
    if (!v.ok && !io_.quiet) {
      for (const std::string& why : v.why) io_.log.warn(w.id + ": " + why);
    }
    if (!v.ok && !o_.keep_bad) return;
    bench::TaskRecord line(simdjson::dom::object(cursor.element()));
    line.set("validation", v.json());
    writer_.record(line.json());
  }

  bench::Validation check(const Waiting& w, const bench::Cursor& cursor) {
    bench::ValidateOptions options;
    options.all_mutants = o_.mutants == "all";
    options.max_states = o_.max_states.value;
    const auto family = cursor.find("family");
    if (family && family->is_string() && family->string() == "routing") {
      const bench::Validation v = validate_routing(cursor, options);
      report_.add(std::string(cursor.at("topology").string()), w.id, v, v.ok);
      return v;
    }
    bench::Task& task = library_.read(cursor);
    if (task.world == nullptr) throw cursor.error("a task without a world cannot be validated");
    bench::Task twin;
    const auto other = w.twin.empty() ? texts_.end() : texts_.find(w.twin);
    const bool paired = other != texts_.end();
    if (paired) {
      bench::JsonSource source;
      library_.read_beside(parse(w, other->second, twin_parser_, source), twin);
    } else if (!w.twin.empty()) {
      io_.log.warn(w.id + ": its twin is not in the stream");
    }
    const bench::Validation v =
        validate(task, paired ? &twin : nullptr, library_.store(), nullptr, options);
    report_.add(task.scenario, task.id, v, v.ok);
    return v;
  }

  const ValidateCommand& o_;
  core::Io& io_;
  core::JsonlWriter& writer_;
  bench::Library library_;
  bench::SuiteReport report_;
  simdjson::dom::parser parser_, twin_parser_;
  std::deque<Waiting> queue_;
  std::map<std::string, std::string> texts_;
  std::deque<std::string> done_;
};

int validate_stream(const ValidateCommand& o, core::Io& io) {
  const auto source = io.open_input(o.input);
  core::JsonlReader reader(*source, {.format = "tasks"});
  const auto out = io.open_output(o.stream.output);
  core::JsonlWriter writer(*out, {!o.stream.no_frame});
  writer.header("tasks", 1, [&](core::JsonWriter& json) {
    identify(json, io, "0/1", "validate " + o.mutants);
  });
  Stream stream(o, io, writer);
  while (const core::Record* record = reader.next()) stream.add(*record);
  stream.finish();
  writer.trailer();
  out->commit();
  if (!o.report.empty()) {
    const auto report = io.open_output(o.report);
    report->write(stream.report().json() + "\n");
    report->commit();
  }
  summarize(io, o.stream.output,
            {{"tasks", writer.records()}, {"rejected", stream.report().rejected.size()}});
  return stream.report().rejected.empty() ? 0 : 1;
}

}  // namespace

void register_validate(core::Tool& tool) {
  auto o = std::make_shared<ValidateCommand>();
  auto cmd = tool.subcommand("validate", "drop tasks whose judge can be fooled");
  cmd.option("TASKS", &o->input, "task records; - is stdin").value_name("TASKS");
  cmd.option("--mutants", &o->mutants, "fast leaves out mutants of the final state")
      .one_of({"all", "fast"});
  cmd.option("--max-states", &o->max_states, "give up a search beyond this").value_name("N");
  cmd.option("--report", &o->report, "write mutants, kills and rejected tasks as JSON")
      .value_name("FILE");
  shared_base_option(cmd, o->shared_base);
  cmd.option("--keep-bad", &o->keep_bad, "mark tasks that fail instead of dropping them");
  stream_options(cmd, o->stream);
  cmd.run([o](core::Io& io) { return validate_stream(*o, io); });
}

}  // namespace stateutils::tools
