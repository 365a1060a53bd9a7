// One set of drawing calls; a surface that writes SVG.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace stateutils::core {

struct Color {
  std::uint8_t r = 0, g = 0, b = 0;
  [[nodiscard]] std::string hex() const;  // #rrggbb
};

// Of texts and frames of charts and pages.
inline constexpr Color kInk{31, 41, 55}, kMuted{107, 114, 128}, kGrid{229, 231, 235};
// Okabe and Ito's colours, told apart by colour-blind readers too; from the first again after 8.
[[nodiscard]] Color series_color(std::size_t index);

enum class Anchor { kStart, kMiddle, kEnd };

struct TextStyle {
  double size = 12;  // px
  Color color{};
  Anchor anchor = Anchor::kStart;
  bool bold = false;
};

// Coordinates are px from the top left; y of a text is its baseline.
class Canvas {
 public:
  virtual ~Canvas() = default;
  virtual void rect(double x, double y, double w, double h, Color fill) = 0;
  virtual void line(double x1, double y1, double x2, double y2, Color color, double width) = 0;
  // `tip` is shown where the surface can show one.
  virtual void dot(double x, double y, double radius, Color fill, std::string_view tip) = 0;
  virtual void text(double x, double y, std::string_view text, const TextStyle& style) = 0;
};

class SvgCanvas : public Canvas {
 public:
  // `inside`: part of an HTML page, which needs no namespace.
  SvgCanvas(double width, double height, std::string_view label, bool inside = false);
  void rect(double x, double y, double w, double h, Color fill) override;
  void line(double x1, double y1, double x2, double y2, Color color, double width) override;
  void dot(double x, double y, double radius, Color fill, std::string_view tip) override;
  void text(double x, double y, std::string_view text, const TextStyle& style) override;
  void ring(double x, double y, double radius, Color color, double width, std::string_view tip);
  // A line through the points; `dash` is px drawn and left out in turn, 0 draws all.
  void path(std::span<const std::pair<double, double>> points, Color color, double width,
            double dash);
  [[nodiscard]] std::string svg() const { return out_ + "</svg>\n"; }

 private:
  std::string out_;
};

// At most `most` code points of plain text, ".." at the end of what was cut.
[[nodiscard]] std::string shortened(std::string_view text, std::size_t most);

}  // namespace stateutils::core
