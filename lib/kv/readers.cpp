#include "kv/readers.hpp"

#include <algorithm>
#include <cstring>

#include "core/error.hpp"

namespace stateutils::kv {
namespace {

// Gives back what was looked at, then the rest.
class PeekedSource : public core::ByteSource {
 public:
  explicit PeekedSource(core::ByteSource& source) : ByteSource(source.name()), source_(source) {
    head_.resize(64 << 10);
    std::size_t size = 0;
    // Until the first line is whole: a live input may never fill the buffer.
    while (size < head_.size()) {
      const std::size_t got = source_.read(head_.data() + size, head_.size() - size);
      if (got == 0) break;
      const bool line = std::memchr(head_.data() + size, '\n', got) != nullptr;
      size += got;
      if (line && size > 512) break;
    }
    head_.resize(size);
  }
  [[nodiscard]] std::string_view head() const { return head_; }
  std::size_t read(char* data, std::size_t size) override {
    if (at_ == head_.size()) return source_.read(data, size);
    const std::size_t take = std::min(size, head_.size() - at_);
    std::memcpy(data, head_.data() + at_, take);
    at_ += take;
    return take;
  }
  [[nodiscard]] bool is_live() const override { return source_.is_live(); }
  [[nodiscard]] bool would_wait() const override {
    return at_ == head_.size() && source_.would_wait();
  }

 private:
  core::ByteSource& source_;
  std::string head_;
  std::size_t at_ = 0;
};

bool has(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

std::string detect(std::string_view head, const std::string& file) {
  if (head.starts_with("\xEF\xBB\xBF")) head.remove_prefix(3);
  while (!head.empty() && (head.front() == '\n' || head.front() == '\r' || head.front() == ' ')) {
    head.remove_prefix(1);
  }
  const std::string_view line = head.substr(0, head.find('\n'));
  if (head.empty()) return "kvsim";  // reported there as an empty trace
  if (head.front() == '{') {
    if (has(line, "\"input_length\"")) return "mooncake";
    if (has(line, "\"in\"") && !has(line, "\"requests\":")) return "kvsim";
    if (has(line, "\"stateutils.")) return "kvsim";
    if (has(head, "\"requests\"")) return "kvct";
    return "kvsim";
  }
  if (has(line, "ContextTokens")) return "azure";
  if (has(line, "Request tokens")) return "burstgpt";
  if (has(line, "arrival_timestamp")) return "splitwise";
  if (has(head, "Received request ") || has(head, "vllm") || has(head, "vLLM")) return "vllm-log";
  if (has(head, "Finish: obj=") || has(head, "sglang")) return "sglang-log";
  throw core::input_error({file, 1, {}}, "a trace of no known format; --from names it");
}

}  // namespace

const std::vector<std::string>& trace_formats() {
  static const std::vector<std::string> formats = {
      "auto", "mooncake", "azure",      "burstgpt", "splitwise",
      "kvct", "vllm-log", "sglang-log", "oracle",   "kvsim"};
  return formats;
}

Trace read_trace(core::ByteSource& source, const TraceOptions& options) {
  TraceBuilder builder(source.name(), options);
  PeekedSource peeked(source);
  const std::string format =
      options.from == "auto" ? detect(peeked.head(), source.name()) : options.from;
  if (format == "kvsim") {
    read_record_jsonl(peeked, builder);
  } else if (format == "mooncake") {
    read_mooncake(peeked, builder);
  } else if (format == "kvct") {
    read_kvct(peeked, builder);
  } else if (format == "oracle") {
    read_oracle(peeked, builder);
  } else if (format == "vllm-log" || format == "sglang-log") {
    read_server_log(peeked, format, builder);
  } else {
    read_csv(peeked, format, builder);
  }
  return builder.finish(format);
}

}  // namespace stateutils::kv
