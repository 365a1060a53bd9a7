// CSV traces by their header: Azure 2023/2024, BurstGPT (6 and 8 columns), splitwise-sim.
#include <algorithm>
#include <array>
#include <charconv>

#include "core/jsonl.hpp"
#include "core/units.hpp"
#include "kv/readers.hpp"

namespace stateutils::kv {
namespace {

using core::quoted;

class CsvReader {
 public:
  CsvReader(core::ByteSource& source, std::uint64_t max_line) : lines_(source, max_line) {
    if (!next()) return;
    for (const std::string_view cell : cells_) {
      if (!cell.empty() && std::ranges::count(cells_, cell) > 1)
        throw error("column " + quoted(cell) + " twice");
      header_.emplace_back(cell);
    }
  }
  // Splits the next line that is not blank; false at the end. None of these formats quotes commas.
  bool next() {
    std::string_view line;
    do {
      if (!lines_.next(line)) return false;
      if (lines_.line_number() == 1 && line.starts_with("\xEF\xBB\xBF")) line.remove_prefix(3);
      if (line.ends_with('\r')) line.remove_suffix(1);
    } while (line.empty());
    cells_.clear();
    for (std::size_t from = 0;;) {
      const std::size_t comma = line.find(',', from);
      cells_.push_back(trim(line.substr(from, comma - from)));
      if (comma == std::string_view::npos) break;
      from = comma + 1;
    }
    if (!header_.empty() && cells_.size() != header_.size()) {
      throw error(std::to_string(cells_.size()) + " columns under a header of " +
                  std::to_string(header_.size()));
    }
    return true;
  }
  [[nodiscard]] std::size_t column(std::string_view name, bool required = true) const {
    for (std::size_t i = 0; i < header_.size(); ++i) {
      if (header_[i] == name) return i;
    }
    if (required) throw error("no column " + quoted(name));
    return header_.size();
  }
  [[nodiscard]] std::string_view operator[](std::size_t column) const { return cells_[column]; }
  [[nodiscard]] std::uint64_t line() const { return lines_.line_number(); }
  [[nodiscard]] core::Error error(const std::string& message) const {
    return core::input_error(lines_.place(), message);
  }
  [[nodiscard]] std::uint64_t count(std::size_t column) const {
    const auto value = core::parse_u64(cells_[column]);
    if (!value)
      throw error(quoted(header_[column]) + ": " + quoted(cells_[column]) + " is no count");
    return *value;
  }
  [[nodiscard]] std::int64_t seconds(std::size_t column) const {
    const auto value = core::parse_double(cells_[column]);
    const auto ns = value ? nanoseconds(*value) : std::nullopt;
    if (!ns) throw error(quoted(header_[column]) + ": " + quoted(cells_[column]) + " is no time");
    return *ns;
  }

 private:
  static std::string_view trim(std::string_view text) {
    while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
    while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
    return text;
  }
  core::LineReader lines_;
  std::vector<std::string> header_;
  std::vector<std::string_view> cells_;
};

unsigned days_of_month(unsigned y, unsigned m) {
  const bool leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
  return m == 2 ? (leap ? 29 : 28) : m == 4 || m == 6 || m == 9 || m == 11 ? 30 : 31;
}

// Days from 1970-01-01 in the proleptic Gregorian calendar (Hinnant, days_from_civil).
std::int64_t days_from_civil(std::int64_t y, unsigned m, unsigned d) {
  y -= m <= 2 ? 1 : 0;
  const std::int64_t era = (y >= 0 ? y : y - 399) / 400;
  const auto yoe = static_cast<unsigned>(y - era * 400);
  const unsigned doy = (153 * (m > 2 ? m - 3 : m + 9) + 2) / 5 + d - 1;
  return era * 146097 + std::int64_t{yoe * 365 + yoe / 4 - yoe / 100 + doy} - 719468;
}

// "YYYY-MM-DD hh:mm:ss[.f...]" with up to 9 digits and an ignored zone "+00:00"; ns since 1970.
std::optional<std::int64_t> timestamp(std::string_view text) {
  const auto zone = text.find('+');
  if (zone != std::string_view::npos) {
    if (text.substr(zone) != "+00:00") return std::nullopt;
    text = text.substr(0, zone);
  }
  std::array<unsigned, 6> part{};
  constexpr std::array<std::size_t, 6> at = {0, 5, 8, 11, 14, 17}, width = {4, 2, 2, 2, 2, 2};
  if (text.size() < 19) return std::nullopt;
  for (std::size_t i = 0; i < 6; ++i) {
    const char* end = text.data() + at[i] + width[i];
    const auto [stop, code] = std::from_chars(text.data() + at[i], end, part[i]);
    if (code != std::errc() || stop != end) return std::nullopt;
  }
  if (text[4] != '-' || text[7] != '-' || (text[10] != ' ' && text[10] != 'T') || text[13] != ':' ||
      text[16] != ':' || part[1] < 1 || part[1] > 12 || part[2] < 1 ||
      part[2] > days_of_month(part[0], part[1]) || part[3] > 23 || part[4] > 59 || part[5] > 60) {
    return std::nullopt;
  }
  std::int64_t fraction = 0;
  if (text.size() > 19) {
    if (text[19] != '.' || text.size() > 29 || text.size() < 21) return std::nullopt;
    for (std::size_t i = 20; i < 29; ++i) {
      const char digit = i < text.size() ? text[i] : '0';
      if (digit < '0' || digit > '9') return std::nullopt;
      fraction = fraction * 10 + (digit - '0');
    }
  }
  const std::int64_t seconds =
      days_from_civil(part[0], part[1], part[2]) * 86400 + part[3] * 3600 + part[4] * 60 + part[5];
  if (part[0] < 1970 || part[0] > 2200) return std::nullopt;
  return seconds * kSecond + fraction;
}

void read_azure(CsvReader& csv, TraceBuilder& builder) {
  const std::size_t time = csv.column("TIMESTAMP"), in = csv.column("ContextTokens"),
                    out = csv.column("GeneratedTokens");
  std::optional<std::int64_t> first;
  RawRecord record;
  while (!builder.full() && csv.next()) {
    const auto at = timestamp(csv[time]);
    if (!at) throw csv.error("\"TIMESTAMP\": " + quoted(csv[time]) + " is no time");
    if (!first) first = at;
    record.clear();
    record.line = csv.line();
    if (*at < *first && !builder.options().sort) {
      throw csv.error("arrives before the first row; --sort puts requests in order");
    }
    record.t = *at - *first;
    record.in = csv.count(in);
    record.out = csv.count(out);
    builder.add(record);
  }
}

void read_burstgpt(CsvReader& csv, TraceBuilder& builder) {
  const std::size_t time = csv.column("Timestamp"), model = csv.column("Model"),
                    in = csv.column("Request tokens"), out = csv.column("Response tokens");
  const std::size_t none = csv.column("Log Type") + 1;
  const std::size_t session = csv.column("Session ID", false);
  const bool has_session = session < none;
  RawRecord record;
  while (!builder.full() && csv.next()) {
    record.clear();
    record.line = csv.line();
    record.t = csv.seconds(time);
    record.in = csv.count(in);
    record.out = csv.count(out);
    record.model = csv[model];
    if (has_session && !csv[session].empty()) record.session = csv[session];
    if (record.out == 0) {
      builder.drop();  // a failed call
      continue;
    }
    builder.add(record);
  }
}

void read_splitwise(CsvReader& csv, TraceBuilder& builder) {
  const std::size_t time = csv.column("arrival_timestamp"), in = csv.column("prompt_size"),
                    out = csv.column("token_size"), id = csv.column("request_id");
  RawRecord record;
  while (!builder.full() && csv.next()) {
    record.clear();
    record.line = csv.line();
    record.id = csv[id];
    record.t = csv.seconds(time);
    record.in = csv.count(in);
    record.out = csv.count(out);
    builder.add(record);
  }
}

}  // namespace

void read_csv(core::ByteSource& source, const std::string& format, TraceBuilder& builder) {
  CsvReader csv(source, builder.options().max_line);
  if (csv.line() == 0) return;
  if (format == "azure") return read_azure(csv, builder);
  if (format == "burstgpt") return read_burstgpt(csv, builder);
  read_splitwise(csv, builder);
}

}  // namespace stateutils::kv
