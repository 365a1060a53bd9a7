#include "ckpt/ops/merge.hpp"

#include <cmath>
#include <unordered_map>

#include "ckpt/model/elements.hpp"
#include "ckpt/ops/cast.hpp"
#include "ckpt/plan/computed.hpp"
#include "ckpt/plan/tensor_file.hpp"
#include "core/error.hpp"

namespace stateutils::ckpt {
namespace {

class WeightedFile final : public ComputedFile {
 public:
  struct Part {
    ByteFilePtr bytes;
    double weight;
  };
  WeightedFile(std::vector<Part> parts, double divisor, const Tensor& like)
      : ComputedFile(like.dtype, like.elements(), like.name),
        parts_(std::move(parts)),
        divisor_(divisor),
        dtype_(like.dtype) {}
  [[nodiscard]] const char* operation() const override { return "average"; }

 private:
  void compute(std::uint64_t first, std::size_t count, char* out) const override {
    const std::uint64_t item = item_bytes(dtype_);
    std::vector<double> sum(count), numbers(count);
    for (const Part& part : parts_) {
      part.bytes->read_at(first * item, out, count * item);
      to_doubles(dtype_, out, numbers);
      for (std::size_t i = 0; i < count; ++i) sum[i] += part.weight * numbers[i];
    }
    for (double& value : sum) value /= divisor_;
    from_doubles(dtype_, sum, out, Overflow::kSaturate);
  }

  std::vector<Part> parts_;
  double divisor_;
  DType dtype_;
};

// Everything but the tensors.
Catalogue merged_frame(const std::vector<Catalogue>& parts) {
  Catalogue whole{.format = parts.front().format};
  for (const Catalogue& part : parts) {
    whole.source += (whole.source.empty() ? "" : " ") + part.source;
    whole.metadata.insert(whole.metadata.end(), part.metadata.begin(), part.metadata.end());
    whole.sums.insert(whole.sums.end(), part.sums.begin(), part.sums.end());
    whole.findings.insert(whole.findings.end(), part.findings.begin(), part.findings.end());
    whole.files.insert(whole.files.end(), part.files.begin(), part.files.end());
    whole.objects += part.objects;
  }
  // Of a key that several sources have the first value stays.
  std::unordered_map<std::string, bool> seen;
  std::erase_if(whole.metadata,
                [&seen](const auto& entry) { return !seen.emplace(entry.first, true).second; });
  return whole;
}

[[noreturn]] void fail(const Tensor& tensor, const Catalogue& part, const std::string& message) {
  throw core::input_error({part.source}, "tensor " + core::quoted(tensor.name) + ": " + message);
}

// Sums of several weights need not be 1 to the last bit; those that were meant to be are.
double divisor_of(const std::vector<double>& weights) {
  constexpr double kClose = 1e-12;
  double sum = 0;
  for (const double weight : weights) sum += weight;
  if (!std::isfinite(sum) || sum == 0) throw core::usage_error("the weights add up to nothing");
  return std::fabs(sum - 1) < kClose ? 1 : sum;
}

}  // namespace

Catalogue merge_union(std::vector<Catalogue> parts) {
  Catalogue whole = merged_frame(parts);
  std::unordered_map<std::string, const Catalogue*> owner;
  for (Catalogue& part : parts) {
    const std::size_t base = whole.tensors.size();
    for (Tensor& tensor : part.tensors) {
      const auto [known, fresh] = owner.emplace(tensor.name, &part);
      if (!fresh) fail(tensor, part, "is in " + known->second->source + " too");
      if (tensor.alias_of) *tensor.alias_of += base;
      whole.tensors.push_back(std::move(tensor));
    }
  }
  return whole;
}

Catalogue merge_average(std::vector<Catalogue> parts, const std::vector<double>& weights) {
  const double divisor = divisor_of(weights);
  Catalogue whole = merged_frame(parts);
  std::vector<std::unordered_map<std::string, const Tensor*>> index(parts.size());
  for (std::size_t p = 0; p < parts.size(); ++p) {
    for (const Tensor& tensor : parts[p].tensors) {
      index[p].emplace(tensor.name, &tensor);
      if (!index[0].contains(tensor.name)) fail(tensor, parts[p], "is not in the first source");
    }
  }
  for (const Tensor& first : parts.front().tensors) {
    std::vector<WeightedFile::Part> sources;
    Tensor merged = first;
    for (std::size_t p = 0; p < parts.size(); ++p) {
      const auto found = index[p].find(first.name);
      if (found == index[p].end()) fail(first, parts[p], "is not in this source");
      const Tensor& tensor = *found->second;
      if (tensor.dtype != first.dtype || tensor.shape != first.shape) {
        fail(first, parts[p], "has another dtype or shape than in the first source");
      }
      sources.push_back({tensor_file(tensor), weights[p]});
      if (p > 0) {
        merged.replicas.insert(merged.replicas.end(), tensor.pieces.begin(), tensor.pieces.end());
      }
    }
    if (is_floating(first.dtype)) {
      merged.replicas.clear();
      merged.pieces = {
          dense_piece(first.dtype, first.shape,
                      std::make_shared<WeightedFile>(std::move(sources), divisor, first), 0)};
      if (first.elements() == 0) merged.pieces = first.pieces;
    }
    whole.tensors.push_back(std::move(merged));
  }
  return whole;
}

}  // namespace stateutils::ckpt
