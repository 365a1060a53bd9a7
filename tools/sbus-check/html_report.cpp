// --html: one self-contained page, the summary and a timeline per violation.
#include "audit_report.hpp"
#include "core/html.hpp"
#include "timeline.hpp"

namespace stateutils::sbus_check {
namespace {

// More would make a page that nobody reads and browsers cannot show.
constexpr std::uint64_t kMostTimelines = 200;

class HtmlReport final : public AuditReport {
 public:
  HtmlReport(core::Output& out, const std::vector<std::string>& files) : out_(out), files_(files) {}

  void violation(const sbus::Violation& v) override {
    if (++violations_ > kMostTimelines) return;
    timelines_ += "<section><h2>" + core::html_text(violation_title(v)) + "</h2>\n" +
                  timeline_svg(v, files_, true) + "</section>\n";
  }

  void summary(const sbus::AuditSummary& s, const SummaryExtras& extras) override {
    table_ = "<section><h2>Summary</h2>\n<table>\n";
    for (const auto& [name, value] : summary_fields(s, extras)) {
      table_ += "<tr><td>" + name + "</td><td>" + std::to_string(value) + "</td></tr>\n";
    }
    table_ += "</table></section>\n";
  }

  void end() override {
    std::string shown = std::to_string(violations_) + " violations";
    if (violations_ > kMostTimelines) {
      shown += ", the first " + std::to_string(kMostTimelines) + " with their timelines";
    }
    out_.write(core::page_head("sbus-check audit") +
               "<h1>sbus-check audit</h1>\n<p class=\"note\">" + shown + "</p>\n" + table_ +
               timelines_ + "</main></body></html>\n");
  }

 private:
  core::Output& out_;
  const std::vector<std::string>& files_;
  std::uint64_t violations_ = 0;
  std::string table_, timelines_;
};

}  // namespace

std::unique_ptr<AuditReport> html_report(core::Output& out, const std::vector<std::string>& files) {
  return std::make_unique<HtmlReport>(out, files);
}

}  // namespace stateutils::sbus_check
