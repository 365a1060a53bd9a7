// The core's drawing calls on a second surface: a PNG image.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/html.hpp"
#include "core/svg.hpp"

namespace stateutils::bench {

using core::Anchor;
using core::Canvas;
using core::Color;
using core::html_text;
using core::plain_text;
using core::SvgCanvas;
using core::TextStyle;

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

}  // namespace stateutils::bench
