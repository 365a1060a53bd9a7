#include <algorithm>
#include <array>
#include <cmath>

#include "bench/report/canvas.hpp"
#include "bench/report/font.hpp"

namespace stateutils::bench {
namespace {

constexpr int kScale = 2;

// CRC-32 of ISO 3309, as PNG chunks carry it.
std::uint32_t crc32(std::string_view data) {
  static const auto table = [] {
    std::array<std::uint32_t, 256> t{};
    for (std::uint32_t n = 0; n < 256; ++n) {
      std::uint32_t c = n;
      for (int k = 0; k < 8; ++k) c = (c & 1) != 0 ? 0xEDB88320u ^ (c >> 1) : c >> 1;
      t[n] = c;
    }
    return t;
  }();
  std::uint32_t c = 0xFFFFFFFFu;
  for (const char byte : data) c = table[(c ^ static_cast<unsigned char>(byte)) & 255] ^ (c >> 8);
  return ~c;
}

void append_big_u32(std::string& out, std::uint32_t v) {
  for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<char>(v >> shift));
}

void append_chunk(std::string& out, std::string_view type, std::string_view data) {
  append_big_u32(out, static_cast<std::uint32_t>(data.size()));
  const std::string body = std::string(type) + std::string(data);
  out += body;
  append_big_u32(out, crc32(body));
}

// zlib stream (RFC 1950) of stored blocks (RFC 1951, 3.2.4).
std::string stored_zlib(std::string_view data) {
  std::string out("\x78\x01", 2);
  std::uint32_t a = 1, b = 0;  // Adler-32
  for (const char byte : data) {
    a = (a + static_cast<unsigned char>(byte)) % 65521;
    b = (b + a) % 65521;
  }
  for (std::size_t at = 0; at == 0 || at < data.size(); at += 65535) {
    const std::size_t size = std::min<std::size_t>(65535, data.size() - at);
    out.push_back(at + size >= data.size() ? 1 : 0);
    const auto n = static_cast<std::uint16_t>(size);
    const auto inverse = static_cast<std::uint16_t>(~n);
    for (const std::uint16_t v : {n, inverse}) {
      out.push_back(static_cast<char>(v & 255));
      out.push_back(static_cast<char>(v >> 8));
    }
    out += data.substr(at, size);
  }
  append_big_u32(out, (b << 16) | a);
  return out;
}

}  // namespace

std::string write_png(int width, int height, const std::vector<std::uint8_t>& rgb) {
  std::string lines;
  const std::size_t stride = static_cast<std::size_t>(width) * 3;
  for (std::size_t y = 0; y < static_cast<std::size_t>(height); ++y) {
    lines.push_back(0);  // no filter
    lines.append(reinterpret_cast<const char*>(rgb.data()) + y * stride, stride);
  }
  std::string head;
  append_big_u32(head, static_cast<std::uint32_t>(width));
  append_big_u32(head, static_cast<std::uint32_t>(height));
  head += std::string("\x08\x02\x00\x00\x00", 5);  // 8 bits, RGB, deflate, no interlacing
  std::string out("\x89PNG\r\n\x1A\n", 8);
  append_chunk(out, "IHDR", head);
  append_chunk(out, "IDAT", stored_zlib(lines));
  append_chunk(out, "IEND", "");
  return out;
}

RasterCanvas::RasterCanvas(double width, double height)
    : width_(static_cast<int>(std::ceil(width)) * kScale),
      height_(static_cast<int>(std::ceil(height)) * kScale),
      pixels_(static_cast<std::size_t>(width_) * static_cast<std::size_t>(height_) * 3, 255) {}

std::string RasterCanvas::png() const {
  return write_png(width_, height_, pixels_);
}

void RasterCanvas::blend(int x, int y, Color color, double cover) {
  if (x < 0 || y < 0 || x >= width_ || y >= height_ || cover <= 0) return;
  const std::size_t at = 3 * (static_cast<std::size_t>(y) * static_cast<std::size_t>(width_) +
                              static_cast<std::size_t>(x));
  const std::uint8_t parts[] = {color.r, color.g, color.b};
  for (std::size_t i = 0; i < 3; ++i) {
    const double mixed = pixels_[at + i] + (parts[i] - pixels_[at + i]) * std::min(cover, 1.0);
    pixels_[at + i] = static_cast<std::uint8_t>(std::lround(mixed));
  }
}

void RasterCanvas::rect(double x, double y, double w, double h, Color fill) {
  const double left = x * kScale, top = y * kScale, right = (x + w) * kScale,
               bottom = (y + h) * kScale;
  const auto overlap = [](double from, double to, int pixel) {
    return std::max(0.0, std::min(to, pixel + 1.0) - std::max(from, static_cast<double>(pixel)));
  };
  for (int py = static_cast<int>(std::floor(top)); py < static_cast<int>(std::ceil(bottom)); ++py) {
    for (int px = static_cast<int>(std::floor(left)); px < static_cast<int>(std::ceil(right));
         ++px) {
      blend(px, py, fill, overlap(left, right, px) * overlap(top, bottom, py));
    }
  }
}

// Covers pixels by their distance from the segment.
void RasterCanvas::line(double x1, double y1, double x2, double y2, Color color, double width) {
  const double ax = x1 * kScale, ay = y1 * kScale, dx = (x2 - x1) * kScale, dy = (y2 - y1) * kScale;
  const double half = width * kScale / 2, length = dx * dx + dy * dy;
  const int left = static_cast<int>(std::floor(std::min(ax, ax + dx) - half)),
            right = static_cast<int>(std::ceil(std::max(ax, ax + dx) + half)),
            top = static_cast<int>(std::floor(std::min(ay, ay + dy) - half)),
            bottom = static_cast<int>(std::ceil(std::max(ay, ay + dy) + half));
  for (int py = top; py < bottom; ++py) {
    for (int px = left; px < right; ++px) {
      const double cx = px + 0.5 - ax, cy = py + 0.5 - ay;
      const double t = length > 0 ? std::clamp((cx * dx + cy * dy) / length, 0.0, 1.0) : 0;
      blend(px, py, color, half + 0.5 - std::hypot(cx - t * dx, cy - t * dy));
    }
  }
}

void RasterCanvas::dot(double x, double y, double radius, Color fill, std::string_view) {
  const double cx = x * kScale, cy = y * kScale, r = radius * kScale;
  for (int py = static_cast<int>(cy - r) - 4; py <= static_cast<int>(cy + r) + 4; ++py) {
    for (int px = static_cast<int>(cx - r) - 4; px <= static_cast<int>(cx + r) + 4; ++px) {
      const double d = std::hypot(px + 0.5 - cx, py + 0.5 - cy);
      blend(px, py, {255, 255, 255}, r + 0.75 * kScale + 0.5 - d);
      blend(px, py, fill, r - 0.75 * kScale + 0.5 - d);
    }
  }
}

void RasterCanvas::text(double x, double y, std::string_view text, const TextStyle& style) {
  const int zoom = std::max(1, static_cast<int>(std::lround(style.size * kScale / 12)));
  const int step = (kGlyphWidth + 1) * zoom;
  std::string shown;
  for (const char c : plain_text(text)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80) shown.push_back(c);
    if ((byte & 0xC0) == 0xC0) shown.push_back('?');  // one mark for a letter beyond ASCII
  }
  const int length = static_cast<int>(shown.size()) * step - zoom;
  int left = static_cast<int>(std::lround(x * kScale));
  if (style.anchor == Anchor::kMiddle) left -= length / 2;
  if (style.anchor == Anchor::kEnd) left -= length;
  const int top = static_cast<int>(std::lround(y * kScale)) - 7 * zoom;
  for (const char c : shown) {
    const auto& columns = kGlyphs[static_cast<std::size_t>(c - 32)];
    for (int pixel = 0; pixel < kGlyphWidth * zoom * kGlyphHeight * zoom; ++pixel) {
      const int px = pixel % (kGlyphWidth * zoom), py = pixel / (kGlyphWidth * zoom);
      const bool on = ((columns[static_cast<std::size_t>(px / zoom)] >> (py / zoom)) & 1) != 0;
      if (on) blend(left + px, top + py, style.color, 1);
      if (on && style.bold) blend(left + px + 1, top + py, style.color, 1);
    }
    left += step;
  }
}

}  // namespace stateutils::bench
