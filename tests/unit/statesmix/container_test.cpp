// The container: every field checked, every damage met, blocks of each type.
#include <doctest.h>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <vector>

#include "core/error.hpp"
#include "core/hash.hpp"
#include "core/input.hpp"
#include "statesmix/codec/codec.hpp"
#include "statesmix/codec/model_config.hpp"
#include "statesmix/codec/self_test.hpp"
#include "statesmix/isa.hpp"

using namespace stateutils;
using namespace stateutils::statesmix;

namespace {

std::string packed(const std::string& raw, int preset = 1, std::uint64_t block = 0,
                   int threads = 1) {
  const auto source = core::memory_input(raw);
  core::MemoryOutput out;
  CompressOptions o;
  o.preset = preset;
  o.block_size = block;
  o.threads = threads;
  o.total = raw.size();
  o.isa = active_isa();
  compress(*source, out, o);
  return out.text();
}

std::string unpacked(const std::string& coded, DecompressOptions o = {}) {
  const auto source = core::memory_input(coded);
  std::string raw;
  o.isa = active_isa();
  const CodecTotals totals = decompress(
      *source, [&](std::span<const std::uint8_t> part) { raw.append(part.begin(), part.end()); },
      o);
  if (!totals.trailing.empty())
    raw += "+" + totals.trailing.substr(totals.trailing.rfind(": ") + 2);
  return raw;
}

core::Category failure(const std::string& coded, DecompressOptions o = {}) {
  try {
    static_cast<void>(unpacked(coded, o));
  } catch (const core::Error& e) {
    return e.category();
  }
  return static_cast<core::Category>(0);
}

const std::string kText =
    "It was the best of times, it was the worst of times, it was the age of wisdom...";

}  // namespace

TEST_CASE("a frame is laid out as documented") {
  const std::string coded = packed("");
  // magic, format, model id, preset, flags, memory, block size 64 MiB, one parameter, total 0
  const std::string head("\xAB\x53\x4D\x58\x0D\x0A\x1A\x0A\x01", 9);
  CHECK(coded.substr(0, 9) == head);
  CHECK(get_fixed(coded.data() + 9, 2) == kModelId);
  CHECK(coded[11] == 1);
  CHECK(coded[12] == 1);
  CHECK(coded.substr(coded.size() - 8) == "SSMXEND1");
  CHECK(get_fixed(coded.data() + coded.size() - 16, 8) == 5);  // count 0 and its checksum
  CHECK(unpacked(coded).empty());
}

TEST_CASE("runs, stored and modelled blocks") {
  std::string noise;
  std::uint64_t state = 1;
  for (int i = 0; i < 20000; ++i) {
    state = state * 6364136223846793005ull + 1442695040888963407ull;
    noise.push_back(static_cast<char>(state >> 56));
  }
  const std::string zeros(100000, '\0');
  CHECK(packed(zeros).size() < 100);
  CHECK(unpacked(packed(zeros)) == zeros);
  CHECK(packed(noise).size() <= noise.size() + 80 + 24);
  CHECK(unpacked(packed(noise)) == noise);
  CHECK(packed("x").size() <= 1 + 80 + 24);
  CHECK(unpacked(packed("x")) == "x");
  std::string text;
  for (int i = 0; i < 50; ++i) text += kText;
  CHECK(packed(text).size() < 300);
  for (const int preset : {1, 2, 3, 4, 5, 6, 7, 8, 9})
    CHECK(unpacked(packed(kText, preset)) == kText);
}

TEST_CASE("blocks and threads change nothing but the cut") {
  std::string text;
  for (int i = 0; i < 40; ++i) text += kText + std::to_string(i * i);
  const std::string one = packed(text, 1, 500, 1);
  CHECK(one == packed(text, 1, 500, 7));
  DecompressOptions o;
  o.threads = 3;
  CHECK(unpacked(one, o) == text);
}

TEST_CASE("frames, skip frames and garbage after each other") {
  const std::string a = packed("first "), b = packed("second");
  std::string skip(kSkipMagic);
  put_fixed(skip, 5, 4);
  skip += "notes";
  CHECK(unpacked(a + b) == "first second");
  CHECK(unpacked(skip + a + skip + b + skip) == "first second");
  CHECK(unpacked(a + "junk") == "first +garbage after a frame");
  CHECK(failure("") == core::Category::kInput);
  CHECK(failure("junk") == core::Category::kInput);
  CHECK(failure(a + b.substr(0, 20)) == core::Category::kInput);
}

// A frame for each kind of block.
std::vector<std::string> one_of_each(int preset) {
  std::string code;
  for (unsigned i = 0; i < 64; ++i) {  // calls of one function, further away each time
    code += "\x90\xE8";
    put_fixed(code, 0x10000 - 6 * (i + 1), 4);
  }
  const std::string noise("\x8F\x12\xD3\x71\x2C\xE5\x90\x4B", 8);
  std::vector<std::string> frames{packed(kText, preset)};
  if (preset == 1) {
    for (const std::string& raw : {code, std::string(300, 'z'), noise})
      frames.push_back(packed(raw, preset));
  }
  return frames;
}

// Every place at preset 1. At the others each decode costs a model: every place when the tests are
// to be thorough, few in a sanitized build.
std::size_t stride(int preset, std::size_t usual, std::size_t sanitized) {
  const char* depth = std::getenv("STATEUTILS_TORTURE");
  if (preset == 1 || (depth != nullptr && std::string_view(depth) == "full")) return 1;
  return std::getenv("STATEUTILS_SANITIZED") != nullptr ? sanitized : usual;
}

TEST_CASE("a frame cut at any byte is an error, at any preset") {
  for (int preset = 1; preset <= 9; ++preset) {
    const std::size_t step = stride(preset, 3, 7);
    for (const std::string& coded : one_of_each(preset)) {
      for (std::size_t n = 0; n < coded.size(); n += step) {
        CAPTURE(preset);
        CAPTURE(n);
        CHECK(failure(coded.substr(0, n)) == core::Category::kInput);
      }
    }
  }
}

TEST_CASE("no single flipped bit gives other bytes without an error, at any preset") {
  for (int preset = 1; preset <= 9; ++preset) {
    const std::size_t step = stride(preset, 25, 97);  // odd: the bits of a byte in turn
    for (const std::string& coded : one_of_each(preset)) {
      for (std::size_t bit = 0; bit < coded.size() * 8; bit += step) {
        std::string bad = coded;
        bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << (bit % 8)));
        CAPTURE(preset);
        CAPTURE(bit);
        // A larger memory_log2 is met by the header's checksum first, so all are input errors.
        CHECK(failure(bad) == core::Category::kInput);
      }
    }
  }
}

// Counts what is read, and passes over the rest.
class CountingSource : public core::ByteSource {
 public:
  explicit CountingSource(const std::string& data) : rest_(data) {}
  std::size_t read(char* out, std::size_t size) override {
    const std::size_t n = rest_.copy(out, size);
    rest_.remove_prefix(n);
    bytes_read += n;
    return n;
  }
  std::uint64_t skip(std::uint64_t size) override {
    const std::size_t n = static_cast<std::size_t>(std::min<std::uint64_t>(size, rest_.size()));
    rest_.remove_prefix(n);
    return n;
  }
  std::size_t bytes_read = 0;

 private:
  std::string_view rest_;
};

TEST_CASE("list reads headers and trailers only, and sees every cut") {
  std::string noise;
  std::uint64_t state = 1;
  for (int i = 0; i < 1000000; ++i) {
    state = state * 6364136223846793005ull + 1442695040888963407ull;
    noise.push_back(static_cast<char>(state >> 56));
  }
  std::string skip(kSkipMagic);
  put_fixed(skip, noise.size(), 4);
  const std::string coded = packed(noise, 1, 250000) + skip + noise + packed(kText);
  CountingSource source(coded);
  const CodecTotals listed = list_frames(source);
  CHECK(listed.raw == noise.size() + kText.size());
  CHECK(listed.blocks == 5);
  CHECK(listed.frames == 2);
  CHECK(listed.packed == coded.size());
  CHECK(source.bytes_read < 8 * 4096);
  const std::string frame = packed(noise.substr(0, 20000), 1, 5000);
  for (std::size_t n = 1; n < frame.size(); n += n < 300 || n + 300 > frame.size() ? 1 : 97) {
    const std::string part = frame.substr(0, n);
    CountingSource cut(part);
    CHECK_THROWS_AS((void)list_frames(cut), core::Error);
  }
}

TEST_CASE("limits are met before anything is allocated") {
  const std::string coded = packed(std::string(1000, 'a') + kText, 6);
  DecompressOptions small;
  small.memory_limit = 1024;
  CHECK(failure(coded, small) == core::Category::kEnvironment);
  DecompressOptions bomb;
  bomb.max_output = 1000;
  CHECK(failure(packed(std::string(100000, '\0')), bomb) == core::Category::kEnvironment);
}

TEST_CASE("keep-going writes the good blocks and zeros for the bad") {
  const std::string raw = kText + kText;
  std::string coded = packed(raw, 1, kText.size());
  const std::size_t first = coded.find('\x03', 20);  // the first block's type
  coded[first + 10] = static_cast<char>(coded[first + 10] ^ 0x55);
  CHECK(failure(coded) == core::Category::kInput);
  DecompressOptions o;
  o.keep_going = true;
  CHECK(unpacked(coded, o) == std::string(kText.size(), '\0') + kText);
}

TEST_CASE("headers from the future are refused, ignorable parameters are not") {
  const auto header = [](int format, int model, int flags, const std::string& params) {
    std::string h(kFrameMagic);
    put_fixed(h, static_cast<std::uint64_t>(format), 1);
    put_fixed(h, static_cast<std::uint64_t>(model), 2);
    put_fixed(h, 1, 1);
    put_fixed(h, static_cast<std::uint64_t>(flags), 1);
    put_fixed(h, static_cast<std::uint64_t>(memory_log2(1, 1000)), 1);
    put_varint(h, 1000);
    h += params;
    put_fixed(h, core::crc32c(0, h.data(), h.size()), 4);
    return h + end_bytes(0, core::xxh3_64("", 0)) + index_bytes({});
  };
  const std::string none(1, '\0');
  CHECK(unpacked(header(1, kModelId, 0, none)).empty());
  CHECK(failure(header(2, kModelId, 0, none)) == core::Category::kInput);
  CHECK(failure(header(1, kModelId + 1, 0, none)) == core::Category::kInput);
  CHECK(failure(header(1, kModelId, 2, none)) == core::Category::kInput);
  CHECK(failure(header(1, kModelId, 0, std::string("\x01\x7F\x05", 3))) == core::Category::kInput);
  CHECK(unpacked(header(1, kModelId, 0, std::string("\x01\x80\x05", 3))).empty());
  CHECK(failure(header(1, kModelId, 0, std::string("\x01\x80\x85\x00", 4))) ==
        core::Category::kInput);  // not minimal
}

TEST_CASE("memory never shrinks with the block and rises with the preset") {
  for (int preset = 1; preset <= 9; ++preset) {
    CHECK(memory_log2(preset, 1 << 20) >= memory_log2(preset, 1000));
    CHECK(memory_log2(preset, kMaxBlockSize) <= 32);
  }
}

// Every preset runs in it: minutes in a sanitized build, where the other tests run the same code.
TEST_CASE("the self-test passes" * doctest::skip(std::getenv("STATEUTILS_SANITIZED") != nullptr)) {
  CHECK(run_self_test().same);
}
