// Hashes: XXH3 against accident, SHA-256 and HMAC (libcrypto) against an adversary.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace stateutils::core {

[[nodiscard]] std::uint64_t xxh3_64(const void* data, std::size_t size);
struct Hash128 {
  std::uint64_t low = 0, high = 0;
  friend bool operator==(const Hash128&, const Hash128&) = default;
  [[nodiscard]] std::string hex() const;  // canonical: high then low, 32 digits
};
[[nodiscard]] Hash128 xxh3_128(const void* data, std::size_t size);

class Xxh3 {  // streaming, 64 or 128 bits from one state
 public:
  Xxh3();
  ~Xxh3();
  Xxh3(Xxh3&&) noexcept;
  Xxh3& operator=(Xxh3&&) noexcept;
  void update(const void* data, std::size_t size);
  [[nodiscard]] Hash128 digest128() const;
  [[nodiscard]] std::uint64_t digest64() const;
  void reset();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

using Sha256Digest = std::array<unsigned char, 32>;
[[nodiscard]] std::string hex(const unsigned char* data, std::size_t size);
[[nodiscard]] Sha256Digest sha256(std::string_view data);
[[nodiscard]] std::string sha256_hex(std::string_view data);
[[nodiscard]] Sha256Digest hmac_sha256(std::string_view key, std::string_view data);

class Sha256 {
 public:
  Sha256();
  void update(const void* data, std::size_t size);
  [[nodiscard]] Sha256Digest digest();  // ends the stream

 private:
  alignas(8) std::array<std::byte, 112> state_;  // libcrypto's SHA256_CTX
};

// CRC-32C of `data` continued from `crc` (0 to begin), by the processor's instruction where it has
// one. The portable twin gives the same values and is what the tests compare with.
[[nodiscard]] std::uint32_t crc32c(std::uint32_t crc, const void* data, std::size_t size);
[[nodiscard]] std::uint32_t crc32c_portable(std::uint32_t crc, const void* data, std::size_t size);

}  // namespace stateutils::core
