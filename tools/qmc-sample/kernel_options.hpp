// What every subcommand of kernel, and discrepancy, need to know of a kernel and its points.
#pragma once

#include <optional>
#include <string>

#include "core/io.hpp"
#include "point_input.hpp"
#include "point_options.hpp"
#include "qmc/kernels.hpp"

namespace stateutils::tools {

struct KernelOptions {
  std::string sequence, kernel;
  std::optional<core::Count> n;
  PointSetOptions set;
};
void bind_kernel(core::Command& command, KernelOptions& options);

struct KernelProblem {
  qmc::PointSet set;
  qmc::KernelSpec kernel;
};
// Points unrandomized unless asked, the kernel that belongs to them; kUsage for what does not fit.
[[nodiscard]] KernelProblem make_problem(KernelOptions& options, core::Io& io);
// From the values or -n: a power of two; kUsage, or kInput naming the values.
[[nodiscard]] std::uint64_t number_of_points(const KernelOptions& options,
                                             const std::optional<PointArray>& values);

}  // namespace stateutils::tools
