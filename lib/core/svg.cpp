#include "core/svg.hpp"

#include <array>

#include "core/html.hpp"
#include "core/units.hpp"
#include "core/utf8.hpp"

namespace stateutils::core {
namespace {

constexpr std::array<Color, 8> kPalette = {{{0, 114, 178},
                                            {230, 159, 0},
                                            {0, 158, 115},
                                            {204, 121, 167},
                                            {213, 94, 0},
                                            {86, 180, 233},
                                            {140, 120, 20},
                                            {110, 110, 110}}};

// At most two decimals and no more than needed.
std::string number(double v) {
  std::string text = format_fixed(v, 2);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  return text;
}

std::string attribute(const char* name, double v) {
  return std::string(" ") + name + "=\"" + number(v) + "\"";
}

}  // namespace

Color series_color(std::size_t index) {
  return kPalette[index % kPalette.size()];
}

std::string Color::hex() const {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out = "#";
  for (const std::uint8_t part : {r, g, b}) {
    out.push_back(kDigits[part >> 4]);
    out.push_back(kDigits[part & 15]);
  }
  return out;
}

SvgCanvas::SvgCanvas(double width, double height, std::string_view label, bool inside) {
  out_ = std::string("<svg") + (inside ? "" : " xmlns=\"http://www.w3.org/2000/svg\"") +
         " role=\"img\" aria-label=\"" + html_text(label) + "\" viewBox=\"0 0 " + number(width) +
         " " + number(height) + "\"" + attribute("width", width) + attribute("height", height) +
         " font-family=\"system-ui,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif\">\n";
}

void SvgCanvas::rect(double x, double y, double w, double h, Color fill) {
  out_ += "<rect" + attribute("x", x) + attribute("y", y) + attribute("width", w) +
          attribute("height", h) + " fill=\"" + fill.hex() + "\"/>\n";
}

void SvgCanvas::line(double x1, double y1, double x2, double y2, Color color, double width) {
  out_ += "<line" + attribute("x1", x1) + attribute("y1", y1) + attribute("x2", x2) +
          attribute("y2", y2) + " stroke=\"" + color.hex() + "\"" +
          attribute("stroke-width", width) + "/>\n";
}

void SvgCanvas::dot(double x, double y, double radius, Color fill, std::string_view tip) {
  out_ += "<circle" + attribute("cx", x) + attribute("cy", y) + attribute("r", radius) +
          " fill=\"" + fill.hex() + "\" stroke=\"#ffffff\" stroke-width=\"1.5\"><title>" +
          html_text(tip) + "</title></circle>\n";
}

void SvgCanvas::text(double x, double y, std::string_view text, const TextStyle& style) {
  static constexpr const char* kAnchors[] = {"start", "middle", "end"};
  out_ += "<text" + attribute("x", x) + attribute("y", y) + attribute("font-size", style.size) +
          " fill=\"" + style.color.hex() + "\" text-anchor=\"" +
          kAnchors[static_cast<std::size_t>(style.anchor)] + "\"" +
          (style.bold ? " font-weight=\"600\"" : "") + ">" + html_text(text) + "</text>\n";
}

void SvgCanvas::ring(double x, double y, double radius, Color color, double width,
                     std::string_view tip) {
  out_ += "<circle" + attribute("cx", x) + attribute("cy", y) + attribute("r", radius) +
          " fill=\"none\" pointer-events=\"all\" stroke=\"" + color.hex() + "\"" +
          attribute("stroke-width", width) + "><title>" + html_text(tip) + "</title></circle>\n";
}

void SvgCanvas::path(std::span<const std::pair<double, double>> points, Color color, double width,
                     double dash) {
  if (points.empty()) return;
  out_ += "<polyline points=\"";
  for (const auto& [x, y] : points) out_ += number(x) + "," + number(y) + " ";
  out_.back() = '"';
  out_ += " fill=\"none\" stroke-linejoin=\"round\" stroke=\"" + color.hex() + "\"" +
          attribute("stroke-width", width);
  if (dash > 0) out_ += " stroke-dasharray=\"" + number(dash) + " " + number(dash) + "\"";
  out_ += "/>\n";
}

std::string shortened(std::string_view name, std::size_t most) {
  const std::string text = plain_text(name);
  if (count_code_points(text) <= most) return text;
  std::string out;
  std::size_t points = 0;
  for (const char c : text) {
    points += (static_cast<unsigned char>(c) & 0xC0) != 0x80;
    if (points > most - 2) break;
    out.push_back(c);
  }
  return out + "..";
}

}  // namespace stateutils::core
