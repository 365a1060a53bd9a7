#include "core/hash.hpp"

#include <doctest.h>

#include <array>
#include <string>
#include <vector>

#include "core/rng.hpp"

using namespace stateutils;

TEST_CASE("hash: SHA-256 and HMAC known answers") {
  // FIPS 180-4 examples ("abc", empty) and RFC 4231 test cases 1, 2 and 6.
  CHECK(core::sha256_hex("abc") ==
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(core::sha256_hex("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  const auto mac_hex = [](std::string_view key, std::string_view data) {
    const auto mac = core::hmac_sha256(key, data);
    return core::hex(mac.data(), mac.size());
  };
  CHECK(mac_hex(std::string(20, '\x0b'), "Hi There") ==
        "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  CHECK(mac_hex("Jefe", "what do ya want for nothing?") ==
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  CHECK(
      mac_hex(std::string(131, '\xaa'), "Test Using Larger Than Block-Size Key - Hash Key First") ==
      "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
  CHECK(mac_hex("", "") == "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
  core::Sha256 parts;
  parts.update("a", 1);
  parts.update("bc", 2);
  CHECK(parts.digest() == core::sha256("abc"));
}

TEST_CASE("hash: XXH3 known answers and streaming") {
  // xxHash 0.8 self test: empty input, seed 0.
  CHECK(core::xxh3_64("", 0) == 0x2D06800538D394C2ull);
  CHECK(core::xxh3_128("", 0).hex() == "99aa06d3014798d86001c324468d497f");
  std::string data;
  core::Rng rng(1, 2);
  for (int i = 0; i < 5000; ++i) data += static_cast<char>(rng.u32());
  core::Xxh3 stream;
  for (std::size_t at = 0; at < data.size();) {
    const std::size_t n = std::min<std::size_t>(rng.below(700), data.size() - at);
    stream.update(data.data() + at, n);
    at += n;
  }
  CHECK(stream.digest128() == core::xxh3_128(data.data(), data.size()));
  CHECK(stream.digest64() == core::xxh3_64(data.data(), data.size()));
  stream.reset();
  CHECK(stream.digest64() == core::xxh3_64("", 0));
}

TEST_CASE("hash: CRC-32C known answers") {
  // RFC 3720, appendix B.4, and the check value of "123456789".
  std::string ascending;
  for (int i = 0; i < 32; ++i) ascending += static_cast<char>(i);
  const auto both = [](const std::string& data) {
    const std::uint32_t crc = core::crc32c(0, data.data(), data.size());
    CHECK(crc == core::crc32c_portable(0, data.data(), data.size()));
    return crc;
  };
  CHECK(both("123456789") == 0xE3069283u);
  CHECK(both(std::string(32, '\0')) == 0x8A9136AAu);
  CHECK(both(std::string(32, '\xff')) == 0x62A8AB43u);
  CHECK(both(ascending) == 0x46DD794Eu);
  CHECK(both("") == 0u);
  CHECK(core::crc32c(core::crc32c(0, "1234", 4), "56789", 5) == 0xE3069283u);
}

TEST_CASE("rng: Philox known answers") {
  // Random123 kat_vectors, philox4x32 with 10 rounds.
  constexpr std::uint32_t kOnes = 0xffffffffu;
  CHECK(core::philox4x32({0, 0, 0, 0}, 0, 0) ==
        core::PhiloxBlock{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  CHECK(core::philox4x32({kOnes, kOnes, kOnes, kOnes}, kOnes, kOnes) ==
        core::PhiloxBlock{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  CHECK(
      core::philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, 0xa4093822, 0x299f31d0) ==
      core::PhiloxBlock{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST_CASE("rng: streams, seeking and bounds") {
  core::Rng a(7, 1);
  std::vector<std::uint32_t> values;
  for (int i = 0; i < 12; ++i) values.push_back(a.u32());
  core::Rng b(7, 1);
  b.seek(2);
  for (std::size_t i = 8; i < 12; ++i) CHECK(b.u32() == values[i]);
  core::Rng other(7, 2), seeded(8, 1);
  CHECK(other.u64() != seeded.u64());
  core::Rng low(0, 0);
  CHECK(low.u64() == 0xe169c58d6627e8d5ull);
  std::array<int, 6> seen{};
  for (int i = 0; i < 6000; ++i) ++seen[a.below(6)];
  for (const int count : seen) CHECK((count > 850 && count < 1150));
  for (int i = 0; i < 100; ++i) {
    CHECK(a.below(1) == 0);
    const double x = a.unit();
    CHECK((x >= 0.0 && x < 1.0));
    CHECK(a.below((1ull << 63) + 1) <= 1ull << 63);
  }
  CHECK(!a.chance(0.0));
  CHECK(a.chance(1.0));
}
