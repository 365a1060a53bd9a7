#include <algorithm>
#include <filesystem>
#include <map>
#include <unordered_map>

#include "ckpt/formats/deepspeed.hpp"
#include "ckpt/formats/torch_file.hpp"
#include "ckpt/model/folder.hpp"
#include "ckpt/ucp/training.hpp"
#include "core/error.hpp"

namespace stateutils::ckpt {
namespace {

namespace fs = std::filesystem;

using Shapes = std::unordered_map<std::string, std::pair<Shape, int>>;

std::vector<std::pair<std::string, std::string>> model_files(const std::string& folder) {
  std::vector<std::pair<std::string, std::string>> models;
  for (const auto& entry : list_folder(folder)) {
    const std::string name = entry.path().filename().string();
    if (name.ends_with("_model_states.pt")) models.emplace_back(name, entry.path().string());
  }
  return models;
}

// Shapes of bare flat tensors, groups and model order: param_shapes of the copied model files.
struct ModelShapes {
  Shapes by_name;
  std::unordered_map<std::string, std::size_t> order;
};

ModelShapes model_shapes(const std::vector<std::pair<std::string, std::string>>& models,
                         const ReadOptions& options) {
  ModelShapes shapes;
  for (const auto& [name, path] : models) {
    const TorchFile file(plain_file(path), options);
    const Object* groups = file.heap().find(file.root(), "param_shapes");
    if (groups == nullptr) continue;
    int index = 0;
    for (const Ref ref : groups->items) {
      const Object& map = file.heap().at(ref);
      for (std::size_t i = 0; i + 1 < map.items.size(); i += 2) {
        const auto shape = as_shape(file.heap(), file.heap().item(map, i + 1));
        if (!shape) continue;
        const std::string parameter = key_text(file.heap(), map.items[i]);
        shapes.by_name.try_emplace(parameter, *shape, index);
        shapes.order.try_emplace(parameter, shapes.order.size());
      }
      ++index;
    }
  }
  return shapes;
}

std::shared_ptr<Training> read_training(const std::string& folder, const ReadOptions& options,
                                        std::vector<std::pair<std::string, std::string>> models) {
  auto kept = std::make_shared<Training>();
  kept->patterns = std::make_shared<UcpPatterns>();
  kept->optimizer_is_bare = true;
  std::error_code failed;
  const std::string optimizer = folder + "/zero/optimizer_state.pt";
  if (fs::is_regular_file(optimizer, failed)) {
    kept->optimizer = std::make_shared<TorchFile>(plain_file(optimizer), options);
  }
  if (!models.empty()) {
    kept->model = std::make_shared<TorchFile>(plain_file(models.front().second), options);
    kept->zero3 = models.front().first.starts_with("zero_pp_rank_");
    const Object& root = kept->model->root();
    for (std::size_t i = 0; i + 1 < root.items.size(); i += 2) {
      if (kept->model->heap().item(root, i).text != "universal_checkpoint_info") continue;
      *kept->patterns = UcpPatterns::parse(value_json(kept->model->heap(), root.items[i + 1]),
                                           kept->model->name());
    }
  }
  if (!options.patterns.empty()) *kept->patterns = UcpPatterns::load(options.patterns);
  kept->model_files = std::move(models);
  return kept;
}

struct StateFile {
  std::string parameter, state, path;
};

// zero/NAME/STATE.pt; a NAME may contain slashes.
std::vector<StateFile> list_states(const std::string& zero) {
  std::vector<StateFile> states;
  std::error_code failed;
  for (const auto& entry : list_files_below(zero)) {
    if (entry.path().extension() != ".pt") continue;
    const std::string name = fs::relative(entry.path().parent_path(), zero, failed).string();
    if (name == ".") continue;  // optimizer_state.pt
    states.push_back({name, entry.path().stem().string(), entry.path().string()});
  }
  std::ranges::sort(states, [](const StateFile& a, const StateFile& b) {
    return std::tie(a.parameter, a.state) < std::tie(b.parameter, b.state);
  });
  return states;
}

void add_attributes(Tensor& tensor, const TorchFile& file) {
  const Heap& heap = file.heap();
  for (std::size_t i = 0; i + 1 < file.root().items.size(); i += 2) {
    const std::string key = key_text(heap, file.root().items[i]);
    if (key != "param")
      tensor.attributes.emplace_back(key, value_json(heap, file.root().items[i + 1]));
  }
}

Tensor read_state(const StateFile& state, const Shapes& shapes, const ReadOptions& options,
                  Catalogue& catalogue) {
  const TorchFile file(plain_file(state.path), options);
  catalogue.files.push_back(state.path);
  catalogue.sums.insert(catalogue.sums.end(), file.sums().begin(), file.sums().end());
  catalogue.findings.insert(catalogue.findings.end(), file.findings().begin(),
                            file.findings().end());
  const Object* value =
      file.root().kind == Kind::kTensor ? &file.root() : file.heap().find(file.root(), "param");
  if (value == nullptr || value->kind != Kind::kTensor) {
    const auto number = as_integer(file.root());
    if (!number) throw core::input_error({state.path}, "neither a tensor nor a dict with `param`");
    const std::int64_t step = *number;
    return dense_tensor("", DType::kI64, {},
                        memory_file(std::string(reinterpret_cast<const char*>(&step), 8), "(step)"),
                        0);
  }
  Tensor tensor = file.tensor(*value, state.parameter);
  const auto known = shapes.find(state.parameter);
  const bool bare = file.root().kind == Kind::kTensor && state.state != "step";
  if (bare && known != shapes.end() && element_count(known->second.first) == tensor.elements() &&
      tensor.pieces.front().is_dense(item_bytes(tensor.dtype))) {
    const Piece piece = tensor.pieces.front();
    tensor = dense_tensor("", tensor.dtype, known->second.first, piece.file, piece.at);
  }
  if (!bare && file.root().kind == Kind::kDict) add_attributes(tensor, file);
  if (known != shapes.end()) tensor.group = known->second.second;
  return tensor;
}

}  // namespace

bool is_universal_folder(const std::string& folder) {
  std::error_code failed;
  return fs::is_directory(folder + "/zero", failed) && !list_states(folder + "/zero").empty();
}

Catalogue open_universal(const std::string& folder, const ReadOptions& options) {
  Catalogue catalogue{.format = "universal", .source = folder};
  auto models = model_files(folder);
  const ModelShapes shapes = model_shapes(models, options);
  std::vector<StateFile> states = list_states(folder + "/zero");
  const auto place = [&shapes](const StateFile& state) {
    const auto found = shapes.order.find(state.parameter);
    return found == shapes.order.end() ? shapes.order.size() : found->second;
  };
  std::ranges::stable_sort(states, {}, place);
  for (const StateFile& state : states) {
    Tensor tensor = read_state(state, shapes.by_name, options, catalogue);
    tensor.role = role_from_name(state.state).value_or(Role::kOther);
    tensor.parameter = state.parameter;
    tensor.name = state.parameter + '.' + state.state;
    catalogue.tensors.push_back(std::move(tensor));
  }
  catalogue.training = read_training(folder, options, std::move(models));
  check_unique_names(catalogue);
  return catalogue;
}

}  // namespace stateutils::ckpt
