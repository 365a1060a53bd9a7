#include "point_options.hpp"

#include <sys/random.h>

#include <cerrno>

#include "core/error.hpp"
#include "core/units.hpp"

namespace stateutils::tools {

using core::usage_error;

void bind_point_set(core::Command& command, PointSetOptions& o) {
  command.option("-d", &o.d, "number of dimensions").value_name("D");
  command.option("--dims", &o.dims, "chosen dimensions, from 1, such as 1,5,9-12")
      .comma_list()
      .value_name("LIST");
  command.option("--order", &o.order, "row i is point i, its Gray code, or frac(i g / total)")
      .one_of({"natural", "gray", "linear"});
  command.option("--total", &o.total, "points of the whole set, for linear order and hammersley");
  command
      .option("--randomize", &o.randomize,
              "default: lms+ds for nets, shift for lattices and kronecker, lms+perm for halton")
      .one_of(
          {"none", "shift", "ds", "lms", "lms+ds", "perm", "lms+perm", "nus", "qrng", "owen-hash"});
  command.option("--alpha", &o.alpha, "order of digit interlacing (nets in base 2)").range(1, 64);
  command.option("--bits", &o.bits, "digits of a net in base 2 (default 53; numpy-sfc64: 63)")
      .range(1, 64);
  command.option("--rng", &o.rng, "generator of the randomness; numpy-sfc64 gives QMCPy's numbers")
      .one_of({"philox", "numpy-sfc64"});
  command.option("--lms-matrix", &o.lms_matrix, "scrambling matrices instead of drawn ones")
      .value_name("FILE");
  command.option("--shift", &o.shift, "shifts instead of drawn ones").value_name("FILE");
  command.option("--perms", &o.perms, "digit permutations instead of drawn ones")
      .value_name("FILE");
  command.option("--qrng-factors", &o.factors, "multipliers for --randomize qrng, one a line")
      .value_name("FILE");
  command.option("--hammersley", &o.hammersley, "put the coordinate i/total first");
  command.option("--allow-extend", &o.allow_extend,
                 "go beyond the range a lattice vector was made for");
}

std::vector<std::uint32_t> parse_dims(const std::vector<std::string>& parts) {
  constexpr std::uint64_t kMost = 1u << 24;
  std::vector<std::uint32_t> dims;
  for (const std::string& part : parts) {
    const std::size_t dash = part.find('-');
    const auto first = core::parse_u64(part.substr(0, dash));
    const auto last = dash == std::string::npos ? first : core::parse_u64(part.substr(dash + 1));
    if (!first || !last || *first == 0 || *last < *first || *last > kMost) {
      throw usage_error("--dims: " + core::quoted(part) +
                        " is no dimension and no range such as 9-12");
    }
    for (std::uint64_t dim = *first; dim <= *last; ++dim) {
      dims.push_back(static_cast<std::uint32_t>(dim - 1));
    }
    if (dims.size() > kMost) throw usage_error("--dims: more than 2^24 dimensions");
  }
  return dims;
}

void settle_seed(core::Io& io, bool needed) {
  if (io.seed_given || !needed) return;
  if (::getrandom(&io.seed, sizeof io.seed, 0) != sizeof io.seed) {
    throw core::system_error("the system's random numbers", "read", errno);
  }
  io.seed_given = true;
  io.log.info("seed " + std::to_string(io.seed));
}

qmc::PointSpec make_spec(const PointSetOptions& o, const std::string& sequence,
                         const core::Io& io) {
  qmc::PointSpec spec;
  spec.sequence = sequence;
  if (o.d) {
    if (o.d->value > 1u << 24) throw usage_error("-d: more than 2^24 dimensions");
    spec.d = static_cast<std::uint32_t>(o.d->value);
  }
  spec.dims = parse_dims(o.dims);
  spec.order = o.order == "gray"     ? qmc::Order::kGray
               : o.order == "linear" ? qmc::Order::kLinear
                                     : qmc::Order::kNatural;
  if (o.total) spec.total = o.total->value;
  if (o.randomize) spec.randomize = qmc::parse_randomize(*o.randomize);
  spec.alpha = static_cast<unsigned>(o.alpha);
  if (o.bits) spec.bits = static_cast<unsigned>(*o.bits);
  spec.numpy = o.rng == "numpy-sfc64";
  spec.seed = io.seed;
  if (o.replications) {
    if (o.replications->value == 0 || o.replications->value > qmc::kMaxReplications) {
      throw usage_error("--replications must be from 1 to 2^24");
    }
    spec.replications = static_cast<std::uint32_t>(o.replications->value);
  }
  spec.hammersley = o.hammersley;
  spec.allow_extend = o.allow_extend;
  if (o.lms_matrix) spec.lms = qmc::read_given_array(*o.lms_matrix, "lms");
  if (o.shift) spec.shift = qmc::read_given_array(*o.shift, "shift");
  if (o.perms) spec.perms = qmc::read_given_array(*o.perms, "perms");
  if (o.factors) {
    const std::string text = core::read_file(*o.factors, 64 << 20);
    spec.multipliers = qmc::parse_integers(text, *o.factors);
  }
  return spec;
}

}  // namespace stateutils::tools
