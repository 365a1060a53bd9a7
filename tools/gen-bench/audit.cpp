#include "bench/audit/audit.hpp"

#include <filesystem>
#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "core/json.hpp"
#include "core/table.hpp"
#include "streams.hpp"

namespace stateutils::tools {
namespace {

struct AuditOptions {
  std::string input, from, tools, judge, output = "-";
};

std::string form_of(const AuditOptions& o) {
  if (!o.from.empty()) return o.from;
  if (std::filesystem::is_directory(o.input)) return "harbor";
  return o.input.ends_with(".json") ? "tau2" : "gb";
}

std::vector<bench::AuditTask> read_own(const std::string& path, core::Io& io) {
  const auto source = io.open_input(path);
  core::JsonlReader reader(*source, {.format = "tasks"});
  bench::Library library;
  std::vector<bench::AuditTask> out;
  while (const core::Record* record = reader.next()) {
    const RecordCursor at(*record);
    const bench::Task& task = library.read(at.cursor());
    bench::AuditTask audited = audit_task(task, library.store());
    if (!task.reference.empty()) {
      audited.plan.emplace();
      for (const std::string& line : task.reference.front())
        audited.plan->push_back({line, {}, {}});
    }
    out.push_back(std::move(audited));
  }
  return out;
}

void print(core::Output& out, const bench::AuditReport& r) {
  core::Table table({"question", "answer"});
  const auto number = [](const auto& v) {
    return v ? core::format_double(static_cast<double>(*v)) : std::string("unknown");
  };
  const auto listed = [](const auto& ids) {
    if (!ids) return std::string("unknown");
    std::string text = std::to_string(ids->size());
    for (std::size_t i = 0; i < ids->size() && i < 5; ++i) {
      text += (i == 0 ? ": " : ", ") + core::quoted((*ids)[i]);
    }
    return ids->size() > 5 ? text + " ..." : text;
  };
  table.add({"tasks", std::to_string(r.tasks)});
  table.add({"passed by doing nothing", listed(r.noop_pass)});
  table.add({"partial credit for doing nothing", number(r.noop_partial)});
  table.add({"references that the judge rejects", listed(r.reference_rejected)});
  table.add({"checks that only count", number(r.count_only)});
  table.add({"share that starts clean", number(r.clean_share)});
  table.add({"mutants", number(r.mutants)});
  table.add({"killed", number(r.killed)});
  table.add({"kill rate", number(r.kill_rate)});
  table.print(out);
}

int audit(const AuditOptions& o, core::Io& io) {
  const bench::ToolKinds kinds =
      o.tools.empty() ? bench::ToolKinds{} : bench::read_tool_kinds(o.tools);
  const std::string from = form_of(o);
  std::vector<bench::AuditTask> tasks = from == "tau2"     ? bench::read_tau2(o.input, kinds)
                                        : from == "harbor" ? bench::read_harbor(o.input, kinds)
                                                           : read_own(o.input, io);
  if (tasks.empty()) throw core::input_error({o.input}, "holds no task");
  if (!o.judge.empty()) {
    const bench::SuiteJudge judge = bench::command_judge(o.judge);
    for (bench::AuditTask& task : tasks) ask_judge(task, judge);
  }
  const bench::AuditReport report = bench::summarize_audit(tasks);
  if (io.json != "-" || o.output != "-") {
    const auto out = io.open_output(o.output);
    print(*out, report);
    out->commit();
  }
  io.summary(core::parse_ordered_json(report.json(), "audit"));
  return 0;
}

}  // namespace

void register_audit(core::Tool& tool) {
  auto o = std::make_shared<AuditOptions>();
  auto cmd = tool.subcommand("audit", "somebody else's suite under our questions");
  cmd.option("SUITE", &o->input, "a folder of Harbor tasks, a tau2 tasks.json, or task records")
      .value_name("SUITE")
      .required();
  cmd.option("--from", &o->from, "its form; guessed from the name when left out")
      .one_of({"harbor", "tau2", "gb"});
  cmd.option("--tools", &o->tools, "which tools write: tools.json, or a tools.py of tau2-bench")
      .value_name("FILE");
  cmd.option("--judge-cmd", &o->judge,
             "run as COMMAND TASK_ID, plan on stdin; the last line it prints is the score")
      .value_name("COMMAND");
  cmd.option("-o,--output", &o->output, "write there instead of stdout").value_name("FILE");
  cmd.run([o](core::Io& io) { return audit(*o, io); });
}

}  // namespace stateutils::tools
