#include "qmc/ld_file.hpp"

#include <algorithm>
#include <bit>
#include <optional>
#include <span>

#include "core/checked.hpp"
#include "core/error.hpp"
#include "core/npy.hpp"
#include "core/units.hpp"

namespace stateutils::qmc {
namespace {

constexpr std::uint64_t kMaxFileBytes = 256ull << 20;
constexpr std::uint64_t kMaxDims = 1u << 24;

struct Line {
  std::uint64_t number;
  std::vector<std::uint64_t> values;
};

// The numbers of the text, line by line, without comments and blank lines.
class Lines {
 public:
  Lines(std::string_view text, std::string name) : text_(text), name_(std::move(name)) {}

  std::optional<Line> next() {
    while (!text_.empty()) {
      ++number_;
      const std::size_t end = std::min(text_.find('\n'), text_.size());
      std::string_view line = text_.substr(0, end);
      text_.remove_prefix(std::min(end + 1, text_.size()));
      line = line.substr(0, line.find('#'));
      Line out{number_, {}};
      split(line, out.values);
      if (!out.values.empty()) return out;
    }
    return std::nullopt;
  }
  // A header line: exactly one number.
  std::uint64_t header(const char* what) {
    const auto line = next();
    if (!line) fail(std::string("ends before the ") + what);
    if (line->values.size() != 1) fail(std::string("one number, the ") + what + ", expected");
    return line->values[0];
  }
  [[noreturn]] void fail(const std::string& message) const {
    throw core::input_error({name_, number_}, message);
  }
  void skip_line() {
    ++number_;
    text_.remove_prefix(std::min(std::min(text_.find('\n'), text_.size()) + 1, text_.size()));
  }

 private:
  void split(std::string_view line, std::vector<std::uint64_t>& values) const {
    constexpr std::string_view kBlank = " \t\r\v\f";
    for (;;) {
      const std::size_t start = line.find_first_not_of(kBlank);
      if (start == std::string_view::npos) return;
      line.remove_prefix(start);
      const std::size_t end = std::min(line.find_first_of(kBlank), line.size());
      const auto value = core::parse_u64(line.substr(0, end));
      if (!value) fail(core::quoted(line.substr(0, end)) + " is not an integer below 2^64");
      values.push_back(*value);
      line.remove_prefix(end);
    }
  }

  std::string_view text_;
  std::string name_;
  std::uint64_t number_ = 0;
};

std::uint64_t dims_header(Lines& lines) {
  const std::uint64_t dims = lines.header("number of dimensions");
  if (dims == 0 || dims > kMaxDims) {
    lines.fail("the number of dimensions must be from 1 to " + std::to_string(kMaxDims));
  }
  return dims;
}

std::vector<std::uint64_t> column_of_values(Lines& lines, std::uint64_t count) {
  std::vector<std::uint64_t> values;
  while (const auto line = lines.next()) {
    if (line->values.size() != 1) lines.fail("one integer a line expected");
    if (values.size() == count) lines.fail("more entries than dimensions");
    values.push_back(line->values[0]);
  }
  if (values.size() != count) {
    lines.fail("ends after " + std::to_string(values.size()) + " of " + std::to_string(count) +
               " entries");
  }
  return values;
}

LdFile parse_lattice(Lines& lines) {
  LdFile file;
  const std::uint64_t dims = dims_header(lines);
  file.points = lines.header("number of points");
  if (file.points == 0) lines.fail("the number of points must not be 0");
  file.generator = column_of_values(lines, dims);
  return file;
}

std::uint32_t checked_base(const Lines& lines, std::uint64_t base) {
  if (base < 2 || base > 1u << 20 || !is_prime(static_cast<std::uint32_t>(base))) {
    lines.fail("base " + std::to_string(base) + " is not a prime up to 2^20");
  }
  return static_cast<std::uint32_t>(base);
}

// base^exponent where it fits 64 bits.
std::optional<std::uint64_t> checked_power(std::uint64_t base, std::uint64_t exponent) {
  std::uint64_t result = 1;
  for (std::uint64_t i = 0; i < exponent; ++i) {
    const auto next = core::checked_mul(result, base);
    if (!next) return std::nullopt;
    result = *next;
  }
  return result;
}

LdFile parse_plattice(Lines& lines) {
  LdFile file;
  const std::uint32_t base = checked_base(lines, lines.header("base"));
  const std::uint64_t dims = dims_header(lines);
  const std::uint64_t degree = lines.header("degree");
  if (degree == 0 || degree > 63 || !checked_power(base, degree)) lines.fail("degree out of range");
  const std::uint64_t modulus = lines.header("modulus polynomial");
  const std::uint64_t points = *checked_power(base, degree);
  if (modulus / points == 0 || modulus / points >= base) {
    lines.fail("the modulus does not have degree " + std::to_string(degree));
  }
  const auto polynomials = column_of_values(lines, dims);
  for (const std::uint64_t a : polynomials) {
    if (a >= points) lines.fail("a polynomial's degree is not below the modulus's");
  }
  file.points = points;
  if (base == 2) {
    file.kind = LdFile::Kind::kNet2;
    file.net = polynomial_lattice2(modulus, static_cast<unsigned>(degree), polynomials);
    return file;
  }
  file.kind = LdFile::Kind::kNetB;
  for (const std::uint64_t a : polynomials) {
    file.matrices.push_back(polynomial_lattice(base, modulus, static_cast<unsigned>(degree), a));
  }
  return file;
}

// A matrix whose columns are integers divided by b^r, the most significant digit in the first row.
DigitMatrix digits_of_columns(std::uint32_t base, unsigned rows,
                              const std::vector<std::uint64_t>& columns) {
  const auto k = static_cast<unsigned>(columns.size());
  DigitMatrix matrix{base, rows, k, std::vector<std::uint32_t>(std::size_t{rows} * k)};
  for (unsigned c = 0; c < k; ++c) {
    std::uint64_t value = columns[c];
    for (unsigned r = rows; r-- > 0; value /= base) {
      matrix.digits[r * k + c] = static_cast<std::uint32_t>(value % base);
    }
  }
  return matrix;
}

struct DnetHeader {
  std::vector<std::uint64_t> bases;  // one, or one per dimension
  std::uint64_t dims = 0, columns = 0, digits = 0;
};

DnetHeader dnet_header(Lines& lines) {
  DnetHeader header;
  auto bases = lines.next();
  if (!bases) lines.fail("ends before the base");
  for (const std::uint64_t base : bases->values) (void)checked_base(lines, base);
  header.bases = bases->values;
  header.dims = dims_header(lines);
  if (header.bases.size() != 1 && header.bases.size() != header.dims) {
    lines.fail("one base, or one for each dimension, expected");
  }
  header.columns = lines.header("number of columns or points");
  if (header.columns > 64) {  // a number of points
    const std::uint64_t points = header.columns;
    header.columns = 1;
    while (checked_power(header.bases[0], header.columns).value_or(points) < points) {
      ++header.columns;
    }
    if (checked_power(header.bases[0], header.columns) != points) {
      lines.fail("the number of points is no power of the base");
    }
  }
  if (header.columns == 0) lines.fail("a net needs at least one column");
  header.digits = lines.header("number of digits");
  if (header.digits == 0 || header.digits > 64) lines.fail("the digits must be from 1 to 64");
  return header;
}

LdFile parse_dnet(Lines& lines) {
  LdFile file;
  const DnetHeader header = dnet_header(lines);
  const auto columns = static_cast<unsigned>(header.columns);
  const auto rows = static_cast<unsigned>(header.digits);
  const bool base2 = std::all_of(header.bases.begin(), header.bases.end(),
                                 [](std::uint64_t base) { return base == 2; });
  file.kind = base2 ? LdFile::Kind::kNet2 : LdFile::Kind::kNetB;
  file.net.columns = base2 ? columns : 0;
  file.net.rows = rows;
  for (std::uint64_t j = 0; j < header.dims; ++j) {
    const auto line = lines.next();
    if (!line) lines.fail("ends after " + std::to_string(j) + " matrices");
    if (line->values.size() != columns) {
      lines.fail("a matrix of " + std::to_string(columns) + " columns expected");
    }
    const auto base = static_cast<std::uint32_t>(header.bases[header.bases.size() == 1 ? 0 : j]);
    const auto limit = checked_power(base, rows);
    for (const std::uint64_t value : line->values) {
      if (limit && value >= *limit) lines.fail("a column has more digits than the header says");
      if (base2) file.net.bits.push_back(value << (64 - rows));
    }
    if (!base2) file.matrices.push_back(digits_of_columns(base, rows, line->values));
  }
  if (lines.next()) lines.fail("more matrices than dimensions");
  const std::uint64_t least = *std::min_element(header.bases.begin(), header.bases.end());
  file.points = checked_power(least, columns).value_or(0);
  return file;
}

void append_sobol_dimension(Lines& lines, Net2& net, unsigned s, std::uint32_t a,
                            std::span<const std::uint64_t> numbers) {
  std::vector<std::uint32_t> m;
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    if (numbers[i] % 2 == 0 || (i < 32 && numbers[i] >> (i + 1) != 0)) {
      lines.fail("m_" + std::to_string(i + 1) + " must be odd and below 2^" +
                 std::to_string(i + 1));
    }
    m.push_back(static_cast<std::uint32_t>(numbers[i]));
  }
  net.bits.resize(net.bits.size() + 32);
  sobol_columns(s, a, m, std::span<std::uint64_t>(net.bits).last(32));
}

LdFile start_sobol() {
  LdFile file;
  file.kind = LdFile::Kind::kNet2;
  const std::uint32_t first = 0;
  file.net = sobol_net({&first, 1});
  file.points = 1ull << 32;
  return file;
}

LdFile parse_soboljk(Lines& lines) {
  LdFile file = start_sobol();
  while (const auto line = lines.next()) {
    const auto& v = line->values;
    if (v.size() < 3 && file.net.dims() == 1) continue;  // counts before the table
    if (v.size() < 4) lines.fail("d s a m_1..m_s expected");
    if (v[0] != file.net.dims() + 1) {
      lines.fail("dimension " + std::to_string(file.net.dims() + 1) + " expected");
    }
    if (v[1] == 0 || v[1] > 31 || v.size() != 3 + v[1]) lines.fail("s numbers m_i expected");
    if (v[2] >> (v[1] - 1) != 0) lines.fail("a has more than s - 1 bits");
    append_sobol_dimension(lines, file.net, static_cast<unsigned>(v[1]),
                           static_cast<std::uint32_t>(v[2]), std::span(v).subspan(3));
  }
  return file;
}

LdFile parse_sobol(Lines& lines) {
  LdFile file = start_sobol();
  while (const auto line = lines.next()) {
    const auto dim = static_cast<std::uint32_t>(file.net.dims());
    if (dim == kSobolDimensions) lines.fail("more dimensions than known polynomials");
    const unsigned s = polynomial_degree(dim);
    if (line->values.size() != s) {
      lines.fail(std::to_string(s) + " numbers m_i expected for dimension " +
                 std::to_string(dim + 1));
    }
    append_sobol_dimension(lines, file.net, s, polynomial_coefficients(dim), line->values);
  }
  return file;
}

LdFile parse_npy(core::ByteSource& source) {
  core::NpyReader reader(source);
  const auto& shape = reader.header().shape;
  LdFile file;
  if (shape.empty() || shape.size() > 2 || reader.header().items() == 0) {
    throw core::input_error({source.name()}, "a vector or a matrix of integers expected");
  }
  std::vector<std::uint64_t> values;
  std::vector<std::uint64_t> part(4096);
  while (const std::size_t got = reader.read(std::span(part))) {
    values.insert(values.end(), part.begin(), part.begin() + static_cast<std::ptrdiff_t>(got));
  }
  if (shape.size() == 1) {
    file.keyword = "lattice";
    file.generator = std::move(values);
    return file;
  }
  if (shape[1] > 64) throw core::input_error({source.name()}, "more than 64 columns");
  file.keyword = "dnet";
  file.kind = LdFile::Kind::kNet2;
  file.net.columns = static_cast<unsigned>(shape[1]);
  const std::uint64_t largest = *std::max_element(values.begin(), values.end());
  file.net.rows = std::max(file.net.columns, static_cast<unsigned>(std::bit_width(largest)));
  for (std::uint64_t& value : values) value <<= 64 - file.net.rows;
  file.net.bits = std::move(values);
  file.points = file.net.columns < 64 ? 1ull << file.net.columns : 0;
  return file;
}

}  // namespace

std::size_t LdFile::dims() const {
  switch (kind) {
    case Kind::kLattice:
      return generator.size();
    case Kind::kNet2:
      return net.dims();
    case Kind::kNetB:
      break;
  }
  return matrices.size();
}

LdFile parse_ld_text(std::string_view text, const std::string& name) {
  Lines lines(text, name);
  const std::string_view first = text.substr(0, text.find('\n'));
  if (first.starts_with("d s a") || first.starts_with("d\ts\ta") ||
      first.starts_with("d       s       a")) {  // the columns of the authors' own file
    lines.skip_line();
    LdFile file = parse_soboljk(lines);
    file.keyword = "soboljk";
    return file;
  }
  if (!first.starts_with("#")) {
    throw core::input_error({name, 1}, "no \"# KEYWORD\" of LDData and no table of Joe and Kuo");
  }
  std::string_view keyword = first.substr(1);
  keyword.remove_prefix(std::min(keyword.find_first_not_of(" \t"), keyword.size()));
  keyword = keyword.substr(0, keyword.find_first_of(" \t\r"));
  LdFile file;
  if (keyword == "lattice") {
    file = parse_lattice(lines);
  } else if (keyword == "plattice") {
    file = parse_plattice(lines);
  } else if (keyword == "dnet") {
    file = parse_dnet(lines);
  } else if (keyword == "soboljk") {
    file = parse_soboljk(lines);
  } else if (keyword == "sobol") {
    file = parse_sobol(lines);
  } else {
    throw core::input_error({name, 1}, "unknown keyword " + core::quoted(keyword) +
                                           "; known: lattice, plattice, dnet, sobol, soboljk");
  }
  file.keyword = keyword;
  return file;
}

std::vector<std::uint64_t> parse_integers(std::string_view text, const std::string& name) {
  Lines lines(text, name);
  std::vector<std::uint64_t> values;
  while (const auto line = lines.next()) {
    if (line->values.size() != 1) lines.fail("one integer a line expected");
    values.push_back(line->values[0]);
  }
  return values;
}

LdFile read_ld_file(const std::string& path) {
  const auto source = core::open_input(path);
  const std::string text = core::read_all(*source, kMaxFileBytes);
  if (text.starts_with("\x93NUMPY")) {
    const auto memory = core::memory_input(text, source->name());
    return parse_npy(*memory);
  }
  return parse_ld_text(text, source->name());
}

DigitMatrix polynomial_lattice(std::uint32_t base, std::uint64_t modulus, unsigned degree,
                               std::uint64_t polynomial) {
  const unsigned rows = base == 2 ? 64 : digit_count(base);
  std::vector<std::uint32_t> q(degree + 1), rest(degree);
  for (std::uint32_t& digit : q)
    digit = static_cast<std::uint32_t>(modulus % base), modulus /= base;
  for (std::uint32_t& digit : rest) {
    digit = static_cast<std::uint32_t>(polynomial % base);
    polynomial /= base;
  }
  std::uint64_t inverse = 1;  // of the leading coefficient
  while (inverse * q[degree] % base != 1) ++inverse;
  // Long division: each step multiplies the rest by z and takes out q_l Q.
  std::vector<std::uint32_t> series(rows + degree);  // coefficients of z^-1, z^-2, ...
  for (std::uint32_t& coefficient : series) {
    coefficient = static_cast<std::uint32_t>(rest[degree - 1] * inverse % base);
    for (unsigned i = degree; i-- > 0;) {
      const std::uint64_t lower = i > 0 ? rest[i - 1] : 0;
      rest[i] =
          static_cast<std::uint32_t>((lower + std::uint64_t{base - coefficient} * q[i]) % base);
    }
  }
  DigitMatrix matrix{base, rows, degree, std::vector<std::uint32_t>(std::size_t{rows} * degree)};
  for (unsigned r = 0; r < rows; ++r) {  // z^c a/Q has the coefficient u_(r+c+1) at z^-(r+1)
    for (unsigned c = 0; c < degree; ++c) matrix.digits[r * degree + c] = series[r + c];
  }
  return matrix;
}

Net2 polynomial_lattice2(std::uint64_t modulus, unsigned degree,
                         const std::vector<std::uint64_t>& polynomials) {
  Net2 net{degree, 64, {}};
  for (const std::uint64_t a : polynomials) {
    const DigitMatrix matrix = polynomial_lattice(2, modulus, degree, a);
    for (unsigned c = 0; c < degree; ++c) {
      std::uint64_t column = 0;
      for (unsigned r = 0; r < 64; ++r) column = column << 1 | matrix.at(r, c);
      net.bits.push_back(column);
    }
  }
  return net;
}

std::string lattice_text(const std::vector<std::uint64_t>& generator, std::uint64_t points) {
  std::string text = "# lattice\n" + std::to_string(generator.size()) + " # dimensions\n" +
                     std::to_string(points) + " # points\n";
  for (const std::uint64_t g : generator) text += std::to_string(g) + '\n';
  return text;
}

std::string dnet_text(const Net2& net) {
  std::string text = "# dnet\n2 # base\n" + std::to_string(net.dims()) + " # dimensions\n" +
                     std::to_string(net.columns) + " # columns\n" + std::to_string(net.rows) +
                     " # digits\n";
  for (std::size_t j = 0; j < net.dims(); ++j) {
    for (unsigned c = 0; c < net.columns; ++c) {
      text += std::to_string(net.matrix(j)[c] >> (64 - net.rows));
      text += c + 1 < net.columns ? ' ' : '\n';
    }
  }
  return text;
}

}  // namespace stateutils::qmc
