#include "core/input.hpp"

#include <doctest.h>
#include <stdlib.h>
#include <unistd.h>
#include <zstd.h>

#include <cstdio>
#include <fstream>
#include <string>

#include "core/error.hpp"
#include "core/jsonl.hpp"

using namespace stateutils;

namespace {

std::string compressed(const std::string& text, int window_log = 0) {
  std::string out(ZSTD_compressBound(text.size()), '\0');
  ZSTD_CCtx* context = ZSTD_createCCtx();
  if (window_log != 0) {
    // Without a known size the frame asks for the whole window.
    ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, window_log);
    ZSTD_CCtx_setParameter(context, ZSTD_c_contentSizeFlag, 0);
    ZSTD_inBuffer in{text.data(), text.size(), 0};
    ZSTD_outBuffer to{out.data(), out.size(), 0};
    ZSTD_inBuffer none{nullptr, 0, 0};
    ZSTD_compressStream2(context, &to, &in, ZSTD_e_continue);
    ZSTD_compressStream2(context, &to, &none, ZSTD_e_end);
    out.resize(to.pos);
  } else {
    out.resize(ZSTD_compress2(context, out.data(), out.size(), text.data(), text.size()));
  }
  ZSTD_freeCCtx(context);
  return out;
}

std::string decoded(const std::string& bytes, const std::string& name = "t") {
  const auto source = core::memory_input(bytes, name);
  return core::read_all(*source, 1ull << 30);
}

const std::string kSkippable(
    "\x53\x2A\x4D\x18\x03\x00\x00\x00"
    "abc",
    11);

}  // namespace

TEST_CASE("input: bytes that are not zstd pass unchanged") {
  for (const std::string text : {"", "a", "(", "(\xB5", "(\xB5/", "Pq", "hello"}) {
    CHECK(decoded(text) == text);
  }
}

TEST_CASE("input: zstd frames, concatenated and skippable") {
  std::string text;
  for (int i = 0; i < 300000; ++i) text += std::to_string(i * 7) + ' ';
  const std::string frame = compressed(text);
  CHECK(decoded(frame) == text);
  CHECK(decoded(frame + frame) == text + text);
  CHECK(decoded(kSkippable + frame + kSkippable + compressed("x") + kSkippable) == text + "x");
  CHECK(decoded(compressed("")) == "");
  CHECK(decoded(kSkippable) == "");
}

TEST_CASE("input: damaged zstd is an input error that names the byte") {
  const std::string frame = compressed(std::string(5000, 'q') + "end");
  for (std::size_t cut = 4; cut < frame.size(); ++cut) {
    CHECK_THROWS_AS((void)decoded(frame.substr(0, cut)), core::Error);
  }
  CHECK_THROWS_WITH((void)decoded(frame.substr(0, frame.size() - 1)), doctest::Contains("cut off"));
  CHECK_THROWS_AS((void)decoded(frame + "junk!"), core::Error);
  CHECK_THROWS_AS((void)decoded("plain", "a.zst"), core::Error);
  CHECK_THROWS_AS((void)decoded("", "a.zst"), core::Error);
  CHECK(decoded(compressed("x", 27)) == "x");
  CHECK_THROWS_AS((void)decoded(compressed("x", 28)), core::Error);
}

TEST_CASE("input: limits and exact reads") {
  const auto fits = core::memory_input("abcdef");
  CHECK(core::read_all(*fits, 6) == "abcdef");
  const auto more = core::memory_input("abcdef");
  CHECK_THROWS_WITH((void)core::read_all(*more, 5), doctest::Contains("larger than 5 bytes"));
  const auto source = core::memory_input("abcdef");
  char four[4];
  CHECK(core::read_exact(*source, four, 4));
  CHECK(std::string(four, 4) == "abcd");
  CHECK(!core::read_exact(*source, four, 4));
}

TEST_CASE("input: passing over bytes is reading them") {
  std::string text;
  for (int i = 0; i < 200000; ++i) text += std::to_string(i) + ' ';
  const std::string frame = compressed(text);
  char path[] = "/tmp/stateutils_input_XXXXXX";
  const int fd = mkstemp(path);
  REQUIRE(fd >= 0);
  REQUIRE(::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  ::close(fd);
  // A file (seeks), the same behind the look for zstd, memory, and a stream that is read.
  for (int kind = 0; kind < 4; ++kind) {
    CAPTURE(kind);
    const auto open = [&]() -> std::unique_ptr<core::ByteSource> {
      if (kind == 0) return core::open_raw_input(path);
      if (kind == 1) return core::open_input(path);
      return core::memory_input(kind == 2 ? text : frame);
    };
    const auto source = open();
    char some[5];
    std::size_t at = 0;
    for (const std::size_t step : {0u, 1u, 3u, 1000u, 700000u}) {
      CHECK(source->skip(step) == step);
      at += step;
      REQUIRE(core::read_exact(*source, some, 5));
      CHECK(std::string(some, 5) == text.substr(at, 5));
      at += 5;
    }
    CHECK(source->skip(UINT64_MAX) == text.size() - at);
    CHECK(source->skip(1) == 0);
    CHECK(source->read(some, 5) == 0);
  }
  std::remove(path);
}

TEST_CASE("input: what a file is passed over for is not read") {
  const auto bytes_read = [] {
    std::ifstream io("/proc/self/io");
    std::string word;
    std::uint64_t value = 0;
    io >> word >> value;
    return word == "rchar:" ? value : 0;
  };
  char path[] = "/tmp/stateutils_input_XXXXXX";
  const int fd = mkstemp(path);
  REQUIRE(fd >= 0);
  REQUIRE(::ftruncate(fd, off_t{1} << 30) == 0);
  REQUIRE(::pwrite(fd, "end", 3, (off_t{1} << 30) - 3) == 3);
  ::close(fd);
  const auto source = core::open_raw_input(path);
  const std::uint64_t before = bytes_read();
  CHECK(source->skip((1u << 30) - 3) == (1u << 30) - 3);
  if (before != 0) CHECK(bytes_read() - before < 1u << 16);
  CHECK(core::read_all(*source, 10) == "end");
  std::remove(path);
}

TEST_CASE("input: paths that cannot be read are the environment's fault") {
  for (const char* path : {"/nonexistent/file", "/tmp"}) {
    try {
      (void)core::open_input(path);
      FAIL("opened");
    } catch (const core::Error& e) {
      CHECK(e.category() == core::Category::kEnvironment);
    }
    CHECK_THROWS_AS(core::FileReader{path}, core::Error);
  }
  CHECK_THROWS_AS(core::FileReader{"/dev/null"}, core::Error);
}

TEST_CASE("input: random access") {
  char path[] = "/tmp/stateutils_input_XXXXXX";
  const int fd = mkstemp(path);
  REQUIRE(fd >= 0);
  REQUIRE(::write(fd, "0123456789", 10) == 10);
  ::close(fd);
  const core::FileReader file(path);
  CHECK(file.size() == 10);
  char some[4];
  file.read_at(3, some, 4);
  CHECK(std::string(some, 4) == "3456");
  CHECK_THROWS_WITH(file.read_at(8, some, 4), doctest::Contains("byte 10: the file ends here"));
  CHECK_THROWS_AS(file.read_at(UINT64_MAX - 1, some, 4), core::Error);
  CHECK(core::read_file(path, 100) == "0123456789");
  std::remove(path);
}

TEST_CASE("lines: ends, byte order mark and numbers") {
  const auto source = core::memory_input(
      "\xEF\xBB\xBF"
      "one\r\n\ntwo\rx\nlast");
  core::LineReader lines(*source);
  std::string_view line;
  REQUIRE(lines.next(line));
  CHECK(line == "one");
  REQUIRE(lines.next(line));
  CHECK(line == "");
  REQUIRE(lines.next(line));
  CHECK(line == "two\rx");
  CHECK(lines.ended_by_newline());
  REQUIRE(lines.next(line));
  CHECK(line == "last");
  CHECK(lines.line_number() == 4);
  CHECK(!lines.ended_by_newline());
  CHECK(!lines.next(line));
}

TEST_CASE("input: a live source says when a read would wait, and filters flush then") {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  const auto send = [&](std::string_view text) {
    REQUIRE(::write(ends[1], text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  };
  send("{\"a\":1}\n{\"a\":2}\n");
  const auto source = core::open_input("/dev/fd/" + std::to_string(ends[0]));
  CHECK(source->is_live());
  core::JsonlReader reader(*source);
  int idle = 0;
  reader.on_idle([&] {
    if (++idle == 1) {
      send("{\"a\":3}\n");
    } else {
      ::close(ends[1]);
    }
  });
  for (int expected = 1; expected <= 3; ++expected) {
    const core::Record* record = reader.next();
    REQUIRE(record != nullptr);
    CHECK(record->i64("a") == expected);
    CHECK(idle == (expected == 3 ? 1 : 0));
  }
  CHECK(reader.next() == nullptr);
  CHECK(idle == 2);
  ::close(ends[0]);
}
