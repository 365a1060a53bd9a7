// Rows of points on their way out: .npy, raw, CSV or JSON Lines, in blocks, from several threads
// where that pays.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "core/io.hpp"
#include "core/npy.hpp"
#include "core/output.hpp"
#include "lent_pages.hpp"
#include "qmc/points.hpp"

namespace stateutils::tools {

enum class TextFormat { kNone, kCsv, kJsonl };

// What fills `rows` rows from `first` into `out`.
using RowFiller = std::function<void(std::uint64_t first, std::uint64_t rows, void* out)>;

struct RowStream {
  RowFiller fill;
  std::size_t columns = 0;
  core::NpyType type = core::NpyType::kF8;
  std::uint64_t block_rows = 1;  // chunks are multiples of it
  bool costly = false;           // threads pay
};

// Writes rows [first, first + rows) of the stream. Memory does not grow with the rows. Given
// `pages`, which lead to where `out` does, what is no text is lent there.
void write_rows(core::Output& out, const RowStream& stream, std::uint64_t first, std::uint64_t rows,
                TextFormat text, int threads, LentPages* pages = nullptr);

// A version 1.0 header; `comment` goes into the padding behind the dictionary, where readers that
// evaluate the dictionary as Python see a comment.
[[nodiscard]] std::string npy_header_with_comment(core::NpyType type,
                                                  const std::vector<std::uint64_t>& shape,
                                                  const std::string& comment);

}  // namespace stateutils::tools
