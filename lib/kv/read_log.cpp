// Request lines of server logs. Recognised, everything else is counted as skipped:
//   vLLM (--enable-log-requests): "INFO MM-DD hh:mm:ss ... Received request ID: ... max_tokens=N,
//     ... prompt_token_ids: [a, b, ...]": in = ids listed, out = max_tokens (the log has no other).
//   SGLang (--log-requests): "[YYYY-MM-DD hh:mm:ss...] Finish: obj=... 'prompt_tokens': N,
//     'completion_tokens': M, ... 'e2e_latency': S": arrival = the line's time - S.
#include <algorithm>
#include <array>

#include "core/jsonl.hpp"
#include "core/units.hpp"
#include "kv/readers.hpp"

namespace stateutils::kv {
namespace {

// Two digits at each '#' pair of the layout, any byte at '?', else the byte itself.
std::optional<std::array<int, 5>> clock_fields(std::string_view text, std::string_view layout) {
  if (text.size() < layout.size()) return std::nullopt;
  std::array<int, 5> fields{};
  std::size_t field = 0;
  for (std::size_t i = 0; i < layout.size(); ++i) {
    if (layout[i] == '#') {
      if (text[i] < '0' || text[i] > '9' || text[i + 1] < '0' || text[i + 1] > '9') {
        return std::nullopt;
      }
      fields[field++] = (text[i] - '0') * 10 + (text[i + 1] - '0');
      ++i;
    } else if (layout[i] != '?' && layout[i] != text[i]) {
      return std::nullopt;
    }
  }
  return fields;
}

// Seconds into a leap year; logs give no zone and vLLM's no year, only differences matter.
std::optional<std::int64_t> clock_seconds(const std::array<int, 5>& f) {
  constexpr std::array<int, 12> days = {0, 31, 60, 91, 121, 152, 182, 213, 244, 274, 305, 335};
  if (f[0] < 1 || f[0] > 12 || f[1] < 1 || f[1] > 31 || f[2] > 23 || f[3] > 59 || f[4] > 60) {
    return std::nullopt;
  }
  const std::int64_t day = days[static_cast<std::size_t>(f[0] - 1)] + f[1] - 1;
  return ((day * 24 + f[2]) * 60 + f[3]) * 60 + f[4];
}

std::string_view after(std::string_view text, std::string_view mark) {
  const std::size_t at = text.find(mark);
  return at == std::string_view::npos ? std::string_view() : text.substr(at + mark.size());
}

// The number that `text` starts with.
std::optional<double> leading_number(std::string_view text) {
  std::size_t size = 0;
  while (size < text.size() && (text[size] == '.' || text[size] == '-' || text[size] == 'e' ||
                                (text[size] >= '0' && text[size] <= '9'))) {
    ++size;
  }
  return core::parse_double(text.substr(0, size));
}

std::optional<std::uint64_t> leading_count(std::string_view text) {
  std::size_t size = 0;
  while (size < text.size() && text[size] >= '0' && text[size] <= '9') ++size;
  return core::parse_u64(text.substr(0, size));
}

struct LogRequest {
  std::int64_t at = 0;  // ns
  std::uint64_t in = 0, out = 0;
  std::string id;
};

std::optional<LogRequest> vllm_line(std::string_view line) {
  const std::size_t level = line.find("INFO ");
  const std::string_view rest = after(line, "Received request ");
  if (level == std::string_view::npos || rest.empty()) return std::nullopt;
  const auto fields = clock_fields(line.substr(level + 5), "##-## ##:##:##");
  const auto seconds = fields ? clock_seconds(*fields) : std::nullopt;
  const auto most = leading_count(after(rest, "max_tokens="));
  const std::string_view ids = after(rest, "prompt_token_ids: [");
  const std::size_t end = ids.find(']');
  if (!seconds || !most || end == std::string_view::npos || end == 0) return std::nullopt;
  LogRequest request;
  request.at = *seconds * kSecond;
  request.in = 1 + static_cast<std::uint64_t>(std::count(
                       ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(end), ','));
  request.out = *most;
  request.id = rest.substr(0, rest.find(':'));
  return request;
}

std::optional<LogRequest> sglang_line(std::string_view line) {
  const std::size_t bracket = line.find('[');
  const std::string_view rest = after(line, "Finish: obj=");
  if (bracket == std::string_view::npos || rest.empty()) return std::nullopt;
  const auto fields = clock_fields(line.substr(bracket + 1), "?????##-## ##:##:##");
  const auto seconds = fields ? clock_seconds(*fields) : std::nullopt;
  const auto in = leading_count(after(rest, "'prompt_tokens': "));
  const auto out = leading_count(after(rest, "'completion_tokens': "));
  if (!seconds || !in || !out || *in == 0) return std::nullopt;
  const double latency = leading_number(after(rest, "'e2e_latency': ")).value_or(0);
  LogRequest request;
  request.at = *seconds * kSecond - nanoseconds(latency).value_or(0);
  request.in = *in;
  request.out = *out;
  const std::string_view id = after(rest, "'id': '");
  request.id = id.substr(0, id.find('\''));
  return request;
}

}  // namespace

void read_server_log(core::ByteSource& source, const std::string& format, TraceBuilder& builder) {
  core::LineReader lines(source, builder.options().max_line);
  std::vector<LogRequest> requests;
  std::vector<std::uint64_t> numbers;
  std::string_view line;
  while (lines.next(line)) {
    if (line.empty()) continue;
    auto request = format == "vllm-log" ? vllm_line(line) : sglang_line(line);
    if (!request) {
      builder.skip_line();
      continue;
    }
    requests.push_back(std::move(*request));
    numbers.push_back(lines.line_number());
  }
  // SGLang logs a request when it ends: put arrivals in order.
  std::vector<std::size_t> order(requests.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::ranges::stable_sort(order, {}, [&](std::size_t i) { return requests[i].at; });
  RawRecord record;
  for (const std::size_t i : order) {
    if (builder.full()) break;
    record.clear();
    record.line = numbers[i];
    if (!requests[i].id.empty()) record.id = requests[i].id;
    record.t = requests[i].at - requests[order.front()].at;
    record.in = requests[i].in;
    record.out = requests[i].out;
    builder.add(record);
  }
}

}  // namespace stateutils::kv
