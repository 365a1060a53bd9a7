// Streams give the same whatever the sizes of reads, and a stream that was cut is never accepted.
#include <doctest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "core/hash.hpp"
#include "core/input.hpp"
#include "core/jsonl.hpp"
#include "core/npy.hpp"
#include "core/output.hpp"
#include "core/rng.hpp"
#include "core/safetensors.hpp"

using namespace stateutils;

namespace {

// Gives its bytes in pieces of random size, as a pipe may.
class DribbleSource : public core::ByteSource {
 public:
  DribbleSource(std::string_view data, core::Rng& rng) : rest_(data), rng_(rng) {}
  std::size_t read(char* data, std::size_t size) override {
    const std::uint64_t most = rng_.chance(0.5) ? 7 : 3000;
    const std::size_t n = std::min({size, rest_.size(), 1 + rng_.below(most)});
    std::memcpy(data, rest_.data(), n);
    rest_.remove_prefix(n);
    return n;
  }

 private:
  std::string_view rest_;
  core::Rng& rng_;
};

struct Row {
  std::string text;
  std::int64_t i = 0;
  std::uint64_t u = 0, id = 0;
  double d = 0;
  bool b = false;
  friend bool operator==(const Row&, const Row&) = default;
};

double any_finite(core::Rng& rng) {
  for (;;) {
    const auto value = std::bit_cast<double>(rng.u64());
    if (std::isfinite(value)) return value;
  }
}

std::string any_text(core::Rng& rng) {
  static constexpr std::string_view kPieces[] = {
      "a", "\"", "\\", "\n", "\x01", "\x7f", "\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x98\x80"};
  std::string text;
  for (std::uint64_t n = rng.below(rng.chance(0.05) ? 4000 : 20); n > 0; --n) {
    text += rng.chance(0.7) ? "abcdefgh" : kPieces[rng.below(std::size(kPieces))];
  }
  return text;
}

Row any_row(core::Rng& rng) {
  return {any_text(rng),
          static_cast<std::int64_t>(rng.u64() >> rng.below(64)),
          rng.u64() >> rng.below(64),
          rng.u64() >> rng.below(64),
          rng.chance(0.1) ? -0.0 : any_finite(rng),
          rng.chance(0.5)};
}

std::string written(const std::vector<Row>& rows) {
  core::MemoryOutput out;
  core::JsonlWriter writer(out);
  writer.header("rows", 1);
  for (const Row& row : rows) {
    auto& json = writer.begin();
    json.field("text", row.text).field("i", row.i).field("u", row.u).field("d", row.d);
    json.key("id").identifier(row.id).field("b", row.b);
    writer.end();
  }
  writer.trailer();
  return out.text();
}

std::vector<Row> read_rows(core::ByteSource& source) {
  std::vector<Row> rows;
  core::JsonlReader reader(source);
  while (const core::Record* r = reader.next()) {
    rows.push_back({std::string(r->string("text")), r->i64("i"), r->u64("u"), r->u64("id"),
                    r->number("d"), r->boolean("b")});
  }
  return rows;
}

}  // namespace

TEST_CASE("records written are the records read, whatever the reads") {
  core::Rng rng(20, 1);
  for (int round = 0; round < 60; ++round) {
    std::vector<Row> rows(rng.below(40));
    for (Row& row : rows) row = any_row(rng);
    const std::string text = written(rows);
    const auto whole = core::memory_input(text);
    CHECK(read_rows(*whole) == rows);
    DribbleSource pieces(text, rng);
    CHECK(read_rows(pieces) == rows);
  }
}

TEST_CASE("a framed stream cut at any byte is an input error") {
  core::Rng rng(20, 2);
  std::vector<Row> rows(6);
  for (Row& row : rows) row = any_row(rng);
  const std::string text = written(rows);
  // The last byte is the trailer's newline, which may be missing.
  for (std::size_t cut = 1; cut + 1 < text.size(); ++cut) {
    const auto source = core::memory_input(std::string_view(text).substr(0, cut));
    bool refused = false;
    try {
      (void)read_rows(*source);
    } catch (const core::Error& e) {
      refused = e.category() == core::Category::kInput;
    }
    CHECK_MESSAGE(refused, "cut at byte " << cut);
  }
}

TEST_CASE("lines are the same whatever the reads") {
  core::Rng rng(20, 3);
  for (int round = 0; round < 40; ++round) {
    std::vector<std::string> lines(1 + rng.below(30));
    std::string text;
    for (std::string& line : lines) {
      line.assign(rng.below(rng.chance(0.1) ? 5000 : 30), 'x');
      text += line + (rng.chance(0.3) ? "\r\n" : "\n");
    }
    DribbleSource source(text, rng);
    core::LineReader reader(source, 5000);
    std::string_view line;
    for (const std::string& expected : lines) {
      REQUIRE(reader.next(line));
      CHECK(line == expected);
    }
    CHECK(!reader.next(line));
  }
}

TEST_CASE("arrays: Fortran order against indexing by hand, in both byte orders") {
  core::Rng rng(20, 4);
  for (int round = 0; round < 100; ++round) {
    std::vector<std::uint64_t> shape(rng.below(5));
    std::uint64_t items = 1;
    for (auto& extent : shape) items *= extent = rng.below(rng.chance(0.1) ? 1 : 6) + rng.below(2);
    // Item number n in C order has the value n; its place in Fortran order follows from its index.
    std::string data(items * 4, '\0');
    const bool big_endian = rng.chance(0.5);
    for (std::uint32_t n = 0; n < items; ++n) {
      std::uint64_t rest = n, stride = items, place = 0;
      for (std::size_t axis = shape.size(); axis-- > 0;) {
        stride /= shape[axis];
        place += rest % shape[axis] * stride;
        rest /= shape[axis];
      }
      const std::uint32_t value = big_endian ? __builtin_bswap32(n) : n;
      std::memcpy(data.data() + place * 4, &value, 4);
    }
    std::string file = core::npy_header_bytes(core::NpyType::kU4, shape);
    file.replace(file.find("False"), 5, "True ");
    if (big_endian) file.replace(file.find('<'), 1, ">");
    file += data;
    DribbleSource source(file, rng);
    const core::NpyArray array = core::read_npy(source);
    REQUIRE(array.values.size() == items);
    for (std::size_t n = 0; n < items; ++n) CHECK(array.values[n] == static_cast<double>(n));
  }
}

TEST_CASE("safetensors headers written are the headers read") {
  core::Rng rng(20, 5);
  for (int round = 0; round < 200; ++round) {
    std::vector<core::TensorInfo> tensors(rng.below(12));
    for (std::size_t i = 0; i < tensors.size(); ++i) {
      tensors[i].name = std::to_string(i) + any_text(rng);
      tensors[i].dtype = static_cast<core::DType>(rng.below(17));
      tensors[i].shape.resize(rng.below(4));
      for (auto& extent : tensors[i].shape) extent = rng.below(9);
    }
    std::vector<std::pair<std::string, std::string>> metadata;
    for (std::uint64_t i = rng.below(4); i > 0; --i) {
      metadata.emplace_back(std::to_string(i) + any_text(rng), any_text(rng));
    }
    const std::string bytes = core::safetensors_header_bytes(tensors, metadata);
    const std::uint64_t data = tensors.empty() ? 0 : tensors.back().end;
    const auto read =
        core::parse_safetensors_header(std::string_view(bytes).substr(8), bytes.size() + data, "f");
    CHECK(read.metadata == metadata);
    REQUIRE(read.tensors.size() == tensors.size());
    for (std::size_t i = 0; i < tensors.size(); ++i) {
      CHECK(read.tensors[i].name == tensors[i].name);
      CHECK(read.tensors[i].shape == tensors[i].shape);
      CHECK(read.tensors[i].begin == tensors[i].begin);
      CHECK(read.tensors[i].end == tensors[i].end);
    }
  }
}

TEST_CASE("the processor's CRC-32C is the portable one, in any split") {
  core::Rng rng(20, 6);
  std::string data;
  for (int i = 0; i < 4000; ++i) data += static_cast<char>(rng.u32());
  for (int round = 0; round < 300; ++round) {
    const std::size_t begin = rng.below(data.size()), size = rng.below(data.size() - begin + 1);
    const char* at = data.data() + begin;
    const std::uint32_t whole = core::crc32c(0, at, size);
    CHECK(whole == core::crc32c_portable(0, at, size));
    const std::size_t split = rng.below(size + 1);
    CHECK(whole == core::crc32c(core::crc32c_portable(0, at, split), at + split, size - split));
  }
}
