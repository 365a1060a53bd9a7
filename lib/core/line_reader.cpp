#include <algorithm>
#include <cstring>
#include <utility>

#include "core/jsonl.hpp"

namespace stateutils::core {
namespace {

constexpr std::size_t kLineBlock = 1 << 20;
constexpr std::size_t kSmallBlock = 32 << 10;
constexpr std::size_t kPadding = simdjson::SIMDJSON_PADDING;
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
// What a line may have besides its content: a byte order mark and a carriage return.
constexpr std::uint64_t kOverhead = 4;

}  // namespace

// A window over the source: [begin, end) has been read and not yet given out; nothing below `scan`
// is a newline, so that a long line is searched once however often it grows.
struct LineReader::State {
  ByteSource& source;
  std::uint64_t max_line;
  std::function<void()> idle{};
  // A block, or less where lines are known to be short.
  std::size_t capacity = static_cast<std::size_t>(
      std::clamp<std::uint64_t>(max_line, kSmallBlock / 4, kLineBlock / 4) * 4);
  std::unique_ptr<char[]> buffer = std::make_unique_for_overwrite<char[]>(capacity + kPadding);
  std::size_t begin = 0, scan = 0, end = 0;
  std::uint64_t line_number = 0, bytes_read = 0;
  bool at_end = false, ended_by_newline = true;

  [[nodiscard]] Place place() const { return {source.name(), line_number, {}}; }

  [[noreturn]] void too_long() const {
    throw input_error(place(),
                      "line longer than " + std::to_string(max_line) + " bytes (--max-line)");
  }

  // Makes room behind the unfinished line: by moving it to the front, or in a larger buffer once
  // it fills half of this one. At most about four times the longest line, plus a block.
  void make_room() {
    const std::size_t held = end - begin;
    if (held > capacity / 2) {
      const std::size_t larger = 2 * capacity;
      auto grown = std::make_unique_for_overwrite<char[]>(larger + kPadding);
      std::memcpy(grown.get(), buffer.get() + begin, held);
      buffer = std::move(grown);
      capacity = larger;
    } else if (begin > 0) {
      std::memmove(buffer.get(), buffer.get() + begin, held);
    }
    scan -= begin;
    end = held;
    begin = 0;
  }

  void fill() {
    make_room();
    if (idle && source.would_wait()) idle();
    const std::size_t got = source.read(buffer.get() + end, std::min(kLineBlock, capacity - end));
    end += got;
    bytes_read += got;
    at_end = got == 0;
  }

  bool next(std::string_view& line) {
    const char* stop = nullptr;
    for (;;) {
      const auto* newline =
          static_cast<const char*>(std::memchr(buffer.get() + scan, '\n', end - scan));
      if (newline != nullptr) {
        stop = newline;
        break;
      }
      scan = end;
      if (at_end) {
        if (begin == end) return false;
        stop = buffer.get() + end;
        break;
      }
      if (end - begin > max_line + kOverhead) {
        ++line_number;
        too_long();
      }
      fill();
    }
    const char* start = buffer.get() + begin;
    ended_by_newline = stop != buffer.get() + end;
    begin = scan = static_cast<std::size_t>(stop - buffer.get()) + (ended_by_newline ? 1 : 0);
    line = {start, static_cast<std::size_t>(stop - start)};
    if (++line_number == 1 && line.starts_with(kByteOrderMark)) {
      line.remove_prefix(kByteOrderMark.size());
    }
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.size() > max_line) too_long();
    return true;
  }
};

LineReader::LineReader(ByteSource& source, std::uint64_t max_line)
    : state_(new State{.source = source, .max_line = max_line}) {}
LineReader::~LineReader() = default;

bool LineReader::next(std::string_view& line) {
  return state_->next(line);
}
std::uint64_t LineReader::line_number() const {
  return state_->line_number;
}
bool LineReader::ended_by_newline() const {
  return state_->ended_by_newline;
}
std::uint64_t LineReader::bytes_read() const {
  return state_->bytes_read;
}
Place LineReader::place() const {
  return state_->place();
}
void LineReader::on_idle(std::function<void()> handler) {
  state_->idle = std::move(handler);
}

}  // namespace stateutils::core
