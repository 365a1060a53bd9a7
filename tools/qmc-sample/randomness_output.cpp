#include "randomness_output.hpp"

#include <algorithm>

#include "core/error.hpp"
#include "core/safetensors.hpp"
#include "core/units.hpp"

namespace stateutils::tools {
namespace {

struct Tensor {
  std::string name;
  core::DType dtype = core::DType::kU64;
  std::vector<std::uint64_t> shape;
  std::string bytes;
};

template <class T>
void append_tensor(std::vector<Tensor>& tensors, const char* name, core::DType dtype,
                   const std::vector<std::uint64_t>& shape, const std::vector<T>& values) {
  if (shape.empty()) return;
  const auto same = [&](const Tensor& t) { return t.name == name; };
  auto found = std::find_if(tensors.begin(), tensors.end(), same);
  if (found == tensors.end()) {
    tensors.push_back({name, dtype, shape, {}});
    found = tensors.end() - 1;
  }
  found->bytes.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
}

std::string ld_text(const qmc::PointSet& set, const qmc::DrawnRandomness& drawn) {
  std::string text;
  const auto line = [&text](const std::string& s) { text += s + '\n'; };
  if (!drawn.lms_shape.empty()) {
    line("# lmscramble");
    line("2 # base");
    line(std::to_string(drawn.lms_shape[0]) + " # dimensions");
    line(std::to_string(drawn.lms_shape[1]) + " # rows, the first column the highest bit");
    for (std::size_t i = 0; i < drawn.lms.size(); ++i) {
      text += std::to_string(drawn.lms[i]);
      text += (i + 1) % drawn.lms_shape[1] == 0 ? '\n' : ' ';
    }
    return text;
  }
  const bool lattice = set.randomize().shift;
  line(lattice ? "# shiftmod1" : "# dshift");
  if (!lattice) line("2 # base");
  line(std::to_string(drawn.shift.size()) + " # dimensions");
  if (!lattice) line(std::to_string(drawn.bits) + " # digits");
  for (const std::uint64_t shift : drawn.shift) {
    line(lattice ? core::format_double(static_cast<double>(shift >> 11) * 0x1p-53)
                 : std::to_string(shift));
  }
  return text;
}

}  // namespace

void emit_randomness(const std::string& path, const qmc::PointSet& set, std::uint32_t first,
                     std::uint32_t count, bool with_replications, const core::Io& io) {
  if (path.ends_with(".txt")) {
    if (count != 1) throw core::usage_error("LDData text holds one replication: --replication r");
    const qmc::DrawnRandomness drawn = set.drawn(first);
    if (drawn.lms_shape.empty() == drawn.shift_shape.empty()) {
      throw core::usage_error("LDData text holds a shift or matrices; use a .safetensors file");
    }
    const auto out = io.open_output(path);
    out->write(ld_text(set, drawn));
    out->commit();
    return;
  }
  std::vector<Tensor> tensors;
  for (std::uint32_t r = first; r < first + count; ++r) {
    const qmc::DrawnRandomness drawn = set.drawn(r);
    append_tensor(tensors, "lms", core::DType::kU64, drawn.lms_shape, drawn.lms);
    append_tensor(tensors, "shift", core::DType::kU64, drawn.shift_shape, drawn.shift);
    append_tensor(tensors, "perms", core::DType::kU32, drawn.perms_shape, drawn.perms);
  }
  std::vector<core::TensorInfo> infos;
  for (const Tensor& tensor : tensors) {
    core::TensorInfo info;
    info.name = tensor.name;
    info.dtype = tensor.dtype;
    info.shape = tensor.shape;
    if (with_replications) info.shape.insert(info.shape.begin(), count);
    infos.push_back(std::move(info));
  }
  const auto out = io.open_output(path);
  out->write(core::safetensors_header_bytes(
      infos, {{"seed", std::to_string(io.seed)}, {"sequence", set.spec().sequence}}));
  for (const Tensor& tensor : tensors) out->write(tensor.bytes);
  out->commit();
}

}  // namespace stateutils::tools
