// Quantities as people type them: sizes (k M G Ki Mi Gi), durations (us ms s m h), counts (2^20).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace stateutils::core {

struct ByteSize {
  std::uint64_t bytes = 0;
};
struct Duration {
  std::int64_t ns = 0;
};
struct Count {
  std::uint64_t value = 0;
};

// "64MiB", "64Mi", "64M", "1.5G", "4096": k M G T are powers of 1000, Ki Mi Gi Ti of 1024, a final
// B is allowed. Empty when malformed, negative or past 2^64.
[[nodiscard]] std::optional<ByteSize> parse_size(std::string_view text);
// "5us", "1.5s", "10m", "2h", "3d", "250ms", "7ns"; a bare number is seconds.
[[nodiscard]] std::optional<Duration> parse_duration(std::string_view text);
// "1000", "2^20", "10^6", "1e6", "64k", "1Mi".
[[nodiscard]] std::optional<Count> parse_count(std::string_view text);
// Whole text as a number; no blanks, no sign but '-' for signed, no trailing bytes.
[[nodiscard]] std::optional<std::uint64_t> parse_u64(std::string_view text);
[[nodiscard]] std::optional<std::int64_t> parse_i64(std::string_view text);
[[nodiscard]] std::optional<double> parse_double(std::string_view text);  // finite only

[[nodiscard]] std::string format_size(std::uint64_t bytes);        // "1.50 GiB"
[[nodiscard]] std::string format_duration(double seconds);         // "1.2 s", "3 m 20 s"
[[nodiscard]] std::string format_double(double value);             // shortest round trip
[[nodiscard]] std::string format_fixed(double value, int digits);  // fixed point, no locale
[[nodiscard]] std::string format_grouped(std::uint64_t value);     // "20,763,484"

}  // namespace stateutils::core
