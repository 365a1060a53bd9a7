// --html: one self-contained page, a timeline of read, overwrite and commit per violation.
#include "audit_report.hpp"
#include "core/html.hpp"

namespace stateutils::sbus_check {
namespace {

constexpr const char* kHead = R"(<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>sbus-check audit</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
body{font:15px/1.45 system-ui,sans-serif;max-width:62rem;margin:2rem auto;padding:0 1rem;color:#1c1c1c;background:#fff}
h2{font-size:1rem;margin:2rem 0 .3rem}svg{width:100%;height:auto;background:#f7f7f5;border-radius:6px}
text{font:13px system-ui,sans-serif;fill:#1c1c1c}.lane{stroke:#bbb}.read{fill:#2166ac}.over{fill:#b2182b}
.commit{fill:#762a83}.stale{stroke:#b2182b;stroke-dasharray:5 4;fill:none}td,th{padding:.1rem .8rem .1rem 0;text-align:left}
td+td{text-align:right;font-variant-numeric:tabular-nums}
</style></head><body><h1>sbus-check audit</h1>
)";

std::string escaped(std::string_view text) {
  std::string out;
  for (const char& c : text) {
    const auto byte = static_cast<unsigned char>(c);
    // Control characters may not stand in a page; their pictures (U+2400 on) may.
    if (byte < 0x20 || byte == 0x7f) {
      out += "&#" + std::to_string(0x2400 + (byte == 0x7f ? 0x21 : byte)) + ";";
    } else {
      core::append_html(out, {&c, 1});
    }
  }
  return out;
}

class HtmlReport final : public AuditReport {
 public:
  HtmlReport(core::Output& out, const std::vector<std::string>& files) : out_(out), files_(files) {}

  void begin() override { out_.write(std::string_view(kHead)); }

  void violation(const sbus::Violation& v) override {
    const bool ww = v.kind == sbus::ViolationKind::kWw;
    std::string title = ww ? "Lost update of " : "Stale read of ";
    title += "<b>" + escaped(ww ? v.key : v.stale_key) + "</b>: " + who(v.agent);
    title += " committed <b>" + escaped(v.key) + "</b> after reading version " +
             std::to_string(v.read_version) + ", which had become " +
             std::to_string(v.current_version);
    if (!v.definite) title += " (possibly)";
    if (v.inferred) title += " (versions inferred)";
    out_.write("<h2>" + title + "</h2>\n" + timeline(v));
  }

  void summary(const sbus::AuditSummary& s, const SummaryExtras& extras) override {
    out_.write(std::string_view("<h2>Summary</h2>\n<table>\n"));
    for (const auto& [name, value] : summary_fields(s, extras)) {
      out_.write("<tr><td>" + name + "</td><td>" + std::to_string(value) + "</td></tr>\n");
    }
    out_.write(std::string_view("</table>\n"));
  }
  void end() override { out_.write(std::string_view("</body></html>\n")); }

 private:
  static std::string who(std::string_view agent) {
    return agent.empty() ? "an anonymous agent" : "<b>" + escaped(agent) + "</b>";
  }
  [[nodiscard]] std::string place(const sbus::WitnessRecord& r) const {
    if (!r.line) return "not in reach";
    const std::string line = std::to_string(*r.line);
    return files_.size() > 1 ? escaped(files_[r.file]) + ":" + line : "line " + line;
  }
  // One mark with what was done above it and where below.
  [[nodiscard]] std::string mark(const char* style, int x, int y, const char* did,
                                 const sbus::WitnessRecord& r) const {
    const std::string at = " x=\"" + std::to_string(x) + "\" text-anchor=\"middle\"";
    return "<circle class=\"" + std::string(style) + "\" cx=\"" + std::to_string(x) + "\" cy=\"" +
           std::to_string(y) + "\" r=\"7\"/><text" + at + " y=\"" + std::to_string(y - 14) + "\">" +
           did + " " + escaped(r.key) + " v" + std::to_string(r.version) + "</text><text" + at +
           " y=\"" + std::to_string(y + 24) + "\">" + place(r) + "</text>\n";
  }
  [[nodiscard]] std::string timeline(const sbus::Violation& v) const {
    constexpr int kOwn = 55, kOther = 135, kRead = 260, kOver = 520, kCommit = 780;
    const bool own = v.overwrite.agent && v.overwrite.agent == v.commit.agent;
    const int over = own ? kOwn : kOther;
    std::string svg = "<svg viewBox=\"0 0 920 180\" role=\"img\">\n";
    const auto lane = [&](int y, const std::string& name) {
      svg += "<line class=\"lane\" x1=\"150\" x2=\"900\" y1=\"" + std::to_string(y) + "\" y2=\"" +
             std::to_string(y) + "\"/><text x=\"12\" y=\"" + std::to_string(y + 5) + "\">" + name +
             "</text>\n";
    };
    const auto name = [](const std::optional<std::string_view>& agent) {
      if (!agent) return std::string("unknown");
      return agent->empty() ? std::string("anonymous") : escaped(*agent);
    };
    lane(kOwn, name(v.commit.agent));
    if (!own) lane(kOther, name(v.overwrite.agent));
    svg += "<path class=\"stale\" d=\"M" + std::to_string(kRead) + " " + std::to_string(kOwn) +
           " L" + std::to_string(kOver) + " " + std::to_string(over) + " L" +
           std::to_string(kCommit) + " " + std::to_string(kOwn) + "\"/>\n";
    svg += mark("read", kRead, kOwn, v.read.op == sbus::Op::kCommit ? "wrote" : "read", v.read);
    svg += mark("over", kOver, over, "overwrote", v.overwrite);
    svg += mark("commit", kCommit, kOwn, "committed", v.commit);
    return svg + "</svg>\n";
  }

  core::Output& out_;
  const std::vector<std::string>& files_;
};

}  // namespace

std::unique_ptr<AuditReport> html_report(core::Output& out, const std::vector<std::string>& files) {
  return std::make_unique<HtmlReport>(out, files);
}

}  // namespace stateutils::sbus_check
