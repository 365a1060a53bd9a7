#include "core/hash.hpp"

#define XXH_INLINE_ALL
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <xxhash.h>

#include <climits>
#include <stdexcept>

#include "core/error.hpp"
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

void append_hex(std::string& out, unsigned char byte) {
  constexpr char kDigits[] = "0123456789abcdef";
  out += kDigits[byte >> 4];
  out += kDigits[byte & 15];
}

// libcrypto fails on these calls only when it cannot allocate or the algorithm is switched off by
// the system's policy.
void require_crypto(bool ok) {
  if (!ok) throw environment_error("SHA-256 is not available from libcrypto");
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
  std::string out;
  for (const std::uint64_t half : {high, low}) {
    for (int shift = 56; shift >= 0; shift -= 8) {
      append_hex(out, static_cast<unsigned char>(half >> shift));
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
  std::string out;
  out.reserve(2 * size);
  for (std::size_t i = 0; i < size; ++i) append_hex(out, data[i]);
  return out;
}

struct Sha256::State {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  State() = default;
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() { EVP_MD_CTX_free(context); }
};

Sha256::Sha256() : state_(std::make_unique<State>()) {
  require_crypto(state_->context != nullptr &&
                 EVP_DigestInit_ex(state_->context, EVP_sha256(), nullptr) == 1);
}
Sha256::~Sha256() = default;

void Sha256::update(const void* data, std::size_t size) {
  require_crypto(EVP_DigestUpdate(state_->context, data, size) == 1);
}

Sha256Digest Sha256::digest() {
  Sha256Digest out{};
  require_crypto(EVP_DigestFinal_ex(state_->context, out.data(), nullptr) == 1);
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

Sha256Digest hmac_sha256(std::string_view key, std::string_view data) {
  if (key.size() > static_cast<std::size_t>(INT_MAX)) throw std::length_error("HMAC key");
  Sha256Digest out{};
  unsigned int size = 0;
  // An empty key must still be a valid pointer: HMAC() takes a null one as "reuse the last key".
  const char* key_data = key.empty() ? "" : key.data();
  require_crypto(HMAC(EVP_sha256(), key_data, static_cast<int>(key.size()),
                      reinterpret_cast<const unsigned char*>(data.data()), data.size(), out.data(),
                      &size) != nullptr);
  return out;
}

}  // namespace stateutils::core
