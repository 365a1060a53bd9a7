#include "sbus/op_source.hpp"

#include <algorithm>
#include <cstring>

#include "core/jsonl.hpp"
#include "sbus/oplog.hpp"
#include "sbus/oplog_line.hpp"
#include "sbus/wal.hpp"

namespace stateutils::sbus {
namespace {

// A source whose first bytes have been looked at.
class PeekedSource final : public core::ByteSource {
 public:
  explicit PeekedSource(core::ByteSource& source)
      : core::ByteSource(source.name()), source_(source) {}

  // The first line that is not blank, as far as it is within the first blocks.
  std::string_view peek() {
    char block[4096];
    while (head_.size() < sizeof block) {
      const std::size_t text = head_.find_first_not_of(" \t\r\n");
      // A brace alone on its line does not tell an archive from other JSON.
      const std::size_t from = text == std::string::npos ? text : text + 3;
      if (from < head_.size() && head_.find('\n', from) != std::string::npos) break;
      const std::size_t got = source_.read(block, sizeof block);
      if (got == 0) break;
      head_.append(block, got);
    }
    return head_;
  }
  std::size_t read(char* data, std::size_t size) override {
    if (taken_ == head_.size()) return source_.read(data, size);
    const std::size_t part = std::min(size, head_.size() - taken_);
    std::memcpy(data, head_.data() + taken_, part);
    taken_ += part;
    return part;
  }
  [[nodiscard]] bool is_live() const override { return source_.is_live(); }

 private:
  core::ByteSource& source_;
  std::string head_;
  std::size_t taken_ = 0;
};

// Operation logs, and the server's write-ahead logs with their chain.
class OplogSource final : public OpSource {
 public:
  OplogSource(std::unique_ptr<core::ByteSource> source, const OpSourceOptions& options, bool wal,
              bool whole_read_sets)
      : source_(std::move(source)),
        whole_read_sets_(whole_read_sets),
        skip_bad_(options.skip_bad && !wal),  // a chain has no lines to leave out
        reader_(*source_, {.format = "oplog", .tail = options.tail, .open_ended = wal}) {
    if (wal) chain_.emplace();
    if (options.on_idle) reader_.on_idle(options.on_idle);
    if (skip_bad_) reader_.on_bad_line([this](const core::Error&) { ++skipped_; });
  }

  bool next(OpRecord& out) override {
    for (;;) {
      const core::JsonlReader::Step step = this->step(out);
      if (!step.more) return false;
      if (step.record == nullptr) {
        out.line = reader_.line();
      } else if (!decode(*step.record, out)) {
        continue;
      }
      out.whole_read_set = whole_read_sets_;
      return true;
    }
  }
  [[nodiscard]] std::uint64_t bytes_read() const override { return reader_.bytes_read(); }

 private:
  // Lines of plain form go into `out` at once. The links of a chain are verified on records.
  core::JsonlReader::Step step(OpRecord& out) {
    if (!chain_) {
      return reader_.next_or(
          [&out](std::string_view line) { return decode_plain_line(line, out); });
    }
    const core::Record* record = reader_.next();
    if (record != nullptr) chain_->verify(*record);
    return {record != nullptr, record};
  }
  // False for a record that is passed over.
  bool decode(const core::Record& record, OpRecord& out) {
    try {
      decoder_.decode(record, out);
      return true;
    } catch (const core::Error&) {
      if (!skip_bad_) throw;
      ++skipped_;
      return false;
    }
  }

  std::unique_ptr<core::ByteSource> source_;
  bool whole_read_sets_;
  bool skip_bad_;
  core::JsonlReader reader_;
  OplogDecoder decoder_;
  std::optional<HashChain> chain_;
};

// Enough to tell the forms apart: JSON that begins with "jsonrpc" in its first line, an archive
// that opens with "log", a write-ahead log, which says so in its header, other JSON, and what is no
// JSON at all.
LogFormat guess(std::string_view head) {
  constexpr std::string_view kBom = "\xEF\xBB\xBF";
  if (head.starts_with(kBom)) head.remove_prefix(kBom.size());
  const std::size_t begin = head.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) return LogFormat::kJsonl;
  head.remove_prefix(begin);
  if (head.front() != '{' && head.front() != '[') return LogFormat::kClf;
  const std::size_t key = head.find_first_not_of(" \t\r\n", 1);
  if (key != std::string_view::npos && head.substr(key).starts_with("\"log\"")) {
    return LogFormat::kHar;
  }
  const std::string_view line = head.substr(0, head.find('\n'));
  if (is_wal_header(line)) return LogFormat::kWal;
  return line.find("\"jsonrpc\"") != std::string_view::npos ? LogFormat::kMcp : LogFormat::kJsonl;
}

}  // namespace

LogFormat log_format_by_name(std::string_view name) {
  if (name == "jsonl") return LogFormat::kJsonl;
  if (name == "clf") return LogFormat::kClf;
  if (name == "har") return LogFormat::kHar;
  if (name == "mcp") return LogFormat::kMcp;
  if (name == "sbus-wal") return LogFormat::kWal;
  if (name == "sbus-pg") return LogFormat::kPg;
  return LogFormat::kAuto;
}

std::unique_ptr<OpSource> open_log(core::ByteSource& source, const OpSourceOptions& options,
                                   LogFormat* format) {
  auto peeked = std::make_unique<PeekedSource>(source);
  LogFormat known = options.format;
  if (known == LogFormat::kAuto) known = guess(peeked->peek());
  if (format != nullptr) *format = known;
  switch (known) {
    case LogFormat::kClf:
      return clf_source(std::move(peeked), options);
    case LogFormat::kHar:
      return har_source(std::move(peeked), options);
    case LogFormat::kMcp:
      return mcp_source(std::move(peeked), options);
    default:
      return std::make_unique<OplogSource>(std::move(peeked), options, known == LogFormat::kWal,
                                           known == LogFormat::kWal || known == LogFormat::kPg);
  }
}

}  // namespace stateutils::sbus
