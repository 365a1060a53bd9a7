// HTTP archives: entries in the order of their end. With --map its rules say what an entry is,
// without it the endpoints of the server do.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <nlohmann/json.hpp>

#include "core/json.hpp"
#include "core/units.hpp"
#include "sbus/op_source.hpp"

namespace stateutils::sbus {
namespace {

constexpr std::uint64_t kMostHarBytes = 1u << 30;

std::optional<std::string> base64_decoded(std::string_view text) {
  std::string out;
  unsigned bits = 0;
  int have = 0;
  for (const char c : text) {
    unsigned value = 0;
    if (c >= 'A' && c <= 'Z') {
      value = static_cast<unsigned>(c - 'A');
    } else if (c >= 'a' && c <= 'z') {
      value = static_cast<unsigned>(c - 'a') + 26;
    } else if (c >= '0' && c <= '9') {
      value = static_cast<unsigned>(c - '0') + 52;
    } else if (c == '+' || c == '/') {
      value = c == '+' ? 62 : 63;
    } else if (c == '=' || c == '\n' || c == '\r') {
      continue;
    } else {
      return std::nullopt;
    }
    bits = bits << 6 | value;
    have += 6;
    if (have >= 8) {
      have -= 8;
      out += static_cast<char>(bits >> have & 0xff);
    }
  }
  return out;
}

const nlohmann::json* member(const nlohmann::json& from, const char* name) {
  if (!from.is_object()) return nullptr;
  const auto found = from.find(name);
  return found == from.end() || found->is_null() ? nullptr : &*found;
}

std::string text_at(const nlohmann::json& from, const char* name) {
  const nlohmann::json* value = member(from, name);
  return value != nullptr && value->is_string() ? value->get<std::string>() : std::string();
}

std::optional<std::int64_t> integer_at(const nlohmann::json& from, const char* name) {
  const nlohmann::json* value = member(from, name);
  if (value == nullptr || !value->is_number_integer()) return std::nullopt;
  if (value->is_number_unsigned() && value->get<std::uint64_t>() > INT64_MAX) return std::nullopt;
  return value->get<std::int64_t>();
}

std::optional<std::string> header(const nlohmann::json& message, std::string_view name) {
  const nlohmann::json* headers = member(message, "headers");
  if (headers == nullptr || !headers->is_array()) return std::nullopt;
  for (const nlohmann::json& entry : *headers) {
    const std::string found = text_at(entry, "name");
    const bool same = std::equal(found.begin(), found.end(), name.begin(), name.end(),
                                 [](char x, char y) { return (x | 0x20) == (y | 0x20); });
    if (same) return text_at(entry, "value");
  }
  return std::nullopt;
}

// A body as JSON; null when there is none or it is something else.
nlohmann::json body_of(const nlohmann::json* content) {
  if (content == nullptr) return nullptr;
  std::string text = text_at(*content, "text");
  if (text_at(*content, "encoding") == "base64") text = base64_decoded(text).value_or("");
  if (text.empty()) return nullptr;
  try {
    return core::parse_json(text, "body");
  } catch (const core::Error&) {
    return nullptr;
  }
}

// "2024-01-02T03:04:05.678Z" or with an offset, to nanoseconds since the epoch.
std::optional<std::int64_t> iso_time(std::string_view text) {
  const auto number = [&](std::size_t at, std::size_t size) -> std::int64_t {
    if (at + size > text.size()) return -1;
    const auto value = core::parse_u64(text.substr(at, size));
    return value ? static_cast<std::int64_t>(*value) : -1;
  };
  const std::int64_t year = number(0, 4), month = number(5, 2), day = number(8, 2),
                     hour = number(11, 2), minute = number(14, 2), second = number(17, 2);
  if (year < 0 || month < 1 || month > 12 || day < 1 || hour < 0 || hour > 23 || minute < 0 ||
      minute > 59 || second < 0 || second > 60 || text[4] != '-' || text[10] != 'T') {
    return std::nullopt;
  }
  std::size_t i = 19;
  std::int64_t ns = 0;
  if (i < text.size() && text[i] == '.') {
    std::int64_t unit = 100'000'000;
    for (++i; i < text.size() && text[i] >= '0' && text[i] <= '9'; ++i, unit /= 10) {
      ns += (text[i] - '0') * unit;
    }
  }
  std::int64_t zone = 0;
  if (i < text.size() && (text[i] == '+' || text[i] == '-')) {
    const std::int64_t hours = number(i + 1, 2), minutes = number(text.size() - 2, 2);
    if (hours < 0 || minutes < 0) return std::nullopt;
    zone = (text[i] == '-' ? -60 : 60) * (hours * 60 + minutes);
  } else if (i >= text.size() || text[i] != 'Z') {
    return std::nullopt;
  }
  namespace ch = std::chrono;
  const ch::year_month_day date{ch::year(static_cast<int>(year)),
                                ch::month(static_cast<unsigned>(month)),
                                ch::day(static_cast<unsigned>(day))};
  if (!date.ok()) return std::nullopt;
  const std::int64_t days = ch::sys_days(date).time_since_epoch().count();
  return (days * 86400 + hour * 3600 + minute * 60 + second - zone) * 1'000'000'000 + ns;
}

// The part of a URL from its path on.
std::string target_of(const std::string& url) {
  const std::size_t scheme = url.find("://");
  if (scheme == std::string::npos) return url;
  const std::size_t path = url.find('/', scheme + 3);
  return path == std::string::npos ? "/" : url.substr(path);
}

// An operation that owns its text.
struct Entry {
  OpRecord record;
  std::string key, agent, error;
  std::vector<std::string> names;      // of read set or register
  std::vector<std::int64_t> versions;  // of the read set
  std::int64_t start = 0, end = 0;
};

class EntryReader {
 public:
  EntryReader(const nlohmann::json& entry, const Mapping* mapping)
      : entry_(entry), mapping_(mapping) {}

  // False when the entry is none of ours; what is wrong with it in `problem`.
  bool read(Entry& out, std::string& problem) {
    const nlohmann::json* request = member(entry_, "request");
    const nlohmann::json* response = member(entry_, "response");
    const auto started = iso_time(text_at(entry_, "startedDateTime"));
    const nlohmann::json* took = member(entry_, "time");
    if (request == nullptr || response == nullptr || !started) {
      problem = "an entry needs startedDateTime, request and response";
      return false;
    }
    const double ms = took != nullptr && took->is_number() ? std::max(0.0, took->get<double>()) : 0;
    if (!(ms < 1e12)) {
      problem = "\"time\" is out of range";
      return false;
    }
    out.start = *started;
    out.end = *started + static_cast<std::int64_t>(std::llround(ms * 1e6));
    const auto status = integer_at(*response, "status");
    if (!status || *status < 0 || *status > 999) {
      problem = "\"status\": expected an HTTP status";
      return false;
    }
    out.record.status = static_cast<int>(*status);
    method_ = text_at(*request, "method");
    target_ = target_of(text_at(*request, "url"));
    asked_ = body_of(member(*request, "postData"));
    answered_ = body_of(member(*response, "content"));
    etag_ = header(*response, "etag");
    if_match_ = header(*request, "if-match");
    out.error = text_at(answered_, "error");
    return mapping_ != nullptr ? by_rules(out) : by_endpoint(out);
  }

 private:
  [[nodiscard]] std::optional<std::int64_t> etag_version(
      const std::optional<std::string>& tag) const {
    return tag ? version_text(*tag) : std::nullopt;
  }
  void take_read_set(Entry& out) const {
    const nlohmann::json* items = member(asked_, "read_set");
    if (items == nullptr || !items->is_array()) return;
    for (const nlohmann::json& item : *items) {
      const auto version = integer_at(item, "version_at_read");
      if (!version || *version < 0) continue;
      out.names.push_back(text_at(item, "key"));
      out.versions.push_back(*version);
    }
  }
  bool by_rules(Entry& out) const {
    HttpRequest request;
    request.method = method_;
    request.target = target_;
    request.status = out.record.status;
    const auto mapped = map_request(*mapping_, request);
    if (!mapped) return false;
    out.record.op = mapped->op;
    out.key = mapped->key;
    out.agent = mapped->agent;
    out.record.version = mapped->version ? mapped->version : etag_version(etag_);
    if (mapped->op == Op::kCommit) {
      out.record.expected = etag_version(if_match_);
      take_read_set(out);
    }
    if (mapped->op == Op::kRegister) out.names.push_back(mapped->key);
    return true;
  }
  bool by_endpoint(Entry& out) const {
    const std::string path = target_.substr(0, target_.find('?'));
    OpRecord& record = out.record;
    out.agent = text_at(asked_, "agent_id");
    out.key = text_at(asked_, "key");
    const auto body_version = integer_at(answered_, "version");
    if (method_ == "GET" && path.starts_with("/shard/") && path.size() > 7) {
      record.op = Op::kGet;
      out.key = percent_decoded(path.substr(7));
      out.agent = query_value(target_, "agent_id").value_or("");
      record.version = body_version ? body_version : etag_version(etag_);
      return true;
    }
    if (method_ != "POST") return false;
    if (path == "/shard") {
      record.op = Op::kCreate;
      record.version = 0;
    } else if (path == "/commit/v2" || path == "/commit") {
      record.op = Op::kCommit;
      record.expected = integer_at(asked_, "expected_version");
      if (!record.expected) record.expected = integer_at(asked_, "expected_ver");
      if (!record.expected) record.expected = etag_version(if_match_);
      record.version = integer_at(answered_, "new_version");
      if (!record.version) record.version = etag_version(etag_);
      take_read_set(out);
    } else if (path == "/rollback") {
      record.op = Op::kRollback;
      record.version = body_version ? body_version : etag_version(etag_);
    } else if (path == "/session") {
      record.op = Op::kSession;
    } else if (path == "/delivery_log/register") {
      record.op = Op::kRegister;
      if (const nlohmann::json* used = member(asked_, "shards_used");
          used != nullptr && used->is_array()) {
        for (const nlohmann::json& name : *used) {
          if (name.is_string()) out.names.push_back(name.get<std::string>());
        }
      }
    } else {
      return false;
    }
    return true;
  }

  const nlohmann::json& entry_;
  const Mapping* mapping_;
  std::string method_, target_;
  nlohmann::json asked_, answered_;
  std::optional<std::string> etag_, if_match_;
};

class HarSource final : public OpSource {
 public:
  HarSource(core::ByteSource& source, const OpSourceOptions& options) {
    const std::string text = core::read_all(source, kMostHarBytes);
    bytes_ = text.size();
    const nlohmann::json document = core::parse_json(text, source.name());
    const nlohmann::json* log = member(document, "log");
    const nlohmann::json* entries = log == nullptr ? nullptr : member(*log, "entries");
    if (entries == nullptr || !entries->is_array()) {
      throw core::input_error({source.name()}, "an HTTP archive has \"log\": {\"entries\": [...]}");
    }
    std::uint64_t number = 0;
    for (const nlohmann::json& entry : *entries) {
      Entry read;
      std::string problem;
      read.record.line = ++number;  // archives have no lines; entries are counted from 1
      if (EntryReader(entry, options.mapping).read(read, problem)) {
        entries_.push_back(std::move(read));
      } else if (problem.empty()) {
        ++unmatched_;
      } else if (options.skip_bad) {
        ++skipped_;
      } else {
        throw core::input_error({source.name()},
                                "entry " + std::to_string(number) + ": " + problem);
      }
    }
    std::stable_sort(entries_.begin(), entries_.end(),
                     [](const Entry& x, const Entry& y) { return x.end < y.end; });
  }

  bool next(OpRecord& out) override {
    if (at_ == entries_.size()) return false;
    const Entry& entry = entries_[at_++];
    const std::uint32_t file = out.file;
    out = entry.record;
    out.file = file;
    out.key = entry.key;
    out.agent = entry.agent;
    out.error = entry.error;
    out.ts = out.end = entry.end;
    out.start = entry.start;
    for (std::size_t i = 0; i < entry.names.size(); ++i) {
      if (out.op == Op::kRegister) {
        out.keys.emplace_back(entry.names[i]);
      } else {
        out.read_set.push_back({entry.names[i], entry.versions[i]});
      }
    }
    return true;
  }
  [[nodiscard]] std::uint64_t bytes_read() const override { return bytes_; }

 private:
  std::vector<Entry> entries_;
  std::size_t at_ = 0;
  std::uint64_t bytes_ = 0;
};

}  // namespace

std::unique_ptr<OpSource> har_source(std::unique_ptr<core::ByteSource> source,
                                     const OpSourceOptions& options) {
  return std::make_unique<HarSource>(*source, options);
}

}  // namespace stateutils::sbus
