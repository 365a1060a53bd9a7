#include "bench/report/canvas.hpp"

#include "core/html.hpp"
#include "core/units.hpp"
#include "core/utf8.hpp"

namespace stateutils::bench {
namespace {

// At most two decimals and no more than needed.
std::string number(double v) {
  std::string text = core::format_fixed(v, 2);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  return text;
}

std::string attribute(const char* name, double v) {
  return std::string(" ") + name + "=\"" + number(v) + "\"";
}

}  // namespace

std::string Color::hex() const {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out = "#";
  for (const std::uint8_t part : {r, g, b}) {
    out.push_back(kDigits[part >> 4]);
    out.push_back(kDigits[part & 15]);
  }
  return out;
}

std::string plain_text(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c == 0x1B && i + 1 < text.size() && text[i + 1] == '[') {  // CSI: up to its final byte
      i += 2;
      while (i < text.size() && !(text[i] >= 0x40 && text[i] <= 0x7E)) ++i;
    } else if (c == 0x1B && i + 1 < text.size() && text[i + 1] == ']') {  // OSC: up to BEL or ESC
      while (i + 1 < text.size() && text[i + 1] != '\a' && text[i + 1] != '\x1B') ++i;
    } else if (c == 0xC2 && i + 1 < text.size() &&
               static_cast<unsigned char>(text[i + 1]) < 0xA0) {  // C1 controls in UTF-8
      ++i;
    } else if (c == '\n' || c == '\t') {
      out.push_back(' ');
    } else if (c >= 0x20 && c != 0x7F) {
      out.push_back(text[i]);
    }
  }
  return core::is_valid_utf8(out) ? out : std::string("?");
}

std::string html_text(std::string_view text) {
  std::string out;
  core::append_html(out, plain_text(text));
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

}  // namespace stateutils::bench
