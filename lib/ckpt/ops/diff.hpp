// Comparing two catalogues element by element.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ckpt/model/catalogue.hpp"

namespace stateutils::ckpt {

enum class DiffStatus { kEqual, kValue, kShape, kDType, kOnlyA, kOnlyB };
[[nodiscard]] std::string_view diff_status_name(DiffStatus status);

// Without any of the three: equal bits. Else |a - b| <= atol + rtol |b|, or ULP distance <= ulp.
struct Tolerance {
  std::optional<double> atol{}, rtol{};
  std::optional<std::uint64_t> ulp{};
  bool nan_equal = false;
};

struct TensorDiff {
  std::string name;
  DiffStatus status = DiffStatus::kEqual;
  bool compared = false;            // values were compared: the fields below mean something
  double max_abs = 0, max_rel = 0;  // over finite pairs; max_rel = |a-b| / max(|a|, |b|)
  double rms = 0;                   // root mean square of a-b, without pairs like NaN and 1
  std::uint64_t max_ulp = 0;        // representable steps from a to b
  std::uint64_t mismatched = 0;     // elements outside the tolerance
  std::vector<std::uint64_t> first_index{};
};

// One result per name of either side, sorted by name.
[[nodiscard]] std::vector<TensorDiff> diff_catalogues(const Catalogue& a, const Catalogue& b,
                                                      const Tolerance& tolerance, int threads,
                                                      std::uint64_t max_memory);

}  // namespace stateutils::ckpt
