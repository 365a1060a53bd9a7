// Scaled casts: values divided by the largest magnitude of their tensor or row, over the largest
// value of the narrow type.
#pragma once

#include "ckpt/model/bytes.hpp"
#include "ckpt/model/dtype.hpp"
#include "ckpt/ops/cast.hpp"

namespace stateutils::ckpt {

enum class ScaleBy { kNone, kTensor, kRow };  // a row is one index of dimension 0

struct Scaled {
  ByteFilePtr scales;  // F32: amax / largest_value(to), 1 where amax is 0
  Shape scales_shape;  // () or (rows)
  ByteFilePtr values;  // round(value / scale) as `to`
};

// `source` holds a tensor of floating type `from`. Nothing is read until the results are.
[[nodiscard]] Scaled scale_file(ByteFilePtr source, DType from, const Shape& shape, DType to,
                                ScaleBy by, Overflow overflow);

}  // namespace stateutils::ckpt
