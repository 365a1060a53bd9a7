#include "qmc/normal.hpp"
#include "qmc/normal_impl.hpp"

namespace stateutils::qmc {

void normal_middle_avx512(const double* u, std::size_t count, double* out) {
  middle_loop(u, count, out);
}

}  // namespace stateutils::qmc
