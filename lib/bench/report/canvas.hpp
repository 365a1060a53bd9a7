// One set of drawing calls, two surfaces: SVG text and a PNG image.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace stateutils::bench {

struct Color {
  std::uint8_t r = 0, g = 0, b = 0;
  [[nodiscard]] std::string hex() const;  // #rrggbb
};

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
  [[nodiscard]] std::string svg() const { return out_ + "</svg>\n"; }

 private:
  std::string out_;
};

// Twice as many pixels as px, so that text stays crisp; shapes have smooth edges.
class RasterCanvas : public Canvas {
 public:
  RasterCanvas(double width, double height);
  void rect(double x, double y, double w, double h, Color fill) override;
  void line(double x1, double y1, double x2, double y2, Color color, double width) override;
  void dot(double x, double y, double radius, Color fill, std::string_view tip) override;
  void text(double x, double y, std::string_view text, const TextStyle& style) override;
  [[nodiscard]] std::string png() const;

 private:
  void blend(int x, int y, Color color, double cover);
  int width_, height_;
  std::vector<std::uint8_t> pixels_;  // RGB
};

// An RGB image as PNG with stored (uncompressed) deflate blocks.
[[nodiscard]] std::string write_png(int width, int height, const std::vector<std::uint8_t>& rgb);

// Text from a record made safe for people: terminal escapes and other control characters go.
[[nodiscard]] std::string plain_text(std::string_view text);
// plain_text with & < > " ' escaped for HTML and SVG.
[[nodiscard]] std::string html_text(std::string_view text);

}  // namespace stateutils::bench
