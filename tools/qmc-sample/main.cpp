// qmc-sample: low-discrepancy points and what people do with them.
#include "commands.hpp"

int main(int argc, char** argv) {
  using namespace stateutils;
  core::Tool tool{"qmc-sample",
                  "low-discrepancy points, adaptive integration and fast kernel methods"};
  tools::register_points(tool);
  tools::register_transform(tool);
  tools::register_merge(tool);
  tools::register_vectors(tool);
  tools::register_discrepancy(tool);
  tools::register_check(tool);
  tools::register_kernel(tool);
  tools::register_integrate(tool);
  tools::register_brownian(tool);
  tools::register_diffuse(tool);
  tools::register_posterior(tool);
  tools::register_infer(tool);
  tools::register_bench(tool);
  return tool.main(argc, argv);
}
