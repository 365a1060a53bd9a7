#include "kernel_options.hpp"

#include <bit>

#include "core/error.hpp"
#include "core/input.hpp"

namespace stateutils::tools {
namespace {

using core::usage_error;

// JSON on the command line is usage, in a file it is input.
qmc::KernelSpec read_kernel(const std::string& argument, std::size_t d) {
  if (argument.starts_with('@')) {
    const std::string file = argument.substr(1);
    return qmc::parse_kernel(core::read_file(file, 16 << 20), file, d);
  }
  try {
    return qmc::parse_kernel(argument, "--kernel", d);
  } catch (const core::Error& error) {
    throw usage_error(error.what());
  }
}

// The kernel belongs to the sequence: lattices with si, nets with dsi.
void require_pair(const qmc::KernelSpec& kernel, const qmc::PointSet& set) {
  const bool lattice = set.sequence() == qmc::Sequence::kLattice;
  const bool net = set.sequence() == qmc::Sequence::kSobol || set.sequence() == qmc::Sequence::kNet;
  const bool wants_lattice = kernel.type == qmc::KernelType::kShiftInvariant;
  if (lattice ? !wants_lattice : (!net || wants_lattice)) {
    throw usage_error("kernel type si goes with lattice, dsi with sobol and net");
  }
  if (set.spec().order != qmc::Order::kNatural) throw usage_error("kernels need --order natural");
  if (set.randomize().nested || set.randomize().owen_hash) {
    throw usage_error("nested scrambling leaves no group: use lms+ds");
  }
  if (set.spec().hammersley) throw usage_error("kernels need the points alone");
}

}  // namespace

void bind_kernel(core::Command& cmd, KernelOptions& o) {
  cmd.option("--seq", &o.sequence, "sobol, net:FILE or lattice[:FILE]").required();
  bind_point_set(cmd, o.set);
  cmd.option(
         "--kernel", &o.kernel,
         "JSON or @FILE: {\"type\":\"si|dsi\",\"alpha\":..,\"gamma\":..,\"scale\":..,\"noise\":..}")
      .value_name("JSON")
      .required();
  cmd.option("-n", &o.n, "number of points, where no values give it").value_name("N");
}

KernelProblem make_problem(KernelOptions& o, core::Io& io) {
  if (!o.set.randomize) o.set.randomize = "none";
  qmc::PointSpec spec = make_spec(o.set, o.sequence, io);
  settle_seed(io, qmc::PointSet(spec).is_random());
  spec.seed = io.seed;
  qmc::PointSet set(std::move(spec));
  qmc::KernelSpec kernel = read_kernel(o.kernel, set.columns());
  require_pair(kernel, set);
  return {std::move(set), std::move(kernel)};
}

std::uint64_t number_of_points(const KernelOptions& o, const std::optional<PointArray>& y) {
  if (y && o.n) throw usage_error("either -n or the values, not both");
  if (!y && !o.n) throw usage_error("-n N is missing");
  const std::uint64_t n = y ? y->rows : o.n->value;
  if (y && y->columns != 1) throw core::input_error({y->name}, "one value for each point expected");
  if (!std::has_single_bit(n)) {
    const std::string message = std::to_string(n) + " points are no power of 2";
    if (y) throw core::input_error({y->name}, message);
    throw usage_error(message);
  }
  return n;
}

}  // namespace stateutils::tools
