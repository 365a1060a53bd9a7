#include <algorithm>
#include <bit>
#include <cstring>
#include <new>
#include <utility>

#include "core/jsonl.hpp"

namespace stateutils::core {
namespace {

using simdjson::error_code;

constexpr std::size_t kMaxDepth = 64;
constexpr std::size_t kFirstCapacity = 64 << 10;
constexpr std::string_view kFormatPrefix = "stateutils.";

bool is_blank(std::string_view line) {
  return line.find_first_not_of(" \t\r") == std::string_view::npos;
}

const char* explain(error_code code) {
  switch (code) {
    case simdjson::UTF8_ERROR:
      return "invalid UTF-8";
    case simdjson::DEPTH_ERROR:
      return "nested deeper than 64 levels";
    case simdjson::NUMBER_ERROR:
      return "malformed JSON: a number that is wrong or out of range";
    case simdjson::STRING_ERROR:
      return "malformed JSON: a wrong escape in a string";
    case simdjson::UNCLOSED_STRING:
      return "malformed JSON: a string without its closing quote";
    case simdjson::UNESCAPED_CHARS:
      return "malformed JSON: a control character in a string";
    case simdjson::T_ATOM_ERROR:
    case simdjson::F_ATOM_ERROR:
    case simdjson::N_ATOM_ERROR:
      return "malformed JSON: expected true, false or null";
    default:
      return "malformed JSON: expected exactly one object on the line";
  }
}

// simdjson 3.0 decodes an unpaired surrogate to bytes that are no UTF-8. An escape that could be
// one is rare, so such lines are checked once more.
bool may_hold_surrogate(std::string_view line) {
  for (std::size_t at = line.find("\\u"); at != std::string_view::npos;
       at = line.find("\\u", at + 2)) {
    if (at + 2 < line.size() && (line[at + 2] == 'd' || line[at + 2] == 'D')) return true;
  }
  return false;
}

bool is_utf8(std::string_view text) {
  return simdjson::validate_utf8(text.data(), text.size());
}

bool strings_are_utf8(const simdjson::dom::element& value) {
  std::string_view text;
  simdjson::dom::array array;
  simdjson::dom::object object;
  if (value.get(text) == simdjson::SUCCESS) return is_utf8(text);
  if (value.get(array) == simdjson::SUCCESS) {
    return std::all_of(array.begin(), array.end(), strings_are_utf8);
  }
  if (value.get(object) == simdjson::SUCCESS) {
    for (const auto field : object) {
      if (!is_utf8(field.key) || !strings_are_utf8(field.value)) return false;
    }
  }
  return true;
}

}  // namespace

struct JsonlReader::State {
  ByteSource& source;
  JsonlOptions options;
  LineReader lines;
  simdjson::dom::parser parser{};
  std::size_t capacity = 0;
  Record record{};
  std::function<void(const Error&)> bad_line{};
  LineShortener* shortener = nullptr;
  std::optional<FrameHeader> header{};
  bool in_frame = false;     // a header was read and its trailer was not
  bool after_frame = false;  // a trailer was read and no header since
  std::uint64_t in_this_frame = 0;

  State(ByteSource& from, JsonlOptions given)
      : source(from), options(std::move(given)), lines(from, options.max_line) {}

  [[nodiscard]] Error error(const std::string& message) const {
    return input_error(lines.place(), message);
  }

  void reserve(std::size_t size) {
    if (size <= capacity) return;
    capacity = std::max(kFirstCapacity, std::bit_ceil(size));
    if (parser.allocate(capacity, kMaxDepth) != simdjson::SUCCESS ||
        parser.doc.allocate(capacity) != simdjson::SUCCESS) {
      throw std::bad_alloc();
    }
  }

  // The line's object into `record`; why not, when it has none.
  const char* parse(std::string_view text) {
    reserve(text.size());
    simdjson::dom::element root;
    const error_code code = parser.parse(text.data(), text.size(), false).get(root);
    if (code == simdjson::MEMALLOC) throw std::bad_alloc();
    if (code != simdjson::SUCCESS) return explain(code);
    if (root.get(record.object_) != simdjson::SUCCESS) return "expected an object";
    if (may_hold_surrogate(text) && !strings_are_utf8(root)) return "an unpaired surrogate escape";
    record.indexed_ = false;
    record.text_ = text;
    record.file_ = &source.name();
    record.line_ = lines.line_number();
    return nullptr;
  }

  // The same by a shorter text where there is one. What is wrong with it is told of the whole line.
  const char* parse_short(std::string_view text) {
    if (shortener == nullptr) return parse(text);
    const std::string_view shorter = shortener->shorten(text);
    if (shorter.data() == text.data() || parse(shorter) != nullptr ||
        !shortener->stands(record.object_)) {
      return parse(text);
    }
    record.text_ = text;
    return nullptr;
  }

  void take_header(std::string_view format) {
    if (in_frame && !options.tail) throw error("a second header inside a stream: it was cut off");
    const std::string_view name = format.substr(kFormatPrefix.size());
    if (!options.format.empty() && name != options.format) {
      throw error("a stream of " + quoted(format) + ", expected " +
                  quoted(std::string(kFormatPrefix) + options.format));
    }
    const std::int64_t version = record.i64("version");
    if (version < 1 || version > options.version) {
      throw error("version " + std::to_string(version) + " of " + quoted(format) +
                  ", this program reads up to " + std::to_string(options.version));
    }
    if (!header) {
      header = FrameHeader{std::string(name), static_cast<int>(version), std::string(record.text_)};
    }
    in_frame = true;
    after_frame = false;
    in_this_frame = 0;
  }

  void take_trailer() {
    if (after_frame) throw error("a second trailer");
    const std::uint64_t claimed = record.u64("records");
    if (claimed != in_this_frame && !options.tail) {
      throw error("the trailer counts " + std::to_string(claimed) + " records, " +
                  std::to_string(in_this_frame) + " were read: the stream was cut");
    }
    in_frame = false;
    after_frame = true;
  }

  // Where a header may be, it is looked for under any key order; elsewhere a first key tells frame
  // records from data at the cost of one comparison. Framing is part of the stream, not of a line,
  // so its errors are never passed to the handler of bad lines.
  bool take_frame_record() {
    const auto first = record.object_.begin();
    if (first == record.object_.end()) return false;
    const std::string_view key = first.key();
    const bool may_begin = !in_frame && in_this_frame == 0;
    std::string_view format;
    if ((may_begin || after_frame || key == "format") &&
        record.object_["format"].get(format) == simdjson::SUCCESS &&
        format.starts_with(kFormatPrefix)) {
      take_header(format);
      return true;
    }
    bool end = false;
    if ((key == "end" || key == "records") && record.object_["end"].get(end) == simdjson::SUCCESS &&
        end && record.has("records")) {
      take_trailer();
      return true;
    }
    return false;
  }

  JsonlReader::Step next(const std::function<bool(std::string_view)>* take) {
    std::string_view text;
    while (lines.next(text)) {
      if (take != nullptr && !after_frame && (*take)(text)) {
        ++in_this_frame;
        return {true, nullptr};
      }
      if (is_blank(text)) continue;
      if (const char* problem = parse_short(text)) {
        if (options.tail && !lines.ended_by_newline()) return {};
        if (!bad_line) throw error(problem);
        ++in_this_frame;  // its writer counted it
        bad_line(error(problem));
        continue;
      }
      if (take_frame_record()) continue;
      if (after_frame) throw error("a record after the trailer");
      ++in_this_frame;
      return {true, &record};
    }
    if (in_frame && !options.tail && !options.open_ended) {
      throw error("the stream ends after " + std::to_string(in_this_frame) +
                  " records without its trailer: it was cut off");
    }
    return {};
  }
};

JsonlReader::JsonlReader(ByteSource& source, JsonlOptions options)
    : state_(std::make_unique<State>(source, std::move(options))) {}
JsonlReader::~JsonlReader() = default;

const Record* JsonlReader::next() {
  return state_->next(nullptr).record;
}
JsonlReader::Step JsonlReader::next_or(const std::function<bool(std::string_view)>& take) {
  return state_->next(&take);
}
void JsonlReader::on_bad_line(std::function<void(const Error&)> handler) {
  state_->bad_line = std::move(handler);
}
void JsonlReader::on_idle(std::function<void()> handler) {
  state_->lines.on_idle(std::move(handler));
}
void JsonlReader::shorten_lines(LineShortener& shortener) {
  state_->shortener = &shortener;
}
const std::optional<FrameHeader>& JsonlReader::header() const {
  return state_->header;
}
std::uint64_t JsonlReader::line() const {
  return state_->lines.line_number();
}
std::uint64_t JsonlReader::bytes_read() const {
  return state_->lines.bytes_read();
}

}  // namespace stateutils::core
