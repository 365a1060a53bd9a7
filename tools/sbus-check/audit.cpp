#include "sbus/audit.hpp"

#include <nlohmann/json.hpp>
#include <utility>

#include "audit_report.hpp"
#include "core/signals.hpp"
#include "core/table.hpp"
#include "core/tool.hpp"
#include "sbus/interval_audit.hpp"
#include "sbus/op_source.hpp"
#include "sbus/pg_store.hpp"
#include "subcommands.hpp"
#include "timeline.hpp"

namespace stateutils::sbus_check {
namespace {

struct AuditCommand {
  std::vector<std::string> files;
  std::string format = "auto", own_writes = "refresh", order = "log", table = "auto", output = "-";
  core::Duration ttl{3600ll * 1'000'000'000};
  std::uint64_t window = 16;
  std::optional<std::uint64_t> max_report;
  std::optional<std::string> html, svg, map;
  bool first = false, summary = false, tail = false, skip_bad = false, no_frame = false,
       line_buffered = false;
};

// Takes one operation; true when the rest of the log is not wanted.
using Apply = std::function<bool(const sbus::OpRecord&, const std::string& file)>;

// Feeds the files one after the other; adds what was skipped to `extras`.
void feed_files(const AuditCommand& o, const core::Io& io, core::Output& out, const Apply& apply,
                SummaryExtras& extras) {
  auto progress = io.progress("auditing", 0, core::Progress::Unit::kBytes);
  std::optional<sbus::Mapping> mapping;
  if (o.map) mapping = sbus::load_mapping(*o.map);
  sbus::OpSourceOptions options{.format = sbus::log_format_by_name(o.format),
                                .tail = o.tail,
                                .skip_bad = o.skip_bad,
                                .mapping = mapping ? &*mapping : nullptr,
                                .on_idle = [&out] { out.flush(); }};
  sbus::OpRecord record;
  std::uint64_t since_check = 0, bytes_before = 0;
  for (std::uint32_t i = 0; i < o.files.size(); ++i) {
    const auto file =
        o.format == "sbus-pg" ? sbus::open_pg_log(o.files[i]) : io.open_input(o.files[i]);
    sbus::LogFormat format{};
    const auto log = sbus::open_log(*file, options, &format);
    record.file = i;
    bool enough = false;
    while (!enough && log->next(record)) {
      if ((++since_check & 0xfff) == 0) {
        core::check_stop();
        progress.set(bytes_before + log->bytes_read());
      }
      record.file = i;
      enough = apply(record, file->name());
    }
    bytes_before += log->bytes_read();
    if (o.skip_bad) extras.skipped = extras.skipped.value_or(0) + log->skipped();
    if (format == sbus::LogFormat::kClf || format == sbus::LogFormat::kHar ||
        format == sbus::LogFormat::kMcp) {
      extras.unmatched = extras.unmatched.value_or(0) + log->unmatched();
      extras.blind_writes = extras.blind_writes.value_or(0);
    }
    if (enough) break;
  }
}

// What an audit found, whichever order it took.
struct Outcome {
  bool violated = false;
  sbus::AuditSummary summary;
  SummaryExtras extras;
};

Outcome audit_in_log_order(const AuditCommand& o, const core::Io& io, core::Output& out,
                           const sbus::AuditOptions& options, const sbus::ViolationSink& sink) {
  Outcome outcome;
  sbus::Auditor auditor(options, sink);
  const Apply apply = [&](const sbus::OpRecord& record, const std::string&) {
    if (!auditor.apply(record)) return false;
    outcome.violated = true;
    return o.first;
  };
  feed_files(o, io, out, apply, outcome.extras);
  outcome.summary = auditor.summary();
  if (outcome.extras.blind_writes) outcome.extras.blind_writes = outcome.summary.blind_writes;
  return outcome;
}

Outcome audit_by_intervals(const AuditCommand& o, const core::Io& io, core::Output& out,
                           const sbus::AuditOptions& options, const sbus::ViolationSink& sink) {
  Outcome outcome;
  sbus::IntervalAuditor auditor(options);
  const Apply apply = [&](const sbus::OpRecord& record, const std::string& file) {
    if (auditor.add(record)) return false;
    throw core::input_error({file, record.line},
                            "--order interval needs \"start\", \"end\" and reported versions");
  };
  feed_files(o, io, out, apply, outcome.extras);
  std::optional<std::uint64_t> first_line;
  outcome.violated = auditor.finish([&](const sbus::Violation& violation) {
    if (o.first && first_line.value_or(violation.line) != violation.line) return;
    first_line = violation.line;
    sink(violation);
  });
  outcome.summary = auditor.summary();
  outcome.extras.possible = auditor.possible();
  return outcome;
}

int audit(AuditCommand o, const core::Io& io) {
  io.require_json_target(o.output == "-");
  for (const auto& [name, file] : {std::pair("--html", &o.html), std::pair("--svg", &o.svg)}) {
    if (*file == "-" && o.output == "-")
      throw core::usage_error(std::string(name) + ": stdout carries the records");
  }
  if (o.files.empty()) o.files.emplace_back("-");
  const auto out = io.open_output(o.output);
  const bool table = core::wants_table(o.table, o.output == "-" && io.out_is_terminal);
  const auto report = table ? text_report(*out, o.files)
                            : json_report(io, *out, o.files, !o.no_frame, o.line_buffered);
  const auto page = o.html ? io.open_output(*o.html) : nullptr;
  const auto html = page ? html_report(*page, o.files) : nullptr;
  const auto picture = o.svg ? io.open_output(*o.svg) : nullptr;
  bool drawn = false;
  const sbus::ViolationSink sink = [&](const sbus::Violation& violation) {
    report->violation(violation);
    if (html) html->violation(violation);
    if (picture && !drawn) picture->write(timeline_svg(violation, o.files, false));
    drawn = true;
  };
  const sbus::AuditOptions options{.ttl_ns = o.ttl.ns,
                                   .refresh_own_writes = o.own_writes == "refresh",
                                   .window = static_cast<std::size_t>(o.window),
                                   .max_report = o.max_report.value_or(UINT64_MAX)};
  report->begin();
  const Outcome outcome = o.order == "log" ? audit_in_log_order(o, io, *out, options, sink)
                                           : audit_by_intervals(o, io, *out, options, sink);
  if (o.summary || table) report->summary(outcome.summary, outcome.extras);
  report->end();
  if (html) {
    html->summary(outcome.summary, outcome.extras);
    html->end();
    page->commit();
  }
  if (picture && drawn) picture->commit();
  out->commit();
  if (io.json) {
    nlohmann::ordered_json values;
    for (const auto& [name, value] : summary_fields(outcome.summary, outcome.extras)) {
      values[name] = value;
    }
    io.summary(values);
  }
  return outcome.violated ? 1 : 0;
}

}  // namespace

void register_audit(core::Tool& tool) {
  auto o = std::make_shared<AuditCommand>();
  auto cmd = tool.subcommand("audit", "find lost updates and stale reads in operation logs");
  cmd.option("FILE", &o->files, "operation logs, one log in the given order; - is stdin");
  cmd.option("--format", &o->format, "form of the log")
      .one_of({"auto", "jsonl", "clf", "har", "mcp", "sbus-wal", "sbus-pg"});
  cmd.option("--map", &o->map, "rules that say which request is which operation")
      .value_name("FILE");
  cmd.option("--ttl", &o->ttl, "age at which a delivery no longer binds (seconds, or with a unit)")
      .default_text("3600");
  cmd.option("--own-writes", &o->own_writes,
             "whether a commit delivers its own new version to its agent")
      .one_of({"refresh", "keep"});
  cmd.option("--order", &o->order, "what came before what: the lines, or request intervals")
      .one_of({"log", "interval"});
  cmd.option("--witness-window", &o->window, "writes remembered per key for witnesses (0 = all)");
  cmd.option("--max-report", &o->max_report, "write at most N violations; all are counted");
  cmd.option("--first", &o->first, "stop at the first violating commit");
  cmd.option("--summary", &o->summary, "end with a summary record");
  cmd.option("--tail", &o->tail, "accept a log that was cut off");
  cmd.option("--skip-bad", &o->skip_bad, "count malformed lines instead of ending with exit 3");
  cmd.option("--html", &o->html, "also write a page with a timeline of each violation")
      .value_name("FILE");
  cmd.option("--svg", &o->svg, "also draw the timeline of the first violation").value_name("FILE");
  cmd.option("--no-frame", &o->no_frame, "no header and trailer around the records");
  cmd.option("--line-buffered", &o->line_buffered, "deliver each record at once");
  cmd.option("--table", &o->table, "text for people instead of JSON Lines")
      .one_of({"auto", "always", "never"});
  cmd.option("-o,--output", &o->output, "write to FILE").value_name("FILE");
  cmd.run([o](core::Io& io) { return audit(*o, io); });
}

}  // namespace stateutils::sbus_check
