#include "ckpt/model/catalogue.hpp"

#include <array>
#include <unordered_set>

#include "core/error.hpp"

namespace stateutils::ckpt {
namespace {

constexpr std::array<std::pair<Role, std::string_view>, 7> kRoles{{{Role::kParam, "param"},
                                                                   {Role::kFp32, "fp32"},
                                                                   {Role::kExpAvg, "exp_avg"},
                                                                   {Role::kExpAvgSq, "exp_avg_sq"},
                                                                   {Role::kStep, "step"},
                                                                   {Role::kBuffer, "buffer"},
                                                                   {Role::kOther, "other"}}};

}  // namespace

std::string_view role_name(Role role) {
  return kRoles[static_cast<std::size_t>(role)].second;
}

std::optional<Role> role_from_name(std::string_view name) {
  for (const auto& [role, text] : kRoles) {
    if (text == name) return role;
  }
  return std::nullopt;
}

bool Piece::is_dense(std::uint64_t item) const {
  std::uint64_t expected = item;
  for (std::size_t d = size.size(); d-- > 0;) {
    if (size[d] == 0) return true;
    if (size[d] > 1 && strides[d] != expected) return false;
    expected *= size[d];
  }
  return true;
}

std::vector<std::uint64_t> dense_strides(const Shape& shape, std::uint64_t item) {
  std::vector<std::uint64_t> strides(shape.size());
  std::uint64_t step = item;
  for (std::size_t d = shape.size(); d-- > 0;) {
    strides[d] = step;
    step *= shape[d] == 0 ? 1 : shape[d];
  }
  return strides;
}

Piece dense_piece(DType dtype, const Shape& shape, ByteFilePtr file, std::uint64_t at) {
  Piece piece{.offset = Shape(shape.size(), 0), .size = shape, .file = std::move(file), .at = at};
  piece.strides = dense_strides(shape, item_bytes(dtype));
  return piece;
}

Tensor dense_tensor(std::string name, DType dtype, Shape shape, ByteFilePtr file,
                    std::uint64_t at) {
  Tensor tensor{.name = std::move(name), .dtype = dtype, .shape = std::move(shape)};
  tensor.pieces.push_back(dense_piece(dtype, tensor.shape, std::move(file), at));
  return tensor;
}

void check_unique_names(const Catalogue& catalogue) {
  std::unordered_set<std::string_view> seen;
  seen.reserve(catalogue.tensors.size());
  for (const Tensor& tensor : catalogue.tensors) {
    if (!seen.insert(tensor.name).second) {
      throw core::input_error({catalogue.source},
                              "two tensors are named " + core::quoted(tensor.name));
    }
  }
}

void require_sound(const Catalogue& catalogue) {
  if (catalogue.findings.empty()) return;
  const Finding& finding = catalogue.findings.front();
  const std::string what =
      finding.tensor.empty() ? "" : "tensor " + core::quoted(finding.tensor) + ": ";
  throw core::input_error({catalogue.source}, what + finding.detail);
}

const Tensor& holder_of(const Catalogue& catalogue, const Tensor& tensor) {
  const Tensor* holder = &tensor;
  while (holder->alias_of) holder = &catalogue.tensors[*holder->alias_of];
  return *holder;
}

}  // namespace stateutils::ckpt
