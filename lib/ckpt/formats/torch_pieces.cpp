#include "ckpt/formats/torch_pieces.hpp"

#include <deque>
#include <unordered_map>

#include "ckpt/formats/torch_file.hpp"
#include "ckpt/plan/tensor_file.hpp"

namespace stateutils::ckpt {

void TorchBuilder::tensor(DType dtype, const Shape& shape, ByteFilePtr bytes) {
  const std::string key = std::to_string(storages_.size());
  storages_.push_back(std::move(bytes));
  pickle_.tensor({.key = key, .dtype = dtype, .shape = shape});
}

void TorchBuilder::value(const TorchFile& file, Ref ref) {
  std::deque<std::string> keys;
  std::unordered_map<Ref, PickledTensor> tensors;
  pickle_.value(file.heap(), ref, [&](Ref found) -> const PickledTensor* {
    const auto [known, fresh] = tensors.try_emplace(found);
    if (fresh) {
      const Tensor made = file.tensor(file.heap().at(found), "tensor");
      keys.push_back(std::to_string(storages_.size()));
      storages_.push_back(tensor_file(made));
      known->second = {.key = keys.back(), .dtype = made.dtype, .shape = made.shape};
    }
    return &known->second;
  });
}

OutputPlan TorchBuilder::finish(std::string name) {
  std::vector<ZipContent> contents;
  contents.push_back({root_ + "/data.pkl", memory_file(pickle_.finish(), "data.pkl")});
  contents.push_back({root_ + "/byteorder", memory_file("little", "byteorder")});
  for (std::size_t i = 0; i < storages_.size(); ++i) {
    contents.push_back({root_ + "/data/" + std::to_string(i), storages_[i]});
  }
  contents.push_back({root_ + "/version", memory_file("3\n", "version")});
  OutputPlan plan = plan_zip(std::move(contents), 64);
  plan.name = std::move(name);
  return plan;
}

}  // namespace stateutils::ckpt
