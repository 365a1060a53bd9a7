#include "core/units.hpp"

#include <doctest.h>

using namespace stateutils::core;

TEST_CASE("sizes: decimal and binary suffixes, an optional B, fractions") {
  CHECK(parse_size("0")->bytes == 0);
  CHECK(parse_size("4096")->bytes == 4096);
  CHECK(parse_size("64k")->bytes == 64000);
  CHECK(parse_size("64Ki")->bytes == 65536);
  CHECK(parse_size("64MiB")->bytes == 64ull << 20);
  CHECK(parse_size("1.5G")->bytes == 1500000000);
  CHECK(parse_size("18446744073709551615")->bytes == ~0ull);
  for (const char* bad :
       {"", "-1", "1X", "1KiBi", "18446744073709551616", "20000000T", "1e3", " 1", "nan"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_size(bad));
  }
}

TEST_CASE("durations are whole nanoseconds; a bare number is seconds") {
  CHECK(parse_duration("5us")->ns == 5000);
  CHECK(parse_duration("1.5s")->ns == 1500000000);
  CHECK(parse_duration("3600")->ns == 3600ll * 1000000000);
  CHECK(parse_duration("50m")->ns == 3000ll * 1000000000);
  CHECK(parse_duration("7ns")->ns == 7);
  for (const char* bad : {"", "-1s", "5 s", "1y", "400000d", "s"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_duration(bad));
  }
}

TEST_CASE("counts take powers and exponents, never a silent rounding") {
  CHECK(parse_count("2^20")->value == 1048576);
  CHECK(parse_count("10^6")->value == 1000000);
  CHECK(parse_count("1e6")->value == 1000000);
  CHECK(parse_count("2^0")->value == 1);
  CHECK(parse_count("64Ki")->value == 65536);
  for (const char* bad : {"2^64", "1e-3", "1.5e0", "-1", "2^", "^2", "1e20", "0^99"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_count(bad));
  }
}

TEST_CASE("numbers are printed the same on every machine") {
  CHECK(format_double(0.1) == "0.1");
  CHECK(format_double(8) == "8");
  CHECK(format_fixed(2.0 / 3, 3) == "0.667");
  CHECK(format_grouped(20763484) == "20,763,484");
  CHECK(format_grouped(999) == "999");
  CHECK(format_size(1536) == "1.50 KiB");
}
