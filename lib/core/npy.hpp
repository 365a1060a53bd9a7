// .npy arrays through pipes and files (NEP 1): versions 1.0-3.0 in, 1.0 out.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/input.hpp"
#include "core/output.hpp"

namespace stateutils::core {

enum class NpyType { kF4, kF8, kI4, kI8, kU4, kU8, kU1 };
[[nodiscard]] std::size_t item_size(NpyType type);
[[nodiscard]] std::string_view npy_descr(NpyType type);  // "<f8"

struct NpyHeader {
  NpyType type = NpyType::kF8;
  bool big_endian = false;
  bool fortran_order = false;
  std::vector<std::uint64_t> shape;           // empty: a scalar
  std::uint64_t data_offset = 0;              // bytes before the data, as read
  [[nodiscard]] std::uint64_t items() const;  // checked product
};

// Parses magic, version and dictionary from the start of `source`. Objects and every other dtype,
// negative or overflowing shapes, and headers over 64 KiB are kInput.
[[nodiscard]] NpyHeader read_npy_header(ByteSource& source);

// Streams items in C order, converted to T's byte order and type (exact conversions only: an
// integer that a double cannot hold is kInput). Fortran arrays are buffered and transposed, up to
// `max_fortran_bytes`. Less data than the header claims is kInput at the byte where it ended.
class NpyReader {
 public:
  explicit NpyReader(ByteSource& source, std::uint64_t max_fortran_bytes = 1ull << 32);
  NpyReader(const NpyReader&) = delete;
  NpyReader& operator=(const NpyReader&) = delete;
  ~NpyReader();
  [[nodiscard]] const NpyHeader& header() const;
  [[nodiscard]] std::uint64_t rows() const;     // shape[0]; 1 for a scalar
  [[nodiscard]] std::uint64_t columns() const;  // items per row
  // Up to out.size() items; returns how many, 0 at the end. T: double, float, int64_t, uint64_t.
  template <class T>
  std::size_t read(std::span<T> out);
  // Raw bytes of whole items in the file's own type, little-endian, C order.
  std::size_t read_raw(std::span<char> out);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

struct NpyArray {
  NpyHeader header;
  std::vector<double> values;  // C order
};
// The whole array as doubles; more than `max_bytes` of data is kInput. Memory grows with the data
// really read, never with what the header claims.
[[nodiscard]] NpyArray read_npy(ByteSource& source, std::uint64_t max_bytes = 1ull << 33);

// Writes magic, version 1.0 and the dictionary, padded to 64 bytes; data follows through
// Output::write in C order, little-endian.
void write_npy_header(Output& out, NpyType type, std::span<const std::uint64_t> shape);
[[nodiscard]] std::string npy_header_bytes(NpyType type, std::span<const std::uint64_t> shape,
                                           bool complex128 = false);
void write_npy(Output& out, std::span<const std::uint64_t> shape, std::span<const double> values);

}  // namespace stateutils::core
