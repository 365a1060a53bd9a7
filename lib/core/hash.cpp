#include "core/hash.hpp"

// The plain functions, not EVP: they allocate nothing, while EVP's start crashes inside libcrypto
// when a thread finds no memory, and costs as much as hashing a kilobyte.
#define OPENSSL_SUPPRESS_DEPRECATED
#define XXH_INLINE_ALL
#include <openssl/sha.h>
#include <xxhash.h>

#include <algorithm>

#include "core/hash_kernels.hpp"
#include "core/isa.hpp"

namespace stateutils::core {
namespace {

Hash128 from_xxh(XXH128_hash_t hash) {
  return {hash.low64, hash.high64};
}

const HashKernels& kernels() {
#if defined(__x86_64__)
  static const HashKernels& chosen =
      active_isa() == Isa::kScalar ? hash_kernels_scalar() : hash_kernels_avx2();
  return chosen;
#else
  return hash_kernels_scalar();
#endif
}

void put_hex(char* out, unsigned char byte) {
  constexpr char kDigits[] = "0123456789abcdef";
  out[0] = kDigits[byte >> 4];
  out[1] = kDigits[byte & 15];
}

}  // namespace

const HashKernels& hash_kernels_scalar() {
  static constexpr HashKernels kKernels{
      [](const void* data, std::size_t size) -> std::uint64_t { return XXH3_64bits(data, size); },
      [](const void* data, std::size_t size) { return from_xxh(XXH3_128bits(data, size)); },
      [](void* state, const void* data, std::size_t size) {
        XXH3_128bits_update(static_cast<XXH3_state_t*>(state), data, size);
      }};
  return kKernels;
}

std::uint64_t xxh3_64(const void* data, std::size_t size) {
  return kernels().hash64(data, size);
}
Hash128 xxh3_128(const void* data, std::size_t size) {
  return kernels().hash128(data, size);
}

std::string Hash128::hex() const {
  std::string out(32, '0');
  char* at = out.data();
  for (const std::uint64_t half : {high, low}) {
    for (int shift = 56; shift >= 0; shift -= 8, at += 2) {
      put_hex(at, static_cast<unsigned char>(half >> shift));
    }
  }
  return out;
}

struct Xxh3::State {
  XXH3_state_t state;
};

Xxh3::Xxh3() : state_(std::make_unique<State>()) {
  reset();
}
Xxh3::~Xxh3() = default;
Xxh3::Xxh3(Xxh3&&) noexcept = default;
Xxh3& Xxh3::operator=(Xxh3&&) noexcept = default;

// The 64 and the 128 bit variants share seed, secret and update; only the digest differs.
void Xxh3::reset() {
  XXH3_128bits_reset(&state_->state);
}
void Xxh3::update(const void* data, std::size_t size) {
  kernels().update(&state_->state, data, size);
}
Hash128 Xxh3::digest128() const {
  return from_xxh(XXH3_128bits_digest(&state_->state));
}
std::uint64_t Xxh3::digest64() const {
  return XXH3_64bits_digest(&state_->state);
}

std::string hex(const unsigned char* data, std::size_t size) {
  std::string out(2 * size, '0');
  for (std::size_t i = 0; i < size; ++i) put_hex(&out[2 * i], data[i]);
  return out;
}

namespace {

SHA256_CTX* context(std::array<std::byte, 112>& state) {
  static_assert(sizeof(SHA256_CTX) == sizeof state && alignof(SHA256_CTX) <= 8);
  return reinterpret_cast<SHA256_CTX*>(state.data());
}

}  // namespace

Sha256::Sha256() {
  SHA256_Init(context(state_));
}

void Sha256::update(const void* data, std::size_t size) {
  SHA256_Update(context(state_), data, size);
}

Sha256Digest Sha256::digest() {
  Sha256Digest out{};
  SHA256_Final(out.data(), context(state_));
  return out;
}

Sha256Digest sha256(std::string_view data) {
  Sha256 hash;
  hash.update(data.data(), data.size());
  return hash.digest();
}

std::string sha256_hex(std::string_view data) {
  const Sha256Digest digest = sha256(data);
  return hex(digest.data(), digest.size());
}

// RFC 2104, section 2.
Sha256Digest hmac_sha256(std::string_view key, std::string_view data) {
  std::array<unsigned char, 64> block{};
  if (key.size() > block.size()) {
    const Sha256Digest short_key = sha256(key);
    std::copy(short_key.begin(), short_key.end(), block.begin());
  } else {
    std::copy(key.begin(), key.end(), block.begin());
  }
  const auto padded = [&block](unsigned char pad) {
    Sha256 hash;
    std::array<unsigned char, 64> masked{};
    for (std::size_t i = 0; i < block.size(); ++i) masked[i] = block[i] ^ pad;
    hash.update(masked.data(), masked.size());
    return hash;
  };
  Sha256 inner = padded(0x36), outer = padded(0x5c);
  inner.update(data.data(), data.size());
  const Sha256Digest digest = inner.digest();
  outer.update(digest.data(), digest.size());
  return outer.digest();
}

}  // namespace stateutils::core
