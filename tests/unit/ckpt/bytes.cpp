// Checksums, archives, headers and casts against known answers.
#include <doctest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>

#include "ckpt/engine/execute.hpp"
#include "ckpt/model/elements.hpp"
#include "ckpt/ops/cast.hpp"
#include "ckpt/zip/crc32.hpp"
#include "ckpt/zip/reader.hpp"
#include "ckpt/zip/writer.hpp"
#include "core/error.hpp"
#include "tests/unit/ckpt/support.hpp"

using namespace stateutils;
using namespace stateutils::ckpt;

namespace {

std::string written(const OutputPlan& plan) {
  core::MemoryOutput out;
  stream_plan(plan, out, {});
  return out.text();
}

}  // namespace

TEST_CASE("CRC-32: check value and both paths at every length") {
  CHECK(crc32(0, "123456789", 9) == 0xcbf43926);  // the check value of CRC-32/ISO-HDLC
  std::string text;
  for (int i = 0; i < 400; ++i) text += static_cast<char>(i * 37 + i / 11);
  for (std::size_t size = 0; size <= text.size(); ++size) {
    const auto whole = crc32(0, text.data(), size);
    CHECK(whole == crc32_portable(0, text.data(), size));
    const std::size_t half = size / 3;
    const auto a = crc32(0, text.data(), half), b = crc32(0, text.data() + half, size - half);
    CHECK(crc32_join(a, b, size - half) == whole);
  }
}

TEST_CASE("an archive that we plan reads back, aligned") {
  OutputPlan plan = plan_zip({{"a/data.pkl", memory_file("hello", "p")},
                              {"a/data/0", memory_file(std::string(100, 'q'), "p")},
                              {"a/empty", memory_file("", "p")}},
                             64);
  const auto file = memory_file(written(plan), "zip");
  const auto entries = read_zip(*file);
  REQUIRE(entries.size() == 3);
  for (const ZipEntry& entry : entries) {
    CHECK(entry.data_offset % 64 == 0);
    CHECK(entry_crc(*file, entry.data_offset, entry.size) == entry.crc);
  }
  CHECK(read_text(*file, entries[0].data_offset, 5) == "hello");
}

TEST_CASE("a cut or damaged archive is refused or unchanged") {
  const std::string good = written(plan_zip({{"a/data.pkl", memory_file("hello", "p")}}, 64));
  for (std::size_t cut = 0; cut < good.size(); ++cut) {
    CHECK_THROWS_AS((void)read_zip(*memory_file(good.substr(0, cut), "zip")), core::Error);
  }
}

TEST_CASE("casts: the known answers, and every narrow value survives a round trip") {
  const auto rows = test::load_json("known-answers/casts.json")["rows"];
  const auto cast = [](DType to, float x, Overflow overflow) {
    std::uint32_t bits = 0;
    const std::string bytes(reinterpret_cast<const char*>(&x), 4);
    const auto made = cast_file(memory_file(bytes, "f"), DType::kF32, to, overflow);
    made->read_at(0, &bits, made->size());
    return bits;
  };
  for (const auto& row : rows) {
    const auto bits =
        static_cast<std::uint32_t>(std::stoul(row["f32"].get<std::string>(), nullptr, 16));
    const float x = std::bit_cast<float>(bits);
    CAPTURE(row.dump());
    const auto half = [&](const char* key) {
      return static_cast<std::uint32_t>(std::stoul(row[key].get<std::string>(), nullptr, 16));
    };
    if (std::isnan(x)) {
      CHECK(std::isnan(
          bf16_to_float(static_cast<std::uint16_t>(cast(DType::kBF16, x, Overflow::kSaturate)))));
      CHECK(std::isnan(
          e4m3_to_float(static_cast<std::uint8_t>(cast(DType::kF8E4M3, x, Overflow::kSaturate)))));
      continue;
    }
    CHECK(cast(DType::kBF16, x, Overflow::kSaturate) == half("bf16"));
    CHECK(cast(DType::kF16, x, Overflow::kSaturate) == half("f16"));
    for (const auto& [key, type] :
         {std::pair{"e4m3fn", DType::kF8E4M3}, {"e5m2", DType::kF8E5M2}}) {
      const auto& want = row[key];
      const bool both = want.is_object();
      CHECK(cast(type, x, Overflow::kSaturate) ==
            (both ? want["saturate"] : want).get<std::uint32_t>());
      CHECK(cast(type, x, Overflow::kSpecial) ==
            (both ? want["nonsaturate"] : want).get<std::uint32_t>());
    }
  }
  for (const DType type : {DType::kF16, DType::kBF16, DType::kF8E4M3, DType::kF8E5M2}) {
    const std::uint32_t count = item_bytes(type) == 2 ? 65536 : 256;
    for (std::uint32_t bits = 0; bits < count; ++bits) {
      double value = 0;
      to_doubles(type, reinterpret_cast<const char*>(&bits), {&value, 1});
      if (std::isnan(value)) continue;
      std::uint32_t back = 0;
      from_doubles(type, {&value, 1}, reinterpret_cast<char*>(&back), Overflow::kSpecial);
      CHECK(back == bits);
    }
  }
}
