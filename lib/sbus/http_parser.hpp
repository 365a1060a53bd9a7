// HTTP/1.1 requests out of a stream of bytes (RFC 9112), strictly: where a lenient reading lets two
// parties disagree about where a request ends, the request is refused.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace stateutils::sbus {

struct HttpLimits {
  std::size_t max_head = 16 << 10;
  std::size_t max_body = 1'000'000;
};

// Views into the bytes given to HttpParser::parse(), valid as long as those stay where they are.
struct WebRequest {
  std::string_view method, target, authorization, body;
  bool keep_alive = true;
};

class HttpParser {
 public:
  enum class Status : std::uint8_t { kMore, kReady, kBad };

  explicit HttpParser(const HttpLimits& limits) : limits_(limits) {}

  // Looks at the bytes of a connection from the start of a request on; called again with the same
  // bytes and more behind them until it is not kMore.
  [[nodiscard]] Status parse(std::string_view data, WebRequest& out);
  // After kReady: how many bytes the request took. The next one begins behind them.
  [[nodiscard]] std::size_t size() const { return size_; }
  // After kBad: the status to answer with, and why.
  [[nodiscard]] int error() const { return error_; }
  [[nodiscard]] const char* reason() const { return reason_; }
  // Once per request, when its client waits for "100 Continue" before it sends the body.
  [[nodiscard]] bool take_expectation();
  // Forgets the request that was ready.
  void next();

 private:
  struct Head;  // what the fields say about the message
  enum class Phase : std::uint8_t { kHead, kBody, kChunkSize, kChunkData, kTrailer };

  Status bad(int status, const char* reason);
  bool find_head(std::string_view data);
  bool read_request_line(std::string_view line, WebRequest& out, Head& head);
  bool read_field(std::string_view line, WebRequest& out, Head& head);
  bool read_head(std::string_view text, WebRequest& out, Head& head);
  bool frame(const Head& head);
  bool read_chunks(std::string_view data);
  bool read_chunk_size(std::string_view line);

  HttpLimits limits_;
  Phase phase_ = Phase::kHead;
  std::size_t scanned_ = 0;   // no head ends before this
  std::size_t head_end_ = 0;  // behind the empty line
  std::size_t at_ = 0;        // chunked: the next byte to look at
  std::size_t chunk_left_ = 0;
  std::size_t body_size_ = 0, size_ = 0;
  bool chunked_ = false, expects_ = false;
  std::string chunks_;  // the decoded body
  int error_ = 0;
  const char* reason_ = "";
};

// Whether every % is followed by two hexadecimal digits.
[[nodiscard]] bool has_whole_escapes(std::string_view target);
// "Not Found" and its like.
[[nodiscard]] std::string_view status_text(int status);

}  // namespace stateutils::sbus
