#include "bench/report/report.hpp"

#include <algorithm>
#include <set>

namespace stateutils::bench {
namespace {

std::string cell(const std::string& html) {
  return "<td>" + html + "</td>";
}

std::string header(const std::string& text) {
  return "<th scope=\"col\">" + html_text(text) + "</th>";
}

std::string words(std::string name) {
  std::replace(name.begin(), name.end(), '_', ' ');
  return name;
}

std::string ability_table(const Report& report) {
  std::string out = "<section><h2>Strict success, percent</h2><table><tr>" + header("agent");
  for (const std::string& group : report.groups()) out += header(words(group));
  out += "</tr>";
  for (const std::string& agent : report.agents()) {
    out += "<tr>" + cell(html_text(agent));
    for (const std::string& group : report.groups()) {
      const ScoreLine* line = report.find(agent, group);
      out += line == nullptr ? cell("-")
                             : cell(percent(line->strict) + "<br><small>" + percent(line->lo) +
                                    " to " + percent(line->hi) + "</small>");
    }
    out += "</tr>";
  }
  return out + "</table></section>\n";
}

std::string measure_table(const Report& report) {
  std::set<std::int64_t> ks;
  for (const ScoreLine& line : report.lines()) {
    for (const auto& [k, v] : line.pass_at) ks.insert(k);
  }
  std::string out = "<section><h2>All measures, percent</h2><table><tr>";
  for (const char* name : {"agent", "tasks", "trials", "errors", "progress", "partial", "plain",
                           "efficiency", "closure", "inspected"}) {
    out += header(name);
  }
  for (const std::int64_t k : ks) {
    out += header("pass@" + std::to_string(k)) + header("pass^" + std::to_string(k));
  }
  out += "</tr>";
  for (const std::string& agent : report.agents()) {
    const ScoreLine* line = report.find(agent, "all");
    if (line == nullptr) continue;
    out += "<tr>" + cell(html_text(agent)) + cell(std::to_string(line->tasks)) +
           cell(std::to_string(line->trials)) + cell(std::to_string(line->errors));
    for (const double v : {line->progress, line->partial, line->partial_plain, line->efficiency}) {
      out += cell(percent(v));
    }
    out += cell(line->has_closure ? percent(line->closure) : "-") + cell(percent(line->inspected));
    for (const std::int64_t k : ks) {
      for (const auto* curve : {&line->pass_at, &line->pass_hat}) {
        const auto found = std::find_if(curve->begin(), curve->end(),
                                        [&](const auto& entry) { return entry.first == k; });
        out += cell(found == curve->end() ? "-" : percent(found->second));
      }
    }
    out += "</tr>";
  }
  const std::string rule = report.lines().empty() ? "exclude" : report.lines()[0].errors_rule;
  return out +
         "</table><p class=\"note\">pass@k = 1 - C(n-c,k)/C(n,k) and pass^k = C(c,k)/C(n,k), per "
         "task, then averaged over the tasks with at least k trials. Trials that ended in an "
         "infrastructure error: " +
         (rule == "fail" ? "counted as failures" : "left out") + ".</p></section>\n";
}

std::string failure_table(const Report& report) {
  const std::vector<std::string> modes = report.failure_modes();
  if (modes.empty()) return "";
  std::string out = "<section><h2>How trials failed</h2><table><tr>" + header("agent");
  for (const std::string& mode : modes) out += header(mode);
  out += "</tr>";
  for (const std::string& agent : report.agents()) {
    const ScoreLine* line = report.find(agent, "all");
    if (line == nullptr) continue;
    out += "<tr>" + cell(html_text(agent));
    for (const std::string& mode : modes) {
      const auto found = line->failures.find(mode);
      out += cell(found == line->failures.end() ? "0" : std::to_string(found->second));
    }
    out += "</tr>";
  }
  return out + "</table></section>\n";
}

std::string published_table() {
  std::string out =
      "<section><h2>Published figures</h2><table><tr><th scope=\"col\">what</th>"
      "<th scope=\"col\">figure</th></tr>";
  for (const PublishedFigure& f : published_figures()) {
    out += "<tr><td class=\"text\">" + html_text(f.what) + "</td>" + cell(html_text(f.value)) +
           "</tr>";
  }
  return out +
         "</table><p class=\"note\">Figures of models are context, not targets.</p></section>";
}

template <class Draw>
std::string chart(const Report& report, Extent extent, const char* label, Draw draw) {
  SvgCanvas canvas(extent.width, extent.height, label, true);
  draw(canvas, report, 0, 0);
  return "<section>" + canvas.svg() + "</section>\n";
}

}  // namespace

Report::Report(std::vector<ScoreLine> lines) : lines_(std::move(lines)) {
  const auto note = [](std::vector<std::string>& list, const std::string& name) {
    if (std::find(list.begin(), list.end(), name) == list.end()) list.push_back(name);
  };
  for (std::size_t i = 0; i < lines_.size(); ++i) {
    note(agents_, lines_[i].agent);
    note(groups_, lines_[i].group);
    places_[{lines_[i].agent, lines_[i].group}] = i;
  }
  std::stable_partition(groups_.begin(), groups_.end(),
                        [](const std::string& group) { return group == "all"; });
}

const ScoreLine* Report::find(const std::string& agent, const std::string& group) const {
  const auto found = places_.find({agent, group});
  return found == places_.end() ? nullptr : &lines_[found->second];
}

std::vector<std::string> Report::failure_modes() const {
  std::set<std::string> modes;
  for (const ScoreLine& line : lines_) {
    for (const auto& [mode, n] : line.failures) modes.insert(mode);
  }
  return {modes.begin(), modes.end()};
}

const std::vector<PublishedFigure>& published_figures() {
  static const std::vector<PublishedFigure> figures = {
      {"ClawForge: best strict success of a model", "45.3 %"},
      {"ClawForge: wrong-state replacement, each of seven models", "< 17 %"},
      {"ClawForge: spread of inspection before the first write", "17 to 90 %"},
      {"ClawForge: partial credit of an agent that does nothing", "0.485"},
      {"tau2-bench airline: tasks that pass by doing nothing", "23 of 50"},
      {"AutoWebWorld: verified trajectories, from 29 worlds", "11,663"},
      {"StateEval: cases", "120"},
      {"Opaque Knapsack: episodes with missing names when training and runtime differ",
       "about 80 %"},
      {"Tool routing: decision calls, router against one call per step", "9 against 123"},
      {"CAAF: paradoxes detected, with a deterministic checker and without", "100 % and 0 %"},
      {"CaveAgent: fewer tokens with handles", "28.4 % and 59 %"},
  };
  return figures;
}

std::string report_html(const Report& report) {
  std::uint64_t trials = 0;
  for (const std::string& agent : report.agents()) {
    if (const ScoreLine* line = report.find(agent, "all")) trials += line->trials;
  }
  const std::string ci = report.lines().empty() ? "wilson" : report.lines()[0].ci_method;
  std::string out = core::page_head("gen-bench report");
  out += "<h1>gen-bench report</h1><p class=\"note\">" + std::to_string(report.agents().size()) +
         (report.agents().size() == 1 ? " agent, " : " agents, ") + std::to_string(trials) +
         " trials; intervals of 95 % by " +
         html_text(ci == "cp"          ? "Clopper and Pearson"
                   : ci == "bootstrap" ? "bootstrap over scenarios"
                                       : "Wilson") +
         "</p>\n";
  out += ability_table(report);
  out += chart(report, scatter_extent(report), "Strict against partial success", draw_scatter);
  out += chart(report, ability_extent(report), "Strict success by ability", draw_abilities);
  out += chart(report, near_miss_extent(report), "Near misses", draw_near_misses);
  out += measure_table(report) + failure_table(report) + published_table();
  out += core::kPageEnd;
  return out;
}

}  // namespace stateutils::bench
