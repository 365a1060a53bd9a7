#include "point_output.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "core/error.hpp"
#include "core/signals.hpp"
#include "core/threads.hpp"

namespace stateutils::tools {
namespace {

// Rounds of a costly generator: enough work per thread to hide the start of a team.
constexpr std::uint64_t kChunksPerThread = 4;

template <class T>
void append_number(std::string& text, const char* item) {
  T value;
  std::memcpy(&value, item, sizeof value);
  char digits[32];
  const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  text.append(digits, end);
}

void append_item(std::string& text, core::NpyType type, const char* item) {
  switch (type) {
    case core::NpyType::kF4:
      return append_number<float>(text, item);
    case core::NpyType::kU4:
      return append_number<std::uint32_t>(text, item);
    case core::NpyType::kU8:
      return append_number<std::uint64_t>(text, item);
    default:
      return append_number<double>(text, item);
  }
}

void append_text(std::string& text, TextFormat format, core::NpyType type, std::size_t columns,
                 std::uint64_t rows, const char* data) {
  const std::size_t item = core::item_size(type);
  for (std::uint64_t i = 0; i < rows; ++i) {
    if (format == TextFormat::kJsonl) text += '[';
    for (std::size_t j = 0; j < columns; ++j, data += item) {
      if (j > 0) text += ',';
      append_item(text, type, data);
    }
    text += format == TextFormat::kJsonl ? "]\n" : "\n";
  }
}

}  // namespace

void write_rows(core::Output& out, const RowStream& stream, std::uint64_t first, std::uint64_t rows,
                TextFormat text, int threads, LentPages* pages) {
  const std::size_t row_bytes = stream.columns * core::item_size(stream.type);
  if (row_bytes == 0) {
    for (std::uint64_t i = 0; i < rows && text != TextFormat::kNone; ++i) {
      out.write(text == TextFormat::kJsonl ? "[]\n" : "\n");
    }
    return;
  }
  // A chunk is the least multiple of the block that fills an output block.
  const std::uint64_t wanted = core::kBlockBytes / (text == TextFormat::kNone ? 1 : 4);
  const std::uint64_t block_bytes = stream.block_rows * row_bytes;
  const std::uint64_t chunk = (wanted + block_bytes - 1) / block_bytes * stream.block_rows;
  const std::uint64_t team = stream.costly ? static_cast<std::uint64_t>(std::max(threads, 1)) : 1;
  const std::uint64_t chunks =
      std::min(team > 1 ? team * kChunksPerThread : 1, (rows + chunk - 1) / chunk);
  const std::size_t room = chunks * std::min(chunk, rows) * row_bytes;
  qmc::AlignedWords buffer(pages == nullptr ? (room + 7) / 8 : 0);
  std::vector<std::string> texts(chunks);
  // Whole blocks go out without a copy when nothing is buffered before them.
  const bool direct = text == TextFormat::kNone && rows * row_bytes >= core::kBlockBytes;
  if (direct) out.flush();

  for (std::uint64_t done = 0; done < rows;) {
    core::check_stop();
    // The first chunk ends at a multiple of the block, so that the others start at one.
    const std::uint64_t lead = (first + done) % stream.block_rows;
    const std::uint64_t now = std::min(rows - done, chunks * chunk - lead);
    const std::uint64_t parts = (now + lead + chunk - 1) / chunk;
    char* bytes = pages != nullptr ? pages->area(room) : reinterpret_cast<char*>(buffer.data());
    core::parallel_for(parts, static_cast<int>(team), [&](std::uint64_t p) {
      const std::uint64_t from = p == 0 ? 0 : p * chunk - lead;
      const std::uint64_t to = std::min(now, (p + 1) * chunk - lead);
      char* data = bytes + from * row_bytes;
      stream.fill(first + done + from, to - from, data);
      if (text == TextFormat::kNone) return;
      texts[p].clear();
      append_text(texts[p], text, stream.type, stream.columns, to - from, data);
    });
    if (pages != nullptr) {
      pages->lend(now * row_bytes);
    } else if (text == TextFormat::kNone) {
      out.write(bytes, now * row_bytes);
      if (direct) out.flush();
    }
    for (std::uint64_t p = 0; p < parts && text != TextFormat::kNone; ++p) out.write(texts[p]);
    done += now;
  }
}

std::string npy_header_with_comment(core::NpyType type, const std::vector<std::uint64_t>& shape,
                                    const std::string& comment) {
  std::string header = core::npy_header_bytes(type, shape);
  if (comment.empty()) return header;
  constexpr std::size_t kPrefix = 10;  // magic, version, length
  header.erase(header.find_last_not_of(" \n") + 1);
  header += ' ' + comment;
  header.append(63 - header.size() % 64, ' ');
  header += '\n';
  const std::size_t length = header.size() - kPrefix;
  header[8] = static_cast<char>(length & 0xFF);
  header[9] = static_cast<char>(length >> 8);
  return header;
}

}  // namespace stateutils::tools
