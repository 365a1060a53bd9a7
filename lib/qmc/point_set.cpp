#include "qmc/point_set.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <numeric>

#include "core/checked.hpp"
#include "core/error.hpp"
#include "qmc/digit_points.hpp"
#include "qmc/point_set_state.hpp"

namespace stateutils::qmc {
namespace {

using core::usage_error;

struct NamedRandomization {
  const char* name;
  Randomize parts;
};

const std::vector<NamedRandomization>& randomizations() {
  static const std::vector<NamedRandomization> all = {
      {"none", {}},
      {"shift", {.shift = true}},
      {"ds", {.digital_shift = true}},
      {"lms", {.lms = true}},
      {"lms+ds", {.digital_shift = true, .lms = true}},
      {"perm", {.permute = true}},
      {"lms+perm", {.lms = true, .permute = true}},
      {"nus", {.nested = true}},
      {"qrng", {.multiply = true}},
      {"owen-hash", {.owen_hash = true}},
  };
  return all;
}

Sequence parse_sequence(std::string_view text, std::string& file) {
  struct Row {
    const char* name;
    Sequence sequence;
    bool takes_file, needs_file;
  };
  static constexpr Row kRows[] = {{"sobol", Sequence::kSobol, false, false},
                                  {"net", Sequence::kNet, true, true},
                                  {"lattice", Sequence::kLattice, true, false},
                                  {"halton", Sequence::kHalton, false, false},
                                  {"faure", Sequence::kFaure, false, false},
                                  {"netb", Sequence::kNetB, true, true},
                                  {"kronecker", Sequence::kKronecker, false, false},
                                  {"iid", Sequence::kIid, false, false}};
  const std::size_t colon = text.find(':');
  const std::string_view name = text.substr(0, colon);
  if (colon != std::string_view::npos) file = text.substr(colon + 1);
  for (const Row& row : kRows) {
    if (name != row.name) continue;
    if (!row.takes_file && colon != std::string_view::npos) {
      throw usage_error(std::string(name) + " takes no file");
    }
    if (row.needs_file && file.empty()) throw usage_error(std::string(name) + " needs :FILE");
    if (row.takes_file && colon != std::string_view::npos && file.empty()) {
      throw usage_error("empty file name in " + core::quoted(text));
    }
    return row.sequence;
  }
  throw usage_error("unknown sequence " + core::quoted(text) +
                    "; known: sobol, net:FILE, lattice[:FILE], halton, faure, netb:FILE, "
                    "kronecker, iid");
}

// The coordinate i / total in front of each row.
class HammersleyPoints final : public Points {
 public:
  HammersleyPoints(std::unique_ptr<Points> inner, std::uint64_t total)
      : inner_(std::move(inner)), total_(total) {}
  [[nodiscard]] std::size_t dims() const override { return 1 + (inner_ ? inner_->dims() : 0); }
  [[nodiscard]] bool is_costly() const override { return inner_ && inner_->is_costly(); }
  void fill(std::uint64_t first, std::uint64_t rows, Format format, void* out) const override {
    const std::size_t item = format_bytes(format), inner_dims = dims() - 1;
    std::vector<char> rest(rows * inner_dims * item);
    if (inner_) inner_->fill(first, rows, format, rest.data());
    auto* bytes = static_cast<char*>(out);
    for (std::uint64_t i = 0; i < rows; ++i) {
      const auto word = static_cast<std::uint64_t>((Wide{first + i} << 64) / total_);
      block_kernels().convert[static_cast<int>(format)](&word, 1, bytes);
      std::memcpy(bytes + item, rest.data() + i * inner_dims * item, inner_dims * item);
      bytes += dims() * item;
    }
  }

 private:
  std::unique_ptr<Points> inner_;
  std::uint64_t total_;
};

}  // namespace

Randomize parse_randomize(std::string_view name) {
  for (const NamedRandomization& row : randomizations()) {
    if (name == row.name) return row.parts;
  }
  throw usage_error("unknown randomization " + core::quoted(name));
}

std::string randomize_name(const Randomize& randomize) {
  for (const NamedRandomization& row : randomizations()) {
    if (randomize == row.parts) return row.name;
  }
  return "given";
}

void PointSet::State::choose_dims() {
  if (spec.dims.empty()) {
    if (!spec.d) throw usage_error("the number of dimensions is missing: -d D or --dims LIST");
    dims.resize(*spec.d);
    std::iota(dims.begin(), dims.end(), 0u);
  } else {
    dims = spec.dims;
    const std::uint32_t largest = *std::max_element(dims.begin(), dims.end()) + 1;
    if (spec.d && largest > *spec.d) {
      throw usage_error("--dims names dimension " + std::to_string(largest) + " of " +
                        std::to_string(*spec.d));
    }
    if (!spec.d) spec.d = largest;
  }
  d = *spec.d;
}

void PointSet::State::load() {
  std::uint64_t available = std::numeric_limits<std::uint32_t>::max();
  switch (sequence) {
    case Sequence::kSobol:
      available = kSobolDimensions;
      limit = 1ull << 32;
      break;
    case Sequence::kLattice:
      available = kLatticeDimensions;
      limit = kLatticePoints;
      if (path.empty()) break;
      [[fallthrough]];
    case Sequence::kNet:
    case Sequence::kNetB: {
      file = read_ld_file(path);
      const auto wanted =
          sequence == Sequence::kLattice ? LdFile::Kind::kLattice : LdFile::Kind::kNet2;
      if (file.kind != wanted &&
          !(sequence == Sequence::kNetB && file.kind != LdFile::Kind::kLattice)) {
        throw core::input_error({path}, std::string("a ") + file.keyword +
                                            " file does not define this kind of sequence");
      }
      available = file.dims();
      limit = file.points;
      break;
    }
    case Sequence::kHalton:
      available = kHaltonDimensions;
      limit = 1ull << 53;
      if (d <= available) primes = first_primes(d);
      break;
    case Sequence::kFaure: {
      available = kHaltonDimensions;
      limit = 1ull << 53;
      std::uint32_t base = std::max(d, 2u);
      while (!is_prime(base)) ++base;
      primes = {base};
      break;
    }
    case Sequence::kKronecker:
    case Sequence::kIid:
      break;
  }
  available /= spec.alpha;
  if (d > available) {
    throw usage_error("dimension " + std::to_string(d) + " asked for, " + spec.sequence + " has " +
                      std::to_string(available) +
                      (spec.alpha > 1 ? " at this order of interlacing" : ""));
  }
}

void PointSet::State::choose_randomize() {
  const bool lattice = sequence == Sequence::kLattice || sequence == Sequence::kKronecker;
  const bool digits =
      sequence == Sequence::kHalton || sequence == Sequence::kFaure || sequence == Sequence::kNetB;
  if (spec.randomize) {
    randomize = *spec.randomize;
  } else if (spec.lms || spec.shift || spec.perms) {
    randomize = {.shift = spec.shift && lattice,
                 .digital_shift = spec.shift && !lattice,
                 .lms = spec.lms.has_value(),
                 .permute = spec.perms.has_value()};
  } else if (lattice) {
    randomize = {.shift = true};
  } else if (sequence == Sequence::kHalton) {
    randomize = {.lms = true, .permute = true};
  } else if (sequence != Sequence::kIid) {
    randomize = {.digital_shift = true, .lms = true};
  }
  const bool defined = randomize == Randomize{} ||
                       (lattice ? randomize == Randomize{.shift = true}
                                : sequence != Sequence::kIid && !randomize.shift &&
                                      (!randomize.multiply || sequence == Sequence::kHalton) &&
                                      (!randomize.owen_hash || is_net2()) &&
                                      !(digits && randomize.digital_shift && spec.shift));
  if (!defined) {
    throw usage_error("randomization " + randomize_name(randomize) + " is not defined for " +
                      spec.sequence);
  }
  if (digits && spec.lms) throw usage_error("--lms-matrix is for nets in base 2");
  if (spec.perms && is_net2()) throw usage_error("--perms is for sequences with a base");
  if (spec.lms && !randomize.lms) throw usage_error("--lms-matrix needs a randomization with lms");
  if (spec.shift && !randomize.shift && !randomize.digital_shift) {
    throw usage_error("--shift needs a randomization with a shift");
  }
  if (spec.perms && !randomize.permute)
    throw usage_error("--perms needs a randomization with perm");
  if (spec.multipliers && spec.multipliers->size() < d) {
    throw usage_error("--qrng-factors holds " + std::to_string(spec.multipliers->size()) +
                      " factors of " + std::to_string(d));
  }
  if (randomize.multiply != spec.multipliers.has_value()) {
    throw usage_error("--randomize qrng and --qrng-factors FILE go together");
  }
  if (spec.numpy && (randomize.nested || randomize.permute || randomize.owen_hash || digits ||
                     sequence == Sequence::kIid || sequence == Sequence::kKronecker)) {
    throw usage_error("--rng numpy-sfc64 knows shift of lattices and ds, lms, lms+ds of nets only");
  }
}

void PointSet::State::choose_bits() {
  if (spec.alpha == 0) throw usage_error("--alpha must be at least 1");
  if (spec.alpha > 1 && !is_net2()) {
    throw usage_error("--alpha is for nets in base 2");
  }
  if (!is_net2()) {
    if (spec.bits) throw usage_error("--bits is for nets in base 2");
    bits = sequence == Sequence::kIid ? 53 : 64;
    return;
  }
  bits = spec.bits.value_or(spec.numpy ? 63 : 53);
  if (spec.lms && !spec.lms->shape.empty()) {
    const std::uint64_t rows = spec.lms->shape.back();
    if (rows == 0 || rows > 64) {
      throw core::input_error({spec.lms->file}, "a scrambling matrix has 1 to 64 rows");
    }
    if (spec.bits && *spec.bits > rows) {
      throw usage_error("--bits " + std::to_string(*spec.bits) + " but the matrices have " +
                        std::to_string(rows) + " rows");
    }
    if (!spec.bits) bits = static_cast<unsigned>(rows);
  }
  if (bits < 1 || bits > 64) throw usage_error("--bits must be from 1 to 64");
}

void PointSet::State::check_order() {
  const bool lattice = sequence == Sequence::kLattice;
  const bool fine = spec.order == Order::kNatural || (spec.order == Order::kGray && is_net2()) ||
                    (lattice && spec.order == Order::kGray) ||
                    (lattice && spec.order == Order::kLinear);
  if (!fine) throw usage_error("this order is not defined for " + spec.sequence);
  if (spec.order == Order::kLinear && !spec.total)
    throw usage_error("--order linear needs --total");
  if (spec.hammersley && !spec.total) throw usage_error("--hammersley needs --total");
  if (spec.total && *spec.total == 0) throw usage_error("--total must not be 0");
  if (lattice && spec.order != Order::kLinear && file.points != 0 &&
      !std::has_single_bit(file.points)) {
    throw usage_error(path + ": a lattice of " + std::to_string(file.points) +
                      " points, no power of 2, has linear order only");
  }
}

// Shape (dims, ...) or (R, dims, ...) with `tail` further axes, and at least as many dimensions as
// are used.
void PointSet::State::check_given(const GivenArray& array, std::size_t tail,
                                  std::uint64_t dims_wanted, const char* option) const {
  const std::size_t axes = array.shape.size();
  const bool fits = axes == 1 + tail || axes == 2 + tail;
  const std::uint64_t have = fits ? array.shape[axes - 1 - tail] : 0;
  if (!fits || have < dims_wanted) {
    throw core::input_error(
        {array.file}, std::string(option) + " needs the shape (" + std::to_string(dims_wanted) +
                          (tail > 0 ? ", ...)" : ")") + " or (R, ...) with it behind");
  }
  if (axes == 2 + tail && array.shape[0] < spec.replications) {
    throw core::input_error({array.file}, std::string(option) + " holds " +
                                              std::to_string(array.shape[0]) + " replications of " +
                                              std::to_string(spec.replications));
  }
}

// The entry of a dimension: by its number when the file has all dimensions up to it, else by its
// place among the chosen ones.
std::uint64_t PointSet::State::given_at(const GivenArray& array, std::uint32_t r,
                                        std::uint64_t per_dim, std::size_t position,
                                        std::uint64_t offset) const {
  std::uint64_t entries = 1, replications = 1;
  for (const std::uint64_t n : array.shape) entries *= n;
  const std::size_t plain_axes = &array == &*spec.shift               ? 1
                                 : (spec.lms && &array == &*spec.lms) ? 2
                                                                      : 3;
  if (array.shape.size() > plain_axes) replications = array.shape[0];
  const std::uint64_t per_replication = replications == 0 ? 0 : entries / replications;
  const std::uint64_t have = per_replication / per_dim;
  const std::uint32_t largest = *std::max_element(dims.begin(), dims.end());
  const std::uint64_t index = have > largest ? dims[position] : position;
  return (replications > 1 ? r * per_replication : 0) + index * per_dim + offset;
}

PointSet::PointSet(PointSpec spec) : state_(std::make_unique<State>()) {
  State& s = *state_;
  s.spec = std::move(spec);
  s.sequence = parse_sequence(s.spec.sequence, s.path);
  if (s.spec.alpha == 0) throw usage_error("--alpha must be at least 1");
  s.choose_dims();
  s.choose_randomize();
  s.choose_bits();
  s.load();
  s.check_order();
  if (s.spec.replications == 0 || s.spec.replications > kMaxReplications) {
    throw usage_error("replications must be from 1 to 2^24");
  }
  const std::uint64_t wanted = s.dims.size();
  if (s.spec.lms) s.check_given(*s.spec.lms, 1, wanted * s.spec.alpha, "--lms-matrix");
  if (s.spec.shift) s.check_given(*s.spec.shift, 0, wanted, "--shift");
  if (s.spec.perms) s.check_given(*s.spec.perms, 2, wanted, "--perms");
  if (s.spec.shift && s.is_net2() && !s.spec.shift->fractions.empty()) {
    throw core::input_error({s.spec.shift->file}, "the shift of a net is an integer array");
  }
  if (s.spec.numpy) s.draw_numpy();
}

PointSet::~PointSet() = default;
PointSet::PointSet(PointSet&&) noexcept = default;

void PointSet::require_rows(std::uint64_t first, std::uint64_t rows) const {
  const State& s = *state_;
  const auto end = core::checked_add(first, rows);
  if (!end) throw usage_error("--start plus -n passes 2^64");
  if (s.spec.total && (s.spec.order == Order::kLinear || s.spec.hammersley) &&
      *end > *s.spec.total) {
    throw usage_error("rows up to " + std::to_string(*end) + " asked for, --total is " +
                      std::to_string(*s.spec.total));
  }
  const bool extensible = s.sequence == Sequence::kLattice;
  if (s.spec.allow_extend && !extensible) {
    throw usage_error("--allow-extend is not defined for " + s.spec.sequence);
  }
  const std::uint64_t highest = s.spec.order == Order::kLinear ? *s.spec.total : *end;
  if (s.limit != 0 && !(s.spec.allow_extend && extensible) && highest > s.limit) {
    throw usage_error(s.spec.sequence + " has " + std::to_string(s.limit) + " points, " +
                      std::to_string(highest) + " asked for" +
                      (extensible ? "; --allow-extend goes on" : ""));
  }
}

std::unique_ptr<Points> PointSet::replication(std::uint32_t r) const {
  const State& s = *state_;
  std::vector<std::size_t> positions(s.dims.size());
  std::iota(positions.begin(), positions.end(), std::size_t{0});
  auto points = positions.empty() ? nullptr : s.build(r, positions);
  if (!s.spec.hammersley) return points;
  return std::make_unique<HammersleyPoints>(std::move(points), *s.spec.total);
}

std::unique_ptr<Points> PointSet::column(std::uint32_t r, std::size_t column) const {
  const State& s = *state_;
  if (s.spec.hammersley) {
    if (column == 0) return std::make_unique<HammersleyPoints>(nullptr, *s.spec.total);
    --column;
  }
  return s.build(r, {column});
}

DrawnRandomness PointSet::drawn(std::uint32_t r) const {
  const State& s = *state_;
  DrawnRandomness out;
  out.bits = s.bits;
  if (s.randomize.lms && s.is_net2()) {
    const unsigned t_in = s.sequence == Sequence::kSobol ? 32 : s.file.net.rows;
    for (std::size_t p = 0; p < s.dims.size(); ++p) {
      for (unsigned k = 0; k < s.spec.alpha; ++k) {
        const auto rows = s.lms_rows(r, p, k, t_in);
        out.lms.insert(out.lms.end(), rows.begin(), rows.end());
      }
    }
    out.lms_shape = {s.dims.size() * s.spec.alpha, s.bits};
  }
  if (s.randomize.shift || (s.randomize.digital_shift && s.is_net2())) {
    for (std::size_t p = 0; p < s.dims.size(); ++p) {
      out.shift.push_back(s.shift_word(r, p) >> (64 - s.bits));
    }
    out.shift_shape = {s.dims.size()};
  }
  if (s.randomize.permute && !s.is_net2()) {
    std::uint32_t widest = 2;
    unsigned most = 0;
    for (const std::uint32_t dim : s.dims) {
      const std::uint32_t base = s.digit_matrix(dim).base;
      widest = std::max(widest, base);
      most = std::max(most, digit_count(base));
    }
    out.perms_shape = {s.dims.size(), most, widest};
    out.perms.resize(s.dims.size() * most * widest);
    for (std::size_t p = 0; p < s.dims.size(); ++p) {
      const auto maps = s.digit_maps(r, p, s.digit_matrix(s.dims[p]).base);
      for (std::size_t k = 0; k < maps.size(); ++k) {
        std::copy(maps[k].begin(), maps[k].end(),
                  out.perms.begin() + static_cast<std::ptrdiff_t>((p * most + k) * widest));
      }
    }
  }
  return out;
}

std::size_t PointSet::columns() const {
  return state_->dims.size() + (state_->spec.hammersley ? 1 : 0);
}
const Randomize& PointSet::randomize() const {
  return state_->randomize;
}
bool PointSet::is_net() const {
  return state_->is_net2() || state_->sequence == Sequence::kNetB ||
         state_->sequence == Sequence::kFaure;
}
bool PointSet::is_random() const {
  const State& s = *state_;
  const Randomize& r = s.randomize;
  return s.sequence == Sequence::kIid || (r.lms && !s.spec.lms) ||
         ((r.shift || r.digital_shift) && !s.spec.shift) || (r.permute && !s.spec.perms) ||
         r.nested || r.owen_hash;
}
const PointSpec& PointSet::spec() const {
  return state_->spec;
}
Sequence PointSet::sequence() const {
  return state_->sequence;
}

}  // namespace stateutils::qmc
