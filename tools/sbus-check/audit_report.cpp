#include "audit_report.hpp"

#include "core/table.hpp"
#include "core/units.hpp"

namespace stateutils::sbus_check {
namespace {

class JsonReport final : public AuditReport {
 public:
  JsonReport(const core::Io& io, core::Output& out, const std::vector<std::string>& files,
             bool framed, bool line_buffered)
      : io_(io), files_(files), writer_(out, {framed}) {
    writer_.line_buffered(line_buffered);
  }

  void begin() override {
    writer_.header("violations", 1, [&](core::JsonWriter& json) {
      json.field("tool", io_.tool).field("tool_version", io_.version);
    });
  }
  void violation(const sbus::Violation& v) override {
    core::JsonWriter& json = writer_.begin();
    json.field("type", v.kind == sbus::ViolationKind::kWw ? "ww" : "xs");
    json.field("agent", v.agent).field("key", v.key);
    if (v.kind == sbus::ViolationKind::kXs) json.field("stale_key", v.stale_key);
    json.field("read_version", v.read_version).field("current_version", v.current_version);
    json.field("certainty", v.definite ? "definite" : "possible");
    if (v.inferred) json.field("inferred", true);
    json.field("line", v.line);
    if (files_.size() > 1) json.field("file", files_[v.file]);
    json.key("witness").begin_array();
    for (const sbus::WitnessRecord* record : {&v.read, &v.overwrite, &v.commit}) {
      witness(json, *record);
    }
    json.end_array();
    writer_.end();
  }
  void summary(const sbus::AuditSummary& s, const SummaryExtras& extras) override {
    core::JsonWriter& json = writer_.begin();
    json.field("type", "summary");
    for (const auto& [name, value] : summary_fields(s, extras)) json.field(name, value);
    writer_.end();
  }
  void end() override { writer_.trailer(); }

 private:
  void witness(core::JsonWriter& json, const sbus::WitnessRecord& record) {
    json.begin_object().key("line");
    if (record.line) {
      json.value(*record.line);
      if (files_.size() > 1) json.field("file", files_[record.file]);
    } else {
      json.null();
    }
    json.field("op", sbus::op_name(record.op)).key("agent");
    if (record.agent) {
      json.value(*record.agent);
    } else {
      json.null();
    }
    json.field("key", record.key).field("version", record.version).end_object();
  }

  const core::Io& io_;
  const std::vector<std::string>& files_;
  core::JsonlWriter writer_;
};

class TextReport final : public AuditReport {
 public:
  TextReport(core::Output& out, const std::vector<std::string>& files) : out_(out), files_(files) {}

  void violation(const sbus::Violation& v) override {
    const bool ww = v.kind == sbus::ViolationKind::kWw;
    std::string title = ww ? "lost update: " : "stale read: ";
    title += who(v.agent) + " committed " + core::quoted(v.key);
    title += " after reading " + (ww ? std::string("it") : core::quoted(v.stale_key));
    title += " at version " + std::to_string(v.read_version) + ", which had become " +
             std::to_string(v.current_version);
    if (!v.definite) title += " (possibly: the order is not known)";
    if (v.inferred) title += " (versions inferred)";
    out_.write(title + "\n");
    core::Table table({"", "where", "op", "agent", "key", "version"});
    table.add(row("read", v.read));
    table.add(row("overwritten", v.overwrite));
    table.add(row("committed", v.commit));
    table.print(out_);
    out_.write("\n");
  }
  void summary(const sbus::AuditSummary& s, const SummaryExtras& extras) override {
    core::Table table({"figure", "count"});
    for (const auto& [name, value] : summary_fields(s, extras)) {
      table.add({name, core::format_grouped(value)});
    }
    table.print(out_);
  }

 private:
  static std::string who(std::string_view agent) {
    return agent.empty() ? "an anonymous agent" : core::quoted(agent);
  }
  [[nodiscard]] std::vector<std::string> row(const char* what, const sbus::WitnessRecord& r) const {
    std::string where = "not in reach";
    if (r.line) {
      where = files_.size() > 1 ? files_[r.file] + ":" : "line ";
      where += std::to_string(*r.line);
    }
    return {what,
            where,
            std::string(sbus::op_name(r.op)),
            r.agent ? who(*r.agent) : "unknown",
            core::quoted(r.key),
            std::to_string(r.version)};
  }

  core::Output& out_;
  const std::vector<std::string>& files_;
};

}  // namespace

std::vector<std::pair<std::string, std::uint64_t>> summary_fields(const sbus::AuditSummary& s,
                                                                  const SummaryExtras& extras) {
  std::vector<std::pair<std::string, std::uint64_t>> fields{{"ops", s.ops},
                                                            {"agents", s.agents},
                                                            {"shards", s.shards},
                                                            {"commits", s.commits},
                                                            {"rejected", s.rejected},
                                                            {"ww", s.ww},
                                                            {"xs_commits", s.xs_commits},
                                                            {"xs_pairs", s.xs_pairs},
                                                            {"dup_versions", s.dup_versions},
                                                            {"version_gaps", s.version_gaps},
                                                            {"stale_get", s.stale_get},
                                                            {"spurious_409", s.spurious_409},
                                                            {"view_checked", s.view_checked},
                                                            {"view_divergent", s.view_divergent}};
  if (extras.possible) fields.emplace_back("possible", *extras.possible);
  if (extras.skipped) fields.emplace_back("skipped", *extras.skipped);
  if (extras.blind_writes) fields.emplace_back("blind_writes", *extras.blind_writes);
  if (extras.unmatched) fields.emplace_back("unmatched", *extras.unmatched);
  return fields;
}

std::unique_ptr<AuditReport> json_report(const core::Io& io, core::Output& out,
                                         const std::vector<std::string>& files, bool framed,
                                         bool line_buffered) {
  return std::make_unique<JsonReport>(io, out, files, framed, line_buffered);
}

std::unique_ptr<AuditReport> text_report(core::Output& out, const std::vector<std::string>& files) {
  return std::make_unique<TextReport>(out, files);
}

}  // namespace stateutils::sbus_check
