#include "sbus/http_parser.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "core/units.hpp"

namespace stateutils::sbus {
namespace {

constexpr std::size_t kMostFields = 100;
constexpr std::size_t kLongestChunkLine = 256;  // a size and its extensions

constexpr bool is_token_byte(unsigned char c) {
  if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z')) return true;
  return std::string_view("!#$%&'*+-.^_`|~").find(static_cast<char>(c)) != std::string_view::npos;
}

constexpr auto kTokenBytes = [] {
  std::array<bool, 256> out{};
  for (unsigned c = 0; c < 256; ++c) out[c] = is_token_byte(static_cast<unsigned char>(c));
  return out;
}();

bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return kTokenBytes[static_cast<unsigned char>(c)];
  });
}

// Tabs and what is printed; bytes above 0x7f are opaque text.
bool is_field_value(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte == '\t' || (byte >= 0x20 && byte != 0x7f);
  });
}

bool is_target(std::string_view text) {
  return !text.empty() && text.front() == '/' && std::all_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte > 0x20 && byte < 0x7f;
  });
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// `lower` is in lower case.
bool same_name(std::string_view text, std::string_view lower) {
  return text.size() == lower.size() &&
         std::equal(text.begin(), text.end(), lower.begin(), [](char x, char y) {
           return (x >= 'A' && x <= 'Z' ? static_cast<char>(x | 0x20) : x) == y;
         });
}

// Whether a comma-separated list holds `lower`.
bool lists(std::string_view text, std::string_view lower) {
  while (!text.empty()) {
    const std::size_t comma = std::min(text.find(','), text.size());
    if (same_name(trimmed(text.substr(0, comma)), lower)) return true;
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return false;
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

struct HttpParser::Head {
  bool version_1_0 = false, has_length = false, has_coding = false, close = false,
       keep_alive = false, expects = false;
  int hosts = 0;
  std::uint64_t length = 0;
};

HttpParser::Status HttpParser::bad(int status, const char* reason) {
  error_ = status;
  reason_ = reason;
  return Status::kBad;
}

void HttpParser::next() {
  const HttpLimits limits = limits_;
  std::string chunks = std::move(chunks_);
  chunks.clear();
  *this = HttpParser(limits);
  chunks_ = std::move(chunks);
}

bool HttpParser::take_expectation() {
  return std::exchange(expects_, false);
}

bool HttpParser::find_head(std::string_view data) {
  // One empty line before a request is ignored (RFC 9112, 2.2): old clients send it after a body.
  const std::size_t begin = data.starts_with("\r\n") ? 2 : 0;
  const std::size_t end = data.find("\r\n\r\n", std::max(scanned_, begin));
  if (end == std::string_view::npos) {
    scanned_ = data.size() < 3 ? 0 : data.size() - 3;
    return false;
  }
  head_end_ = end + 4;
  return true;
}

bool HttpParser::read_request_line(std::string_view line, WebRequest& out, Head& head) {
  const std::size_t first = line.find(' ');
  const std::size_t second = first == std::string_view::npos ? first : line.find(' ', first + 1);
  if (second == std::string_view::npos) return bad(400, "malformed request line"), false;
  out.method = line.substr(0, first);
  out.target = line.substr(first + 1, second - first - 1);
  const std::string_view version = line.substr(second + 1);
  if (!is_token(out.method)) return bad(400, "malformed method"), false;
  if (!is_target(out.target)) return bad(400, "the target is no path"), false;
  if (!has_whole_escapes(out.target)) return bad(400, "a % without two digits"), false;
  if (version == "HTTP/1.0") {
    head.version_1_0 = true;
  } else if (version != "HTTP/1.1") {
    const bool known = version.size() == 8 && version.starts_with("HTTP/") && version[6] == '.';
    return bad(known ? 505 : 400, "expected HTTP/1.1"), false;
  }
  return true;
}

bool HttpParser::read_field(std::string_view line, WebRequest& out, Head& head) {
  const std::size_t colon = line.find(':');
  // A blank before the colon and a folded line both fail here.
  if (colon == std::string_view::npos || !is_token(line.substr(0, colon))) {
    return bad(400, "malformed header field"), false;
  }
  const std::string_view name = line.substr(0, colon);
  const std::string_view value = trimmed(line.substr(colon + 1));
  if (!is_field_value(value)) return bad(400, "a control character in a header field"), false;
  if (same_name(name, "host")) {
    ++head.hosts;
  } else if (same_name(name, "content-length")) {
    if (head.has_length) return bad(400, "two Content-Length fields"), false;
    head.has_length = true;
    const bool digits = !value.empty() && value.size() <= 18 &&
                        value.find_first_not_of("0123456789") == std::string_view::npos;
    if (!digits) return bad(400, "malformed Content-Length"), false;
    head.length = core::parse_u64(value).value_or(0);
  } else if (same_name(name, "transfer-encoding")) {
    if (head.has_coding) return bad(400, "two Transfer-Encoding fields"), false;
    head.has_coding = true;
    if (!same_name(value, "chunked")) return bad(501, "the only coding known is chunked"), false;
  } else if (same_name(name, "connection")) {
    head.close |= lists(value, "close");
    head.keep_alive |= lists(value, "keep-alive");
  } else if (same_name(name, "expect")) {
    if (!same_name(value, "100-continue")) return bad(417, "unknown expectation"), false;
    head.expects = true;
  } else if (same_name(name, "authorization")) {
    if (!out.authorization.empty()) return bad(400, "two Authorization fields"), false;
    out.authorization = value;
  }
  return true;
}

bool HttpParser::read_head(std::string_view text, WebRequest& out, Head& head) {
  out = {};
  if (text.starts_with("\r\n")) text.remove_prefix(2);
  if (text.size() <= 2) return bad(400, "no request line"), false;
  std::size_t fields = 0;
  for (bool first = true; text.size() > 2; first = false) {
    const std::size_t end = text.find("\r\n");
    const std::string_view line = text.substr(0, end);
    // A CR or LF of its own ends a line for some readers and not for others.
    if (line.find_first_of("\r\n") != std::string_view::npos || line.find('\0') != line.npos) {
      return bad(400, "a CR, LF or NUL inside a line"), false;
    }
    if (first ? !read_request_line(line, out, head) : !read_field(line, out, head)) return false;
    if (!first && ++fields > kMostFields) return bad(431, "too many header fields"), false;
    text.remove_prefix(end + 2);
  }
  out.keep_alive = head.version_1_0 ? head.keep_alive && !head.close : !head.close;
  return true;
}

// Where the body ends. Every doubtful case of RFC 9112, 6.3 is refused.
bool HttpParser::frame(const Head& head) {
  if (!head.version_1_0 && head.hosts != 1) return bad(400, "expected one Host field"), false;
  if (head.hosts > 1) return bad(400, "two Host fields"), false;
  if (head.has_length && head.has_coding) {
    return bad(400, "both Content-Length and Transfer-Encoding"), false;
  }
  if (head.has_coding && head.version_1_0) return bad(400, "chunks in HTTP/1.0"), false;
  if (head.length > limits_.max_body) return bad(413, "the body is too large"), false;
  chunked_ = head.has_coding;
  body_size_ = static_cast<std::size_t>(head.length);
  expects_ = head.expects && !head.version_1_0 && (chunked_ || body_size_ > 0);
  at_ = head_end_;
  phase_ = chunked_ ? Phase::kChunkSize : Phase::kBody;
  return true;
}

bool HttpParser::read_chunk_size(std::string_view line) {
  std::size_t digits = 0;
  chunk_left_ = 0;
  while (digits < line.size() && hex_value(line[digits]) >= 0) {
    if (digits == 12) return bad(413, "the body is too large"), false;
    chunk_left_ = chunk_left_ * 16 + static_cast<std::size_t>(hex_value(line[digits++]));
  }
  const std::string_view rest = line.substr(digits);
  if (digits == 0 || (!rest.empty() && rest.front() != ';') || !is_field_value(rest)) {
    return bad(400, "malformed chunk size"), false;
  }
  if (chunk_left_ > limits_.max_body - chunks_.size()) {
    return bad(413, "the body is too large"), false;
  }
  return true;
}

// True when the last chunk and its trailer are in; false with error_ == 0 when bytes are missing.
bool HttpParser::read_chunks(std::string_view data) {
  while (true) {
    // Sizes and extensions are no body, but they are held: many small chunks must not add up.
    if (at_ - head_end_ > 2 * limits_.max_body + limits_.max_head) {
      return bad(413, "too many small chunks"), false;
    }
    if (phase_ == Phase::kChunkData) {
      if (data.size() < at_ + chunk_left_ + 2) return false;
      chunks_.append(data.substr(at_, chunk_left_));
      at_ += chunk_left_ + 2;
      if (data[at_ - 2] != '\r' || data[at_ - 1] != '\n') {
        return bad(400, "a chunk longer than its size"), false;
      }
      phase_ = Phase::kChunkSize;
    }
    const std::size_t limit = phase_ == Phase::kTrailer ? limits_.max_head : kLongestChunkLine;
    const std::size_t end = data.substr(0, at_ + limit).find('\n', at_);
    if (end == std::string_view::npos) {
      if (data.size() - at_ >= limit) bad(400, "a line of the body is too long");
      return false;
    }
    if (end == at_ || data[end - 1] != '\r') return bad(400, "a LF of its own"), false;
    const std::string_view line = data.substr(at_, end - 1 - at_);
    at_ = end + 1;
    if (phase_ == Phase::kTrailer) {
      if (line.empty()) return true;
      if (!is_field_value(line)) return bad(400, "malformed trailer"), false;
      continue;
    }
    if (!read_chunk_size(line)) return false;
    phase_ = chunk_left_ == 0 ? Phase::kTrailer : Phase::kChunkData;
  }
}

HttpParser::Status HttpParser::parse(std::string_view data, WebRequest& out) {
  const bool first_look = phase_ == Phase::kHead;
  if (first_look) {
    if (!find_head(data)) {
      return data.size() >= limits_.max_head ? bad(431, "the head is too long") : Status::kMore;
    }
    if (head_end_ > limits_.max_head) return bad(431, "the head is too long");
    Head head;
    if (!read_head(data.substr(0, head_end_), out, head) || !frame(head)) return Status::kBad;
  }
  if (chunked_) {
    if (!read_chunks(data)) return error_ == 0 ? Status::kMore : Status::kBad;
    size_ = at_;
  } else {
    size_ = head_end_ + body_size_;
    if (data.size() < size_) return Status::kMore;
  }
  // The bytes may have moved since the head was checked: its views are taken again.
  Head again;
  if (!first_look && !read_head(data.substr(0, head_end_), out, again)) return Status::kBad;
  out.body = chunked_ ? std::string_view(chunks_) : data.substr(head_end_, body_size_);
  expects_ = false;
  return Status::kReady;
}

bool has_whole_escapes(std::string_view target) {
  for (std::size_t i = target.find('%'); i != std::string_view::npos; i = target.find('%', i + 3)) {
    if (i + 2 >= target.size() || hex_value(target[i + 1]) < 0 || hex_value(target[i + 2]) < 0) {
      return false;
    }
  }
  return true;
}

std::string_view status_text(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 410:
      return "Gone";
    case 413:
      return "Content Too Large";
    case 417:
      return "Expectation Failed";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 501:
      return "Not Implemented";
    case 503:
      return "Service Unavailable";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return "Error";
  }
}

}  // namespace stateutils::sbus
