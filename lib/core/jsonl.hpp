// JSON Lines streams: strict reading with file:line errors, framed writing (records.md "Framing").
#pragma once

#include <simdjson.h>

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"
#include "core/input.hpp"
#include "core/json_writer.hpp"
#include "core/output.hpp"

namespace stateutils::core {

struct JsonlOptions {
  std::uint64_t max_line = 64ull << 20;  // longer lines are kInput
  std::string format;                    // expected frame name without "stateutils."; empty = any
  int version = 1;                       // frames of a higher version are kInput
  bool tail = false;                     // accept a cut-off stream (--tail)
  bool open_ended = false;               // a header without a trailer is no cut: a log still open
};

// One line's object. Valid until the next call of JsonlReader::next(). Look-ups check the kind and
// report file:line: "key": what was found. A key that appears twice is kInput when looked up.
class Record {
 public:
  [[nodiscard]] bool has(std::string_view key) const;
  [[nodiscard]] bool is_null_or_absent(std::string_view key) const;

  [[nodiscard]] std::string_view string(std::string_view key) const;
  [[nodiscard]] std::int64_t i64(std::string_view key) const;   // integers only, in range
  [[nodiscard]] std::uint64_t u64(std::string_view key) const;  // also accepts a decimal string
  [[nodiscard]] double number(std::string_view key) const;      // integer or float
  [[nodiscard]] bool boolean(std::string_view key) const;
  [[nodiscard]] simdjson::dom::array array(std::string_view key) const;
  [[nodiscard]] simdjson::dom::object object(std::string_view key) const;
  [[nodiscard]] std::optional<simdjson::dom::element> find(std::string_view key) const;

  // Absent or null gives the empty value.
  [[nodiscard]] std::optional<std::string_view> opt_string(std::string_view key) const;
  [[nodiscard]] std::optional<std::int64_t> opt_i64(std::string_view key) const;
  [[nodiscard]] std::optional<std::uint64_t> opt_u64(std::string_view key) const;
  [[nodiscard]] std::optional<double> opt_number(std::string_view key) const;
  [[nodiscard]] std::optional<bool> opt_boolean(std::string_view key) const;

  // One pass over the object for hot readers: values[i] is set for keys[i] (absent: nullopt), with
  // the check for doubled known keys. Sizes must be equal.
  void match(std::span<const std::string_view> keys,
             std::span<std::optional<simdjson::dom::element>> values) const;

  // The same checks for a value already at hand (from match(), or inside an array); `key` names it
  // in messages.
  [[nodiscard]] std::string_view as_string(std::string_view key,
                                           const simdjson::dom::element& value) const;
  [[nodiscard]] std::int64_t as_i64(std::string_view key,
                                    const simdjson::dom::element& value) const;
  [[nodiscard]] std::uint64_t as_u64(std::string_view key,
                                     const simdjson::dom::element& value) const;
  [[nodiscard]] double as_number(std::string_view key, const simdjson::dom::element& value) const;
  [[nodiscard]] bool as_boolean(std::string_view key, const simdjson::dom::element& value) const;
  [[nodiscard]] simdjson::dom::array as_array(std::string_view key,
                                              const simdjson::dom::element& value) const;
  [[nodiscard]] simdjson::dom::object as_object(std::string_view key,
                                                const simdjson::dom::element& value) const;

  // An object inside this record with the same checks and messages; as short-lived as this record.
  [[nodiscard]] Record nested(simdjson::dom::object object) const;

  [[nodiscard]] Error error(const std::string& message) const;  // kInput at this line
  [[nodiscard]] Place place() const;
  [[nodiscard]] std::uint64_t line() const { return line_; }
  [[nodiscard]] simdjson::dom::object raw() const { return object_; }
  [[nodiscard]] std::string_view text() const { return text_; }  // the line without its end

 private:
  friend class JsonlReader;
  struct Field {
    std::string_view name;
    simdjson::dom::element value;
  };
  void index() const;
  [[nodiscard]] const simdjson::dom::element* look_up(std::string_view key) const;
  [[nodiscard]] const simdjson::dom::element& require(std::string_view key) const;
  [[nodiscard]] const simdjson::dom::element* non_null(std::string_view key) const;
  [[nodiscard]] Error wrong_kind(std::string_view key, const char* expected,
                                 const simdjson::dom::element& found) const;
  [[nodiscard]] Error doubled(std::string_view key) const;

  // The object as a list, made by the first look-up, so that each key is found (and checked for
  // being doubled) without walking the tape again.
  mutable std::vector<Field> fields_;
  mutable bool indexed_ = false;
  simdjson::dom::object object_;
  std::string_view text_;
  const std::string* file_ = nullptr;
  std::uint64_t line_ = 0;
};

// The header record of a framed stream, kept as JSON text.
struct FrameHeader {
  std::string name;  // without "stateutils."
  int version = 1;
  std::string json;
};

// Lines of which a part is known from lines before need not be parsed whole.
class LineShortener {
 public:
  virtual ~LineShortener() = default;
  // A text that is valid JSON exactly when the line is, with simdjson's padding readable behind it;
  // or the line itself.
  [[nodiscard]] virtual std::string_view shorten(std::string_view line) = 0;
  // Whether the object that a shortened text holds stands for the line's; else that is parsed
  // whole.
  [[nodiscard]] virtual bool stands(simdjson::dom::object object) = 0;
};

// Reads objects one line at a time. Accepts a BOM, CRLF, blank lines and a missing last newline;
// refuses invalid UTF-8, two values on a line, nesting deeper than 64, lines that are no object.
// Frame header and trailer are consumed and checked: a header without trailer, or a count that
// differs, is kInput unless `tail`; with `open_ended` only a torn last line or a wrong count is.
class JsonlReader {
 public:
  explicit JsonlReader(ByteSource& source, JsonlOptions options = {});
  JsonlReader(const JsonlReader&) = delete;
  JsonlReader& operator=(const JsonlReader&) = delete;
  ~JsonlReader();

  // The next record, or nullptr at the end.
  [[nodiscard]] const Record* next();
  // The same for callers with a faster way to read their stream's usual lines: `take` is asked
  // first about lines that may be data. It may take a line only if it is one object without doubled
  // keys, no header and no trailer, and valid in every byte; simdjson's padding is readable behind
  // it.
  struct Step {
    bool more = false;               // false at the end
    const Record* record = nullptr;  // of a line that was not taken
  };
  [[nodiscard]] Step next_or(const std::function<bool(std::string_view line)>& take);
  // Lines that a caller wants skipped instead of reported: next() then returns the next good one.
  // The handler gets the error; only malformed lines are passed, never framing errors.
  void on_bad_line(std::function<void(const Error&)> handler);
  // Called before a read that would wait for a live input: filters flush their output here.
  void on_idle(std::function<void()> handler);
  // Asked about every line from here on; Record::text() and errors are those of the whole line.
  void shorten_lines(LineShortener& shortener);
  [[nodiscard]] const std::optional<FrameHeader>& header() const;
  [[nodiscard]] std::uint64_t line() const;
  [[nodiscard]] std::uint64_t bytes_read() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// A line splitter with the same limits, for text formats that are not JSON. Lines come without
// their end; `line_number` starts at 1. simdjson's padding is readable behind every line.
class LineReader {
 public:
  explicit LineReader(ByteSource& source, std::uint64_t max_line = 64ull << 20);
  LineReader(const LineReader&) = delete;
  LineReader& operator=(const LineReader&) = delete;
  ~LineReader();
  [[nodiscard]] bool next(std::string_view& line);
  [[nodiscard]] std::uint64_t line_number() const;
  // False when the input ended before the last line's newline.
  [[nodiscard]] bool ended_by_newline() const;
  [[nodiscard]] std::uint64_t bytes_read() const;  // from the source, lines yet to come included
  [[nodiscard]] Place place() const;
  void on_idle(std::function<void()> handler);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

struct FrameOptions {
  bool framed = true;  // --no-frame clears it
};

// Writes records with keys in the order given. begin()/end() bracket one record:
//   writer.begin().field("id", id).field("t", t); writer.end();
class JsonlWriter {
 public:
  explicit JsonlWriter(Output& out, FrameOptions options = {});
  JsonlWriter(const JsonlWriter&) = delete;
  JsonlWriter& operator=(const JsonlWriter&) = delete;

  // {"format":"stateutils.NAME","version":V, ...extra...}; nothing when not framed.
  void header(std::string_view name, int version,
              const std::function<void(JsonWriter&)>& extra = nullptr);
  JsonWriter& begin();
  void end();
  void record(std::string_view json);  // a complete object, already valid JSON
  // {"end":true,"records":N, ...extra...}; nothing when not framed.
  void trailer(const std::function<void(JsonWriter&)>& extra = nullptr);
  void line_buffered(bool on) { line_buffered_ = on; }
  [[nodiscard]] std::uint64_t records() const { return records_; }

 private:
  void deliver();

  Output& out_;
  FrameOptions options_;
  std::string text_;
  JsonWriter json_{text_};
  std::uint64_t records_ = 0;
  bool line_buffered_ = false;
};

}  // namespace stateutils::core
