#include <algorithm>
#include <array>

#include "bench/families/contracts/mini_c.hpp"

namespace stateutils::bench::mini_c {
namespace {

// Longest first, so that the first that fits is the token.
constexpr std::array<std::string_view, 43> kSymbols = {
    "<<=", ">>=", "++", "--", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "<<", ">>", "<=",
    ">=",  "==",  "!=", "&&", "||", "+",  "-",  "*",  "/",  "%",  "<",  ">",  "=",  "!",  "~",
    "&",   "|",   "^",  "?",  ":",  ",",  ";",  "(",  ")",  "[",  "]",  "{",  "}"};

bool digit(char c) {
  return c >= '0' && c <= '9';
}
bool name_byte(char c) {
  return digit(c) || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
}

// Where what is no token ends: blanks, comments, lines of the preprocessor.
std::size_t skip(std::string_view s, std::size_t at) {
  bool line_start = at == 0;
  while (at < s.size()) {
    if (s[at] == ' ' || s[at] == '\t' || s[at] == '\n' || s[at] == '\r') {
      line_start = line_start || s[at] == '\n';
      ++at;
    } else if (line_start && s.substr(at).starts_with(kOpenMp)) {
      break;
    } else if (s.substr(at).starts_with("//") || (line_start && s[at] == '#')) {
      at = std::min(s.find('\n', at), s.size());
    } else if (s.substr(at).starts_with("/*")) {
      const std::size_t end = s.find("*/", at + 2);
      at = end == std::string_view::npos ? s.size() : end + 2;
    } else {
      break;
    }
  }
  return at;
}

}  // namespace

std::optional<std::vector<Token>> scan(std::string_view source) {
  std::vector<Token> out;
  for (std::size_t at = skip(source, 0); at < source.size(); at = skip(source, at)) {
    if (source.substr(at).starts_with(kOpenMp)) {
      const std::size_t line = std::min(source.find('\n', at), source.size());
      out.push_back({TokenKind::kDirective, source.substr(at, line - at), at});
      at = line;
      continue;
    }
    std::size_t end = at;
    while (end < source.size() && name_byte(source[end])) ++end;
    TokenKind kind = digit(source[at]) ? TokenKind::kNumber : TokenKind::kName;
    if (end == at) {
      const auto* symbol = std::find_if(kSymbols.begin(), kSymbols.end(), [&](std::string_view s) {
        return source.substr(at).starts_with(s);
      });
      if (symbol == kSymbols.end()) return {};
      end = at + symbol->size();
      kind = TokenKind::kSymbol;
    }
    out.push_back({kind, source.substr(at, end - at), at});
    at = end;
  }
  out.push_back({TokenKind::kEnd, {}, source.size()});
  return out;
}

}  // namespace stateutils::bench::mini_c
