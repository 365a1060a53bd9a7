#include "core/npy.hpp"

#include <doctest.h>

#include <array>
#include <cmath>
#include <cstring>
#include <string>

#include "core/error.hpp"

using namespace stateutils;

namespace {

// A .npy file of version 1.0 with this dictionary.
std::string npy(const std::string& dict, const std::string& data = "", char major = 1) {
  std::string text = dict + "\n";
  std::string bytes = std::string("\x93NUMPY") + major + '\0';
  bytes += static_cast<char>(text.size() & 0xFF);
  bytes += static_cast<char>(text.size() >> 8);
  if (major > 1) bytes += std::string(2, '\0');
  return bytes + text + data;
}

std::string dict(const std::string& descr, const std::string& shape, bool fortran = false) {
  return "{'descr': '" + descr + "', 'fortran_order': " + (fortran ? "True" : "False") +
         ", 'shape': " + shape + ", }";
}

template <class T>
std::string bytes_of(std::initializer_list<T> items) {
  std::string bytes(items.size() * sizeof(T), '\0');
  std::memcpy(bytes.data(), items.begin(), bytes.size());
  return bytes;
}

template <class T>
std::vector<T> read_as(const std::string& file) {
  const auto source = core::memory_input(file, "f");
  core::NpyReader reader(*source);
  std::vector<T> values;
  std::array<T, 3> some{};  // an odd size, so that reads do not end on rows
  while (const std::size_t n = reader.read(std::span<T>(some))) {
    values.insert(values.end(), some.begin(), some.begin() + static_cast<std::ptrdiff_t>(n));
  }
  return values;
}

std::string error_of(const std::string& file) {
  try {
    const auto source = core::memory_input(file, "f");
    (void)core::read_npy(*source, 1 << 20);
  } catch (const core::Error& e) {
    CHECK(e.category() == core::Category::kInput);
    return e.what();
  }
  return "";
}

using Doubles = std::vector<double>;

}  // namespace

TEST_CASE("npy: every dtype, both byte orders") {
  const Doubles expected{1, 2};
  CHECK(read_as<double>(npy(dict("<f4", "(2,)"), bytes_of<float>({1, 2}))) == expected);
  CHECK(read_as<double>(npy(dict("<f8", "(2,)"), bytes_of<double>({1, 2}))) == expected);
  CHECK(read_as<double>(npy(dict("<i4", "(2,)"), bytes_of<std::int32_t>({1, 2}))) == expected);
  CHECK(read_as<double>(npy(dict("<i8", "(2,)"), bytes_of<std::int64_t>({1, 2}))) == expected);
  CHECK(read_as<double>(npy(dict("<u4", "(2,)"), bytes_of<std::uint32_t>({1, 2}))) == expected);
  CHECK(read_as<double>(npy(dict("<u8", "(2,)"), bytes_of<std::uint64_t>({1, 2}))) == expected);
  CHECK(read_as<double>(npy(dict("|u1", "(2,)"), "\1\2")) == expected);
  CHECK(read_as<double>(npy(dict(">i4", "(2,)"), std::string("\0\0\0\1\0\0\0\2", 8))) == expected);
  CHECK(read_as<double>(npy(dict(">f8", "(1,)"), std::string("\x3F\xF0\0\0\0\0\0\0", 8))) ==
        Doubles{1});
}

TEST_CASE("npy: conversions are exact or refused") {
  const auto f8 = [](double v) { return npy(dict("<f8", "()"), bytes_of<double>({v})); };
  const auto i8 = [](std::int64_t v) {
    return npy(dict("<i8", "()"), bytes_of<std::int64_t>({v}));
  };
  const auto u8 = [](std::uint64_t v) {
    return npy(dict("<u8", "()"), bytes_of<std::uint64_t>({v}));
  };
  CHECK(read_as<std::int64_t>(f8(-0x1p63)) == std::vector<std::int64_t>{INT64_MIN});
  CHECK_THROWS_WITH(read_as<std::int64_t>(f8(0x1p63)), doctest::Contains("item 0 cannot"));
  CHECK_THROWS(read_as<std::int64_t>(f8(0.5)));
  CHECK_THROWS(read_as<std::int64_t>(f8(std::nan(""))));
  CHECK_THROWS(read_as<std::uint64_t>(f8(-1.0)));
  CHECK_THROWS(read_as<std::uint64_t>(i8(-1)));
  CHECK_THROWS(read_as<std::int64_t>(u8(1ull << 63)));
  CHECK_THROWS(read_as<double>(i8((1ll << 53) + 1)));
  CHECK_THROWS(read_as<double>(u8(UINT64_MAX)));
  CHECK(read_as<double>(u8(1ull << 63)) == Doubles{0x1p63});
  CHECK_THROWS(read_as<float>(f8(0.1)));
  CHECK(read_as<float>(f8(0.5)) == std::vector<float>{0.5f});
  CHECK(std::isnan(read_as<float>(f8(std::nan("")))[0]));
}

TEST_CASE("npy: Fortran order is transposed") {
  // numpy: np.asfortranarray([[1,2,3],[4,5,6]]) and a 2x3x2 cube.
  CHECK(read_as<double>(npy(dict("|u1", "(2, 3)", true), "\1\4\2\5\3\6")) ==
        Doubles{1, 2, 3, 4, 5, 6});
  std::string cube;  // item (i,j,k) has the value 6i+2j+k, laid out with i fastest
  for (int k = 0; k < 2; ++k) {
    for (int j = 0; j < 3; ++j) {
      for (int i = 0; i < 2; ++i) cube += static_cast<char>(6 * i + 2 * j + k);
    }
  }
  CHECK(read_as<double>(npy(dict("|u1", "(2, 3, 2)", true), cube)) ==
        Doubles{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11});
  CHECK(read_as<double>(npy(dict("|u1", "(2, 0)", true))).empty());
  const std::string wide = npy(dict("<f8", "(1000, 1000)", true));
  const auto source = core::memory_input(wide, "f");
  CHECK_THROWS_WITH(core::NpyReader(*source, 1000), doctest::Contains("Fortran-order"));
}

TEST_CASE("npy: what headers may look like") {
  CHECK(error_of(npy(dict("<f8", "()"), std::string(8, '\0'))) == "");
  CHECK(error_of(npy(dict("<f8", "(0, 7)"))) == "");
  CHECK(error_of(npy("{'shape':(1L,),\"descr\":\"|u1\",'fortran_order':False}  ", "x")) == "");
  CHECK(error_of(npy(dict("|u1", "(1,)"), "x", 2)) == "");
  CHECK(error_of(npy(dict("|u1", "(1,)"), "x", 3)) == "");
  CHECK(error_of(npy(dict("|u1", "(1,)"), "x and more")) == "");
}

TEST_CASE("npy: a Python comment may follow the dictionary") {
  const std::string data = bytes_of<double>({1.5});
  CHECK(read_as<double>(npy(dict("<f8", "(1,)") + " # part 1 of 2 ", data)) ==
        std::vector<double>{1.5});
}

TEST_CASE("npy: refused with the byte") {
  CHECK(error_of("") == "f: byte 0: not a .npy file: wrong magic");
  CHECK(error_of("\x93NUMPX\1\0") != "");
  CHECK(error_of(npy(dict("|u1", "(1,)"), "x", 4)).starts_with("f: byte 6: unknown .npy version"));
  for (const char* bad :
       {"|O", "<c16", "<f2", "|S5", "<U3", "|b1", "<M8[ns]", "=f8", "f8", "", "|f8"}) {
    CHECK(error_of(npy(dict(bad, "(1,)"), "xxxxxxxx")).find("dtype") != std::string::npos);
  }
  CHECK(error_of(npy("{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (1,), }"))
            .find("structured") != std::string::npos);
  for (const char* bad :
       {"(-1,)", "(1)", "1", "[1]", "(1,,)", "(1 2)", "(1.0,)", "(99999999999999999999,)",
        "(4294967296, 4294967296)", "(2305843009213693952,)", "("}) {
    CHECK(error_of(npy(dict("<f8", bad))) != "");
  }
  CHECK(error_of(npy("{'descr': '<f8', 'fortran_order': False, }")) != "");
  CHECK(error_of(npy("{'descr': '<f8', 'descr': '<f8', 'fortran_order': False, 'shape': ()}")) !=
        "");
  CHECK(error_of(npy("{'descr': '<f8', 'fortran_order': 0, 'shape': ()}")) != "");
  CHECK(error_of(npy(dict("<f8", "()") + "x")) != "");
  CHECK(error_of("\x93NUMPY\2" + std::string("\0\xff\xff\xff\x7f", 5)).find("64 KiB") !=
        std::string::npos);
  const std::string short_data = npy(dict("<f8", "(3,)"), std::string(20, '\0'));
  CHECK(error_of(short_data) ==
        "f: byte " + std::to_string(short_data.size()) + ": the data ends after 20 of 24 bytes");
  CHECK(error_of(npy(dict("<f8", "(99999999,)"))).find("more than 1048576 bytes") !=
        std::string::npos);
}

TEST_CASE("npy: written headers are aligned and read back") {
  core::MemoryOutput out;
  const std::array<std::uint64_t, 2> shape{2, 3};
  const std::array<double, 6> values{1, 2, 3, 4, 5, 6};
  core::write_npy(out, shape, values);
  const std::string file = out.text();
  CHECK(file.size() == 128 + 48);
  CHECK(file.substr(10, 59) == "{'descr': '<f8', 'fortran_order': False, 'shape': (2, 3), }");
  CHECK(file[127] == '\n');
  const auto source = core::memory_input(file, "f");
  core::NpyReader reader(*source);
  CHECK(reader.rows() == 2);
  CHECK(reader.columns() == 3);
  std::string raw(100, '\0');
  CHECK(reader.read_raw(raw) == 48);
  CHECK(std::memcmp(raw.data(), values.data(), 48) == 0);

  CHECK(core::npy_header_bytes(core::NpyType::kU1, {})
            .find("'|u1', 'fortran_order': False, 'shape': (), }") != std::string::npos);
  const std::array<std::uint64_t, 1> one{7};
  CHECK(core::npy_header_bytes(core::NpyType::kF8, one, true)
            .find("'<c16', 'fortran_order': False, 'shape': (7,), }") != std::string::npos);
}
