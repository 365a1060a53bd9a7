// Common and Combined Log Format: host ident user [time] "METHOD target HTTP/x" status bytes, and
// any further columns.
#include <array>
#include <cctype>
#include <chrono>

#include "core/jsonl.hpp"
#include "core/units.hpp"
#include "core/utf8.hpp"
#include "sbus/op_source.hpp"

namespace stateutils::sbus {
namespace {

// Blank-separated columns; "..." and [...] are one column, without their marks. False when a mark
// is not closed.
bool split_columns(std::string_view line, std::vector<std::string_view>& out) {
  out.clear();
  std::size_t i = 0;
  while (i < line.size()) {
    if (line[i] == ' ' || line[i] == '\t') {
      ++i;
      continue;
    }
    const char open = line[i];
    if (open != '"' && open != '[') {
      const std::size_t end = std::min(line.find_first_of(" \t", i), line.size());
      out.push_back(line.substr(i, end - i));
      i = end;
      continue;
    }
    const char close = open == '[' ? ']' : '"';
    std::size_t end = i + 1;
    while (end < line.size() && line[end] != close) end += line[end] == '\\' && open == '"' ? 2 : 1;
    if (end >= line.size()) return false;
    out.push_back(line.substr(i + 1, end - i - 1));
    i = end + 1;
  }
  return true;
}

// "10/Oct/2000:13:55:36 -0700" to nanoseconds since the epoch.
std::optional<std::int64_t> clf_time(std::string_view text) {
  constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";
  if (text.size() != 26 || text[2] != '/' || text[6] != '/' || text[11] != ':' || text[20] != ' ') {
    return std::nullopt;
  }
  const auto number = [&](std::size_t at, std::size_t size) {
    const auto value = core::parse_u64(text.substr(at, size));
    return value ? static_cast<int>(*value) : -1;
  };
  const std::size_t month = kMonths.find(text.substr(3, 3));
  const int day = number(0, 2), year = number(7, 4), hour = number(12, 2), minute = number(15, 2),
            second = number(18, 2), zone_hour = number(22, 2), zone_minute = number(24, 2);
  const bool signs = (text[21] == '+' || text[21] == '-') && text[14] == ':' && text[17] == ':';
  if (month == std::string_view::npos || month % 3 != 0 || !signs || day < 1 || year < 1678 ||
      year > 2261 || hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 ||
      second > 60 || zone_hour < 0 || zone_minute < 0) {
    return std::nullopt;
  }
  namespace ch = std::chrono;  // years 1678 to 2261 fit 64 bits of nanoseconds
  const ch::year_month_day date{ch::year(year), ch::month(static_cast<unsigned>(month / 3 + 1)),
                                ch::day(static_cast<unsigned>(day))};
  if (!date.ok()) return std::nullopt;
  const std::int64_t days = ch::sys_days(date).time_since_epoch().count();
  const std::int64_t zone = (text[21] == '-' ? -60 : 60) * (zone_hour * 60 + zone_minute);
  return (days * 86400 + hour * 3600 + minute * 60 + second - zone) * 1'000'000'000;
}

class ClfSource final : public OpSource {
 public:
  ClfSource(std::unique_ptr<core::ByteSource> source, const OpSourceOptions& options)
      : source_(std::move(source)), options_(options), lines_(*source_) {
    if (options.on_idle) lines_.on_idle(options.on_idle);
  }

  bool next(OpRecord& out) override {
    std::string_view line;
    while (lines_.next(line)) {
      if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
      if (const char* problem = parse(line)) {
        if (options_.tail && !lines_.ended_by_newline()) return false;
        if (!options_.skip_bad) throw core::input_error(lines_.place(), problem);
        ++skipped_;
        continue;
      }
      const auto mapped = map_request(*options_.mapping, request_);
      if (!mapped) {
        ++unmatched_;
        continue;
      }
      op_ = *mapped;
      if (!core::is_valid_utf8(op_.key) || !core::is_valid_utf8(op_.agent)) {
        if (!options_.skip_bad) throw core::input_error(lines_.place(), "invalid UTF-8");
        ++skipped_;
        continue;
      }
      fill(out);
      return true;
    }
    return false;
  }
  [[nodiscard]] std::uint64_t bytes_read() const override { return lines_.bytes_read(); }

 private:
  // What is wrong with the line, or nullptr.
  const char* parse(std::string_view line) {
    if (line.ends_with('\r')) line.remove_suffix(1);
    auto& columns = request_.columns;
    if (!split_columns(line, columns)) return "a quote or bracket is not closed";
    if (columns.size() < 7) return "expected host ident user [time] \"request\" status bytes";
    time_ = clf_time(columns[3]);
    if (!time_) return "expected a time as in [10/Oct/2000:13:55:36 -0700]";
    const auto status = core::parse_u64(columns[5]);
    if (!status || *status > 999) return "expected an HTTP status";
    const std::string_view request = columns[4];
    const std::size_t first = request.find(' '), last = request.rfind(' ');
    request_.method = request.substr(0, first);
    request_.target = {};
    if (first != std::string_view::npos) {
      const std::size_t end = last == first ? request.size() : last;
      request_.target = request.substr(first + 1, end - first - 1);
    }
    request_.user = columns[2];
    request_.status = static_cast<int>(*status);
    return nullptr;
  }
  void fill(OpRecord& out) const {
    out.op = op_.op;
    out.status = request_.status;
    out.ts = time_;
    out.start.reset();
    out.end.reset();
    out.key = op_.key;
    out.agent = op_.agent;
    out.error = {};
    out.version = op_.version;
    out.expected.reset();
    out.read_set.clear();
    out.keys.clear();
    if (op_.op == Op::kRegister) out.keys.push_back(op_.key);
    out.line = lines_.line_number();
  }

  std::unique_ptr<core::ByteSource> source_;
  OpSourceOptions options_;
  core::LineReader lines_;
  HttpRequest request_;
  std::optional<std::int64_t> time_;
  MappedOp op_;
};

}  // namespace

std::unique_ptr<OpSource> clf_source(std::unique_ptr<core::ByteSource> source,
                                     const OpSourceOptions& options) {
  if (options.mapping == nullptr) throw core::usage_error("--format clf needs --map FILE");
  return std::make_unique<ClfSource>(std::move(source), options);
}

}  // namespace stateutils::sbus
