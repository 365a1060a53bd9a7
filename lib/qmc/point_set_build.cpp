// Drawing the randomness of a point set and building its generators.
#include <algorithm>
#include <bit>
#include <numeric>

#include "core/error.hpp"
#include "qmc/digit_points.hpp"
#include "qmc/numpy_sfc64.hpp"
#include "qmc/nus.hpp"
#include "qmc/point_set_state.hpp"

namespace stateutils::qmc {

using core::usage_error;

// QMCPy's order of drawing: R x d alpha x t rows, then R x d shifts.
void PointSet::State::draw_numpy() {
  NumpySfc64 rng(spec.seed);
  const std::uint64_t shift_count = std::uint64_t{spec.replications} * d;
  if (sequence == Sequence::kLattice) {
    for (std::uint64_t i = 0; i < shift_count; ++i) numpy_shift.push_back(rng.u64() & ~0x7FFull);
    return;
  }
  if (randomize.lms && !spec.lms) {
    const std::uint64_t rows = shift_count * spec.alpha * bits;
    numpy_lms.reserve(rows);
    for (std::uint64_t i = 0; i < rows; ++i) {
      numpy_lms.push_back(rng.integer(std::min(32u, bits)));
    }
  }
  if (!randomize.digital_shift) return;
  for (std::uint64_t i = 0; i < shift_count; ++i) {
    numpy_shift.push_back(rng.integer(bits) << (64 - bits));
  }
}

Net2 PointSet::State::net(const std::vector<std::size_t>& positions, unsigned alpha) const {
  std::vector<std::uint32_t> inputs;
  inputs.reserve(positions.size() * alpha);
  for (const std::size_t p : positions) {
    for (unsigned k = 0; k < alpha; ++k) inputs.push_back(dims[p] * alpha + k);
  }
  if (sequence == Sequence::kSobol) return sobol_net(inputs);
  Net2 chosen{file.net.columns, file.net.rows, {}};
  for (const std::uint32_t input : inputs) {
    const auto matrix = file.net.matrix(input);
    chosen.bits.insert(chosen.bits.end(), matrix.begin(), matrix.end());
  }
  return chosen;
}

std::vector<std::uint64_t> PointSet::State::lms_rows(std::uint32_t r, std::size_t position,
                                                     unsigned k, unsigned t_in) const {
  const std::uint32_t input = dims[position] * spec.alpha + k;
  std::vector<std::uint64_t> rows(bits);
  if (spec.lms) {
    const std::uint64_t t = spec.lms->shape.back();
    const std::uint64_t at = given_at(*spec.lms, r, t * spec.alpha, position, k * t);
    for (unsigned tau = 0; tau < bits; ++tau) {
      rows[tau] = spec.lms->values[at + tau];
      const bool too_long = t_in < 64 && rows[tau] >> t_in != 0;
      const bool triangular = tau >= t_in || (rows[tau] << (64 - t_in + tau)) == 1ull << 63;
      if (too_long || !triangular) {
        throw core::input_error({spec.lms->file},
                                "row " + std::to_string(tau) + " of dimension " +
                                    std::to_string(input) + " is not that of a " +
                                    std::to_string(t_in) +
                                    "-column lower-triangular matrix with unit diagonal");
      }
    }
    return rows;
  }
  if (!spec.numpy) return draw_lms_rows(stream(r), input, bits, t_in);
  const std::uint64_t at = ((std::uint64_t{r} * d * spec.alpha) + input) * bits;
  for (unsigned tau = 0; tau < bits; ++tau) {
    const std::uint64_t word = numpy_lms[at + tau];
    if (tau >= t_in) {
      rows[tau] = t_in < 64 ? word & ((1ull << t_in) - 1) : word;
      continue;
    }
    const std::uint64_t diagonal = 1ull << (t_in - 1 - tau);
    const std::uint64_t in_range = t_in < 64 ? word & ((1ull << t_in) - 1) : word;
    rows[tau] = (in_range & ~(diagonal * 2 - 1)) | diagonal;
  }
  return rows;
}

std::uint64_t PointSet::State::shift_word(std::uint32_t r, std::size_t position) const {
  if (randomize.permute) {  // a permutation of {0, 1} is a shift of one digit
    std::uint64_t word = 0;
    for (unsigned k = 0; k < bits; ++k) {
      const auto swap = draw_permutation(stream(r), Tag::kPermutation, dims[position], 2, k);
      word |= static_cast<std::uint64_t>(swap[0]) << (63 - k);
    }
    return word;
  }
  if (!randomize.shift && !randomize.digital_shift) return 0;
  const std::uint64_t mask = bits == 64 ? ~0ull : ~(~0ull >> bits);
  if (spec.shift) {
    const std::uint64_t at = given_at(*spec.shift, r, 1, position, 0);
    if (!spec.shift->fractions.empty()) {
      const double x = spec.shift->fractions[at];
      if (!(x >= 0 && x < 1)) throw core::input_error({spec.shift->file}, "a shift outside [0, 1)");
      return static_cast<std::uint64_t>(x * 0x1p64);
    }
    const std::uint64_t value = spec.shift->values[at];
    if (!is_net2()) return value;
    if (bits < 64 && value >> bits != 0) {
      throw core::input_error({spec.shift->file},
                              "a shift of more than " + std::to_string(bits) + " bits");
    }
    return value << (64 - bits);
  }
  if (spec.numpy) return numpy_shift[std::uint64_t{r} * d + dims[position]];
  return stream(r).shift(dims[position]) & mask;
}

std::vector<std::uint64_t> PointSet::State::shifts(
    std::uint32_t r, const std::vector<std::size_t>& positions) const {
  std::vector<std::uint64_t> words;
  words.reserve(positions.size());
  for (const std::size_t p : positions) words.push_back(shift_word(r, p));
  return words;
}

std::unique_ptr<Points> PointSet::State::build_net2(
    std::uint32_t r, const std::vector<std::size_t>& positions) const {
  const unsigned alpha = spec.alpha;
  Net2 matrices = net(positions, alpha);
  const unsigned t_in = matrices.rows;
  if (randomize.nested || randomize.owen_hash) {
    std::vector<std::uint32_t> inputs;
    for (const std::size_t p : positions) {
      for (unsigned k = 0; k < alpha; ++k) inputs.push_back(dims[p] * alpha + k);
    }
    return nus_points(matrices, spec.order, std::move(inputs), alpha, bits, stream(r),
                      randomize.nested ? NusKind::kExact : NusKind::kHash);
  }
  if (randomize.lms) {
    std::vector<std::uint64_t> columns(matrices.columns);
    for (std::size_t j = 0; j < matrices.dims(); ++j) {
      const auto rows = lms_rows(r, positions[j / alpha], static_cast<unsigned>(j % alpha), t_in);
      scramble_columns(rows, t_in, matrices.matrix(j), columns);
      std::copy(columns.begin(), columns.end(),
                matrices.bits.begin() + static_cast<std::ptrdiff_t>(j * matrices.columns));
    }
    matrices.rows = bits;
  }
  if (alpha > 1) matrices = interlace(matrices, alpha, bits);
  if (bits < matrices.rows) {
    for (std::uint64_t& column : matrices.bits) column &= ~(~0ull >> bits);
  }
  return net_points(matrices, spec.order, shifts(r, positions));
}

DigitMatrix PointSet::State::digit_matrix(std::uint32_t dim) const {
  if (sequence == Sequence::kFaure) return faure_matrix(primes[0], dim);
  if (sequence == Sequence::kHalton) {
    const unsigned t = digit_count(primes[dim]);
    return {primes[dim], t, t, {}};
  }
  if (file.kind == LdFile::Kind::kNetB) return file.matrices[dim];
  DigitMatrix matrix{2, file.net.rows, file.net.columns, {}};
  for (unsigned row = 0; row < matrix.rows; ++row) {
    for (const std::uint64_t column : file.net.matrix(dim)) {
      matrix.digits.push_back(static_cast<std::uint32_t>(column >> (63 - row) & 1));
    }
  }
  return matrix;
}

// What happens to each output digit on its own: a permutation, an addition, a multiplication.
std::vector<std::vector<std::uint32_t>> PointSet::State::digit_maps(std::uint32_t r,
                                                                    std::size_t position,
                                                                    std::uint32_t base) const {
  const std::uint32_t dim = dims[position];
  const unsigned t = digit_count(base);
  std::vector<std::vector<std::uint32_t>> maps;
  if (randomize.permute && spec.perms) {
    const auto& shape = spec.perms->shape;
    const std::uint64_t positions = shape[shape.size() - 2], width = shape.back();
    if (positions < t || width < base) {
      throw core::input_error({spec.perms->file}, "base " + std::to_string(base) + " needs " +
                                                      std::to_string(t) + " permutations of " +
                                                      std::to_string(base) + " entries");
    }
    for (unsigned k = 0; k < t; ++k) {
      const std::uint64_t at = given_at(*spec.perms, r, positions * width, position, k * width);
      std::vector<std::uint32_t> map(base);
      std::vector<bool> seen(base);
      for (std::uint32_t digit = 0; digit < base; ++digit) {
        const std::uint64_t value = spec.perms->values[at + digit];
        if (value >= base || seen[value]) {
          throw core::input_error({spec.perms->file}, "dimension " + std::to_string(dim + 1) +
                                                          ", digit " + std::to_string(k) +
                                                          ": no permutation of 0.." +
                                                          std::to_string(base - 1));
        }
        seen[value] = true;
        map[digit] = static_cast<std::uint32_t>(value);
      }
      maps.push_back(std::move(map));
    }
  } else if (randomize.permute) {
    for (unsigned k = 0; k < t; ++k) {
      maps.push_back(draw_permutation(stream(r), Tag::kPermutation, dim, base, k));
    }
  } else if (randomize.digital_shift || randomize.multiply) {
    const auto shift = randomize.digital_shift ? draw_digit_shift(stream(r), dim, base, t)
                                               : std::vector<std::uint32_t>(t);
    const std::uint64_t factor = randomize.multiply ? spec.multipliers->at(dim) % base : 1;
    if (factor == 0) throw usage_error("a multiplier is divisible by its base");
    for (unsigned k = 0; k < t; ++k) {
      std::vector<std::uint32_t> map(base);
      for (std::uint64_t digit = 0; digit < base; ++digit) {
        map[digit] = static_cast<std::uint32_t>((digit * factor + shift[k]) % base);
      }
      maps.push_back(std::move(map));
    }
  }
  return maps;
}

std::unique_ptr<Points> PointSet::State::build_digits(
    std::uint32_t r, const std::vector<std::size_t>& positions) const {
  std::vector<DigitDimension> built;
  for (const std::size_t p : positions) {
    DigitDimension dimension;
    dimension.dim = dims[p];
    dimension.matrix = digit_matrix(dims[p]);
    const std::uint32_t base = dimension.matrix.base;
    if (randomize.lms) {
      const unsigned t = digit_count(base), t_in = dimension.matrix.rows;
      dimension.matrix =
          scramble_digits(draw_digit_lms(stream(r), dims[p], base, t, t_in), t, dimension.matrix);
    }
    dimension.nested = randomize.nested;
    dimension.maps = digit_maps(r, p, base);
    built.push_back(std::move(dimension));
  }
  return digit_points(std::move(built), stream(r));
}

std::unique_ptr<Points> PointSet::State::build_lattice(
    std::uint32_t r, const std::vector<std::size_t>& positions) const {
  std::vector<std::uint64_t> generator;
  if (sequence == Sequence::kKronecker) {
    const auto constants = kronecker_constants(d);
    for (const std::size_t p : positions) generator.push_back(constants[dims[p]]);
    return kronecker_points(std::move(generator), shifts(r, positions));
  }
  std::vector<std::uint32_t> chosen;
  for (const std::size_t p : positions) chosen.push_back(dims[p]);
  if (path.empty()) {
    generator = built_in_lattice(chosen);
  } else {
    for (const std::uint32_t dim : chosen) generator.push_back(file.generator[dim]);
  }
  return lattice_points(std::move(generator), spec.order, spec.total.value_or(0),
                        shifts(r, positions));
}

std::unique_ptr<Points> PointSet::State::build(std::uint32_t r,
                                               const std::vector<std::size_t>& positions) const {
  switch (sequence) {
    case Sequence::kSobol:
    case Sequence::kNet:
      return build_net2(r, positions);
    case Sequence::kLattice:
    case Sequence::kKronecker:
      return build_lattice(r, positions);
    case Sequence::kHalton:
    case Sequence::kFaure:
    case Sequence::kNetB:
      return build_digits(r, positions);
    case Sequence::kIid:
    default: {
      std::vector<std::uint32_t> chosen;
      for (const std::size_t p : positions) chosen.push_back(dims[p]);
      return iid_points(std::move(chosen), stream(r));
    }
  }
}

}  // namespace stateutils::qmc
