#include "timeline.hpp"

#include <utility>

#include "core/svg.hpp"

namespace stateutils::sbus_check {
namespace {

using core::Anchor;
using core::Color;

constexpr double kWidth = 920, kHeight = 172, kTitle = 44, kLane = 55, kLanes = 74;
constexpr double kRead = 260, kOverwrite = 520, kCommit = 780;
constexpr Color kLost{178, 24, 43};

std::string name_of(const std::optional<std::string_view>& agent) {
  if (!agent) return "unknown";
  return agent->empty() ? "anonymous" : core::shortened(*agent, 18);
}

class Timeline {
 public:
  Timeline(core::SvgCanvas& canvas, const std::vector<std::string>& files, double top)
      : canvas_(canvas), files_(files), top_(top) {}

  void draw(const sbus::Violation& v) {
    const bool own = v.overwrite.agent && v.overwrite.agent == v.commit.agent;
    const double mine = top_ + kLane, other = own ? mine : mine + kLanes;
    lane(mine, name_of(v.commit.agent));
    if (!own) lane(other, name_of(v.overwrite.agent));
    const std::pair<double, double> unseen[] = {
        {kRead, mine}, {kOverwrite, other}, {kCommit, mine}};
    canvas_.path(unseen, kLost, 1.5, 5);
    const char* learnt = v.read.op == sbus::Op::kCommit ? "wrote" : "read";
    mark(kRead, mine, true, learnt, v.read, core::series_color(0));
    mark(kOverwrite, other, own, "overwrote", v.overwrite, kLost);
    mark(kCommit, mine, true, "committed", v.commit, core::series_color(3));
  }

 private:
  void lane(double y, const std::string& name) {
    canvas_.line(150, y, kWidth - 20, y, core::kGrid, 2);
    canvas_.text(14, y + 4, name, {13, core::kInk, Anchor::kStart, true});
  }
  // What was done stands above its dot or, where lines come from above, below it; then the place.
  void mark(double x, double y, bool above, const char* did, const sbus::WitnessRecord& r,
            Color color) {
    const std::string what =
        did + (' ' + core::shortened(r.key, 18)) + " v" + std::to_string(r.version);
    canvas_.dot(x, y, 7, color, what);
    canvas_.text(x, above ? y - 14 : y + 22, what, {13, core::kInk, Anchor::kMiddle});
    canvas_.text(x, above ? y + 22 : y + 38, place(r), {12, core::kMuted, Anchor::kMiddle});
  }
  [[nodiscard]] std::string place(const sbus::WitnessRecord& r) const {
    if (!r.line) return "not in reach";
    const std::string line = std::to_string(*r.line);
    return files_.size() > 1 ? core::shortened(files_[r.file], 24) + ":" + line : "line " + line;
  }

  core::SvgCanvas& canvas_;
  const std::vector<std::string>& files_;
  double top_;
};

}  // namespace

std::string violation_title(const sbus::Violation& v) {
  const bool lost = v.kind == sbus::ViolationKind::kWw;
  std::string title = lost ? "Lost update of " : "Stale read of ";
  title += std::string(lost ? v.key : v.stale_key) + ": ";
  title += v.agent.empty() ? "an anonymous agent" : v.agent;
  title += " committed " + std::string(v.key) + " after reading version " +
           std::to_string(v.read_version) + ", which had become " +
           std::to_string(v.current_version);
  if (!v.definite) title += " (possibly)";
  if (v.inferred) title += " (versions inferred)";
  return title;
}

std::string timeline_svg(const sbus::Violation& v, const std::vector<std::string>& files,
                         bool inside) {
  const double top = inside ? 0 : kTitle;
  const std::string title = violation_title(v);
  core::SvgCanvas canvas(kWidth, top + kHeight, title, inside);
  if (!inside) {
    canvas.rect(0, 0, kWidth, top + kHeight, {255, 255, 255});
    canvas.text(14, 30, core::shortened(title, 110), {15, core::kInk, Anchor::kStart, true});
  }
  Timeline(canvas, files, top).draw(v);
  return canvas.svg();
}

}  // namespace stateutils::sbus_check
