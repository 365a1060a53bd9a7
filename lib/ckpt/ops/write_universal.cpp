#include <algorithm>
#include <nlohmann/json.hpp>
#include <unordered_set>

#include "ckpt/formats/safe_name.hpp"
#include "ckpt/formats/torch_pieces.hpp"
#include "ckpt/ops/reshard.hpp"
#include "ckpt/plan/tensor_file.hpp"
#include "ckpt/ucp/training.hpp"
#include "core/error.hpp"

namespace stateutils::ckpt {
namespace {

void write_json_value(PickleWriter& pickle, const nlohmann::json& value) {
  if (value.is_boolean()) {
    pickle.boolean(value.get<bool>());
  } else if (value.is_number_integer()) {
    pickle.integer(value.get<std::int64_t>());
  } else if (value.is_string()) {
    pickle.string(value.get<std::string>());
  } else {
    pickle.none();
  }
}

// DeepSpeed's SubparamShape: shape is a tuple whose entry at partition_dim may be a tuple.
void write_sub_param_shape(PickleWriter& pickle, const nlohmann::json& value) {
  pickle.global("deepspeed.checkpoint.universal_checkpoint", "SubparamShape")
      .raw(")\x81")
      .begin_dict();
  pickle.string("patterns").begin_list();
  for (const nlohmann::json& pattern : value.at("patterns"))
    pickle.string(pattern.get<std::string>());
  pickle.end_list().string("shape").begin_tuple();
  for (const nlohmann::json& size : value.at("shape")) {
    if (size.is_array()) {
      pickle.sizes(size.get<Shape>());
    } else {
      pickle.integer(size.get<std::int64_t>());
    }
  }
  pickle.end_tuple()
      .string("partition_dim")
      .integer(value.value("partition_dim", 0))
      .end_dict()
      .raw("b");
}

bool is_expert(const Tensor& tensor) {
  return std::ranges::any_of(tensor.attributes,
                             [](const auto& entry) { return entry.first == "is_expert_param"; });
}

OutputPlan state_file(const Tensor& tensor, const std::string& state, bool bare) {
  TorchBuilder file(state);
  if (state == "step" || bare) {
    const Shape shape = state == "step" ? tensor.shape : Shape{tensor.elements()};
    file.tensor(tensor.dtype, shape, tensor_file(tensor));
  } else {
    PickleWriter& pickle = file.pickle();
    pickle.begin_dict();
    for (const auto& [key, text] : tensor.attributes) {
      const nlohmann::json value = nlohmann::json::parse(text);
      pickle.string(key);
      key == "sub_param_shape" ? write_sub_param_shape(pickle, value)
                               : write_json_value(pickle, value);
    }
    pickle.string("param");
    file.tensor(tensor.dtype, tensor.shape, tensor_file(tensor));
    pickle.end_dict();
  }
  return file.finish("zero/" + tensor.parameter + '/' + state + ".pt");
}

// The optimizer's dict without what is in the state files, plus param_groups.
OutputPlan optimizer_file(const Training& training) {
  TorchBuilder file("optimizer_state");
  PickleWriter& pickle = file.pickle();
  pickle.begin_dict();
  if (training.optimizer) {
    const Heap& heap = training.optimizer->heap();
    const Object* root = &training.optimizer->root();
    if (!training.optimizer_is_bare) root = heap.find(*root, "optimizer_state_dict");
    const std::unordered_set<std::string_view> sharded{
        "base_optimizer_state", "single_partition_of_fp32_groups", "param_slice_mappings"};
    const Object* groups = nullptr;
    for (std::size_t i = 0; root != nullptr && i + 1 < root->items.size(); i += 2) {
      const std::string key = key_text(heap, root->items[i]);
      if (key == "base_optimizer_state" || key == "optimizer_state_dict") {
        groups = heap.find(heap.item(*root, i + 1), "param_groups");
      }
      if (sharded.contains(key)) continue;
      pickle.string(key);
      file.value(*training.optimizer, root->items[i + 1]);
    }
    if (groups != nullptr) {
      pickle.string("param_groups").begin_list();
      for (const Ref group : groups->items) file.value(*training.optimizer, group);
      pickle.end_list();
    }
  }
  pickle.end_dict();
  return file.finish("zero/optimizer_state.pt");
}

}  // namespace

std::vector<OutputPlan> plan_universal(const Catalogue& catalogue, bool rich) {
  std::vector<OutputPlan> plans;
  const Training* training = catalogue.training.get();
  const bool bare =
      training != nullptr && training->zero3 && !rich && catalogue.format == "deepspeed";
  std::unordered_set<std::string> with_fp32;
  for (const Tensor& tensor : catalogue.tensors) {
    if (tensor.role == Role::kFp32) with_fp32.insert(tensor.parameter);
  }
  for (const Tensor& tensor : catalogue.tensors) {
    // The low-precision copy stays in the model files; a plain tensor becomes its own fp32 state,
    // and so do experts whose only values are those of their own files.
    const bool low = tensor.role == Role::kParam || tensor.role == Role::kBuffer;
    const bool lone_expert = is_expert(tensor) && !with_fp32.contains(tensor.parameter);
    if (low && !tensor.parameter.empty() && !lone_expert) continue;
    if (tensor.role == Role::kStep && bare) continue;
    Tensor written = tensor;
    if (written.parameter.empty()) written.parameter = tensor.name;
    require_safe_name(written.parameter);
    const std::string state =
        low ? "fp32"
            : tensor.name.substr(std::min(tensor.name.size(), written.parameter.size() + 1));
    plans.push_back(state_file(written, state, bare));
  }
  if (training == nullptr) return plans;
  plans.push_back(optimizer_file(*training));
  for (const auto& [name, path] : training->model_files) {
    OutputPlan copy{.name = name};
    const ByteFilePtr file = plain_file(path);
    copy.regions.push_back({.content = file, .size = file->size()});
    plans.push_back(std::move(copy));
  }
  return plans;
}

}  // namespace stateutils::ckpt
