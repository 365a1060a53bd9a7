#include "core/html.hpp"

#include "core/utf8.hpp"

namespace stateutils::core {

void append_html(std::string& out, std::string_view text) {
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
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
  return is_valid_utf8(out) ? out : std::string("?");
}

std::string html_text(std::string_view text) {
  std::string out;
  append_html(out, plain_text(text));
  return out;
}

std::string page_head(std::string_view title) {
  return "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>" +
         html_text(title) + R"(</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
body{font:15px/1.5 system-ui,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;margin:0;background:#f3f4f6;color:#1f2937}
main{max-width:64rem;margin:0 auto;padding:2rem 1rem 4rem}
h1{font-size:1.5rem;margin:0 0 .25rem}h2{font-size:1.05rem;margin:0 0 .75rem}
p{margin:.25rem 0}.note{color:#6b7280;font-size:.86rem}
section{background:#fff;border:1px solid #e5e7eb;border-radius:10px;padding:1.1rem 1.3rem;margin-top:1.1rem;overflow-x:auto}
svg{display:block;max-width:100%;height:auto}
table{border-collapse:collapse;font-size:.88rem;width:100%}
th,td{text-align:right;padding:.32rem .6rem;border-bottom:1px solid #e5e7eb;font-variant-numeric:tabular-nums;white-space:nowrap}
th:first-child,td:first-child{text-align:left}th{color:#4b5563;font-weight:600;white-space:normal;vertical-align:bottom}tr:last-child td{border-bottom:0}
td small{color:#6b7280}td.text{white-space:normal}
</style></head><body><main>
)";
}

}  // namespace stateutils::core
