#include "core/npy.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <concepts>
#include <cstring>
#include <limits>
#include <type_traits>
#include <utility>

#include "core/error.hpp"

namespace stateutils::core {
namespace {

static_assert(std::endian::native == std::endian::little, "items are moved as they lie in files");

constexpr std::size_t kNpyBlock = 256 << 10;

template <std::size_t Size>
void swap_items(char* data, std::size_t bytes) {
  for (std::size_t at = 0; at < bytes; at += Size) std::reverse(data + at, data + at + Size);
}

void to_little_endian(char* data, std::size_t bytes, std::size_t size) {
  if (size == 4) swap_items<4>(data, bytes);
  if (size == 8) swap_items<8>(data, bytes);
}

// The same value in another type, or nothing. NaN stays NaN.
template <class To, class From>
bool convert(From from, To& to) {
  if constexpr (std::floating_point<From> && std::integral<To>) {
    // 2^digits is a double although To's greatest value is not.
    const double limit = std::ldexp(1.0, std::numeric_limits<To>::digits);
    const double lowest = std::is_signed_v<To> ? -limit : 0.0;
    const auto wide = static_cast<double>(from);
    if (!(wide >= lowest && wide < limit) || wide != std::trunc(wide)) return false;
    to = static_cast<To>(from);
    return true;
  } else if constexpr (std::integral<From> && std::integral<To>) {
    to = static_cast<To>(from);
    return std::in_range<To>(from);
  } else if constexpr (std::integral<From>) {
    to = static_cast<To>(from);
    From back{};
    return convert(to, back) && back == from;
  } else {
    to = static_cast<To>(from);
    return static_cast<From>(to) == from || std::isnan(from);
  }
}

// Items of `bytes` converted into `out`; the index of the first that cannot be, else out.size().
template <class From, class To>
std::size_t convert_items(const char* bytes, std::span<To> out) {
  for (std::size_t i = 0; i < out.size(); ++i) {
    From item{};
    std::memcpy(&item, bytes + i * sizeof(From), sizeof(From));
    if (!convert(item, out[i])) return i;
  }
  return out.size();
}

template <class To>
std::size_t convert_items(NpyType type, const char* bytes, std::span<To> out) {
  switch (type) {
    case NpyType::kF4:
      return convert_items<float>(bytes, out);
    case NpyType::kF8:
      return convert_items<double>(bytes, out);
    case NpyType::kI4:
      return convert_items<std::int32_t>(bytes, out);
    case NpyType::kI8:
      return convert_items<std::int64_t>(bytes, out);
    case NpyType::kU4:
      return convert_items<std::uint32_t>(bytes, out);
    case NpyType::kU8:
      return convert_items<std::uint64_t>(bytes, out);
    case NpyType::kU1:
      return convert_items<std::uint8_t>(bytes, out);
  }
  return 0;
}

template <class T>
constexpr NpyType npy_type_of() {
  if constexpr (std::same_as<T, double>) return NpyType::kF8;
  if constexpr (std::same_as<T, float>) return NpyType::kF4;
  if constexpr (std::same_as<T, std::int64_t>) return NpyType::kI8;
  return NpyType::kU8;
}

// Column-major items in row-major order. `index` counts like an odometer, the last axis fastest,
// and `from` follows it by the strides of the column-major array.
std::string transposed(const std::string& in, const NpyHeader& header) {
  const std::size_t size = item_size(header.type), axes = header.shape.size();
  std::vector<std::size_t> stride(axes), index(axes, 0);
  std::size_t step = size;
  for (std::size_t axis = 0; axis < axes; ++axis) {
    stride[axis] = step;
    step *= header.shape[axis];
  }
  std::string out(in.size(), '\0');
  std::size_t from = 0;
  for (std::size_t to = 0; to < out.size(); to += size) {
    std::memcpy(out.data() + to, in.data() + from, size);
    for (std::size_t axis = axes; axis-- > 0;) {
      from += stride[axis];
      if (++index[axis] < header.shape[axis]) break;
      from -= stride[axis] * index[axis];
      index[axis] = 0;
    }
  }
  return out;
}

}  // namespace

struct NpyReader::State {
  ByteSource& source;
  NpyHeader header;
  std::size_t size;           // bytes of an item
  std::uint64_t total, done;  // bytes of data
  std::string transposed{};   // all the data of a Fortran array
  std::string block{};

  State(ByteSource& from, std::uint64_t max_fortran_bytes)
      : source(from),
        header(read_npy_header(from)),
        size(item_size(header.type)),
        total(header.items() * size),
        done(0) {
    if (header.fortran_order && header.shape.size() > 1) load_fortran(max_fortran_bytes);
  }

  [[nodiscard]] Error error_at(std::uint64_t byte, const std::string& message) const {
    return input_error({source.name(), {}, header.data_offset + byte}, message);
  }

  // Exactly `bytes` from the source, whole items.
  void read_exactly(char* data, std::size_t bytes, std::uint64_t before) {
    std::size_t got = 0;
    while (got < bytes) {
      const std::size_t n = source.read(data + got, bytes - got);
      if (n == 0) {
        throw error_at(before + got, "the data ends after " + std::to_string(before + got) +
                                         " of " + std::to_string(total) + " bytes");
      }
      got += n;
    }
    if (header.big_endian) to_little_endian(data, bytes, size);
  }

  // Grows with what arrives: a header may claim anything.
  void load_fortran(std::uint64_t limit) {
    if (total > limit) {
      throw error_at(0, "a Fortran-order array of " + std::to_string(total) +
                            " bytes, more than the " + std::to_string(limit) +
                            " that may be held to transpose it");
    }
    std::string columns;
    while (columns.size() < total) {
      const std::size_t have = columns.size();
      columns.resize(have +
                     static_cast<std::size_t>(std::min<std::uint64_t>(kNpyBlock, total - have)));
      read_exactly(columns.data() + have, columns.size() - have, have);
    }
    transposed = core::transposed(columns, header);
  }

  std::size_t read_bytes(char* data, std::size_t room) {
    const auto bytes =
        static_cast<std::size_t>(std::min<std::uint64_t>(room / size * size, total - done));
    if (bytes == 0) return 0;
    if (transposed.empty()) {
      read_exactly(data, bytes, done);
    } else {
      std::memcpy(data, transposed.data() + done, bytes);
    }
    done += bytes;
    return bytes;
  }

  template <class T>
  std::size_t read_items(std::span<T> out) {
    if (header.type == npy_type_of<T>()) {
      return read_bytes(reinterpret_cast<char*>(out.data()), out.size_bytes()) / size;
    }
    std::size_t filled = 0;
    block.resize(kNpyBlock);
    while (filled < out.size()) {
      const std::uint64_t first = done / size;
      const std::size_t wanted = std::min(kNpyBlock, (out.size() - filled) * size);
      const std::size_t items = read_bytes(block.data(), wanted) / size;
      if (items == 0) break;
      const std::size_t good = convert_items(header.type, block.data(), out.subspan(filled, items));
      if (good < items) {
        throw error_at((first + good) * size, "item " + std::to_string(first + good) +
                                                  " cannot be converted without loss");
      }
      filled += items;
    }
    return filled;
  }
};

NpyReader::NpyReader(ByteSource& source, std::uint64_t max_fortran_bytes)
    : state_(std::make_unique<State>(source, max_fortran_bytes)) {}
NpyReader::~NpyReader() = default;

const NpyHeader& NpyReader::header() const {
  return state_->header;
}
std::uint64_t NpyReader::rows() const {
  return state_->header.shape.empty() ? 1 : state_->header.shape[0];
}
std::uint64_t NpyReader::columns() const {
  NpyHeader row = state_->header;
  if (!row.shape.empty()) row.shape.erase(row.shape.begin());
  return row.items();
}

template <class T>
std::size_t NpyReader::read(std::span<T> out) {
  return state_->read_items(out);
}
template std::size_t NpyReader::read(std::span<double>);
template std::size_t NpyReader::read(std::span<float>);
template std::size_t NpyReader::read(std::span<std::int64_t>);
template std::size_t NpyReader::read(std::span<std::uint64_t>);

std::size_t NpyReader::read_raw(std::span<char> out) {
  return state_->read_bytes(out.data(), out.size());
}

NpyArray read_npy(ByteSource& source, std::uint64_t max_bytes) {
  NpyReader reader(source, max_bytes);
  NpyArray array{reader.header(), {}};
  const std::uint64_t items = array.header.items();
  if (items > max_bytes / sizeof(double)) {
    throw input_error({source.name(), {}, array.header.data_offset},
                      "an array of " + std::to_string(items) + " items, more than " +
                          std::to_string(max_bytes) + " bytes as doubles");
  }
  constexpr std::size_t kStep = kNpyBlock / sizeof(double);
  while (array.values.size() < items) {
    const std::size_t have = array.values.size();
    const auto step = static_cast<std::size_t>(std::min<std::uint64_t>(kStep, items - have));
    array.values.resize(have + step);
    (void)reader.read(std::span(array.values).subspan(have));
  }
  return array;
}

}  // namespace stateutils::core
