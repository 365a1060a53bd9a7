#include "ckpt/formats/deepspeed_experts.hpp"

#include <algorithm>
#include <set>

#include "ckpt/pickle/document.hpp"
#include "core/error.hpp"

namespace stateutils::ckpt {
namespace {

constexpr std::uint64_t kMostExperts = 1u << 20;

std::uint64_t size_field(const TorchFile& file, const Object& layer, std::string_view key) {
  const Object* value = file.heap().find(layer, key);
  const auto size = value == nullptr ? std::nullopt : as_size(*value);
  if (!size || *size == 0 || *size > kMostExperts) {
    throw core::input_error({file.name()},
                            "ds_autoep_layers: " + std::string(key) + " is no number of experts");
  }
  return *size;
}

// Moves a part to `from` of the first dimension of the joined tensor.
void place(Tensor& joined, const Tensor& part, std::uint64_t from, bool replica) {
  for (Piece piece : part.pieces) {
    piece.offset[0] += from;
    (replica ? joined.replicas : joined.pieces).push_back(std::move(piece));
  }
}

// An expert's tensor as a part of one more dimension.
Tensor as_row(Tensor tensor) {
  const std::uint64_t bytes = tensor.bytes();
  tensor.shape.insert(tensor.shape.begin(), 1);
  for (Piece& piece : tensor.pieces) {
    piece.offset.insert(piece.offset.begin(), 0);
    piece.size.insert(piece.size.begin(), 1);
    piece.strides.insert(piece.strides.begin(), bytes);
  }
  return tensor;
}

Tensor join(const std::string& name, const std::map<std::uint64_t, std::vector<Tensor>>& parts,
            std::vector<Finding>& findings) {
  Tensor joined = parts.begin()->second.front();
  joined.pieces.clear();
  joined.shape[0] = 0;
  joined.name = name;
  std::uint64_t next = 0;
  for (const auto& [index, copies] : parts) {
    if (index != next++) {
      findings.push_back(
          {"grid", name, "the file of expert " + std::to_string(next - 1) + " is missing"});
      return joined;
    }
    for (std::size_t i = 0; i < copies.size(); ++i) {
      const Tensor& part = copies[i];
      if (part.dtype != joined.dtype ||
          !std::ranges::equal(part.shape.begin() + 1, part.shape.end(), joined.shape.begin() + 1,
                              joined.shape.end())) {
        findings.push_back({"shape", name, "the experts differ in shape or type"});
        return joined;
      }
      place(joined, part, joined.shape[0], i > 0);
    }
    joined.shape[0] += copies.front().shape[0];
  }
  return joined;
}

}  // namespace

void Experts::describe(const TorchFile& model) {
  const Heap& heap = model.heap();
  const Object* layers = heap.find(model.root(), "ds_autoep_layers");
  if (layers == nullptr) layers = heap.find(model.root(), "autoep_layers");
  if (layers == nullptr || (layers->kind != Kind::kList && layers->kind != Kind::kTuple)) return;
  for (const Ref ref : layers->items) {
    const Object& layer = heap.at(ref);
    const Object* prefix = heap.find(layer, "expert_key_prefix");
    if (prefix == nullptr || prefix->text.empty()) {
      throw core::input_error({model.name()}, "ds_autoep_layers: no expert_key_prefix");
    }
    const Share share{size_field(model, layer, "num_experts"),
                      size_field(model, layer, "num_local_experts"),
                      size_field(model, layer, "ep_size")};
    if (share.experts != share.local * share.ranks) {
      throw core::input_error({model.name()},
                              "ds_autoep_layers: the ranks do not hold all experts");
    }
    // The three matrices of an expert, as DeepSpeed fuses them.
    for (const char* weight : {".w1", ".w2", ".w3"}) {
      names_.push_back(std::string(prefix->text) + weight);
      shares_[names_.back()] = share;
    }
  }
}

const Experts::Share* Experts::share_of(const std::string& parameter) const {
  const auto found = shares_.find(parameter);
  return found == shares_.end() || found->second.ranks == 1 ? nullptr : &found->second;
}

bool Experts::add_weight(const std::string& name, std::uint64_t expert, Tensor tensor) {
  const std::string suffix = '.' + std::to_string(expert);
  if (!name.ends_with(suffix) || name.size() == suffix.size()) return false;
  weights_[name.substr(0, name.size() - suffix.size())][expert].push_back(
      as_row(std::move(tensor)));
  return true;
}

// Positions in param_groups by name. Without param_names the expert-like states (three dimensions,
// the first one the rank's experts) belong to the expert parameters in their order.
std::map<std::string, std::size_t> Experts::ids_of(const TorchFile& file,
                                                   const Object& optimizer) const {
  const Heap& heap = file.heap();
  std::map<std::string, std::size_t> ids;
  std::vector<std::size_t> unnamed;
  const Object* groups = heap.find(optimizer, "param_groups");
  for (std::size_t g = 0; groups != nullptr && g < groups->items.size(); ++g) {
    const Object& group = heap.item(*groups, g);
    const Object* params = heap.find(group, "params");
    const Object* names = heap.find(group, "param_names");
    for (std::size_t i = 0; params != nullptr && i < params->items.size(); ++i) {
      const auto id = as_size(heap.item(*params, i));
      if (!id) continue;
      if (names != nullptr && names->items.size() == params->items.size()) {
        ids.emplace(heap.item(*names, i).text, *id);
      } else {
        unnamed.push_back(*id);
      }
    }
  }
  if (!ids.empty()) return ids;
  const Object* states = heap.find(optimizer, "state");
  std::size_t next = 0;
  for (const std::size_t id : unnamed) {
    for (std::size_t i = 0; states != nullptr && i + 1 < states->items.size(); i += 2) {
      if (as_size(heap.item(*states, i)) != id || next == names_.size()) continue;
      const Object* average = heap.find(heap.item(*states, i + 1), "exp_avg");
      if (average == nullptr || average->kind != Kind::kTensor) continue;
      const Shape shape = file.tensor(*average, "exp_avg").shape;
      if (shape.size() == 3 && shape[0] == shares_.at(names_[next]).local)
        ids.emplace(names_[next++], id);
    }
  }
  return ids;
}

void Experts::add_optimizer(const TorchFile& file, std::uint64_t rank) {
  const Heap& heap = file.heap();
  const Object* optimizer = heap.find(file.root(), "optimizer");
  const Object* states = optimizer == nullptr ? nullptr : heap.find(*optimizer, "state");
  if (states == nullptr) return;
  for (const auto& [name, id] : ids_of(file, *optimizer)) {
    if (!shares_.contains(name) && !weights_.contains(name)) continue;
    for (std::size_t i = 0; i + 1 < states->items.size(); i += 2) {
      if (as_size(heap.item(*states, i)) != id) continue;
      for (const char* state : {"exp_avg", "exp_avg_sq"}) {
        const Object* value = heap.find(heap.item(*states, i + 1), state);
        if (value == nullptr || value->kind != Kind::kTensor) continue;
        Tensor tensor = file.tensor(*value, name);
        if (tensor.shape.empty()) continue;
        states_[{name, state}][rank].push_back(std::move(tensor));
      }
    }
  }
}

std::vector<Tensor> Experts::stacked(std::vector<Finding>& findings) const {
  std::vector<Tensor> tensors;
  for (const auto& [name, parts] : weights_) {
    tensors.push_back(join(name, parts, findings));
    tensors.back().role = Role::kParam;
    tensors.back().parameter = name;
  }
  for (const auto& [key, parts] : states_) {
    tensors.push_back(join(key.first + '.' + key.second, parts, findings));
    tensors.back().role = role_from_name(key.second).value_or(Role::kOther);
    tensors.back().parameter = key.first;
  }
  for (Tensor& tensor : tensors) mark(tensor);
  return tensors;
}

void Experts::mark(Tensor& tensor) const {
  const auto share = shares_.find(tensor.parameter);
  const auto files = weights_.find(tensor.parameter);
  if (share == shares_.end() && files == weights_.end()) return;
  const std::uint64_t experts =
      share == shares_.end() ? files->second.rbegin()->first + 1 : share->second.experts;
  if (tensor.shape.empty() || tensor.shape[0] != experts) return;
  tensor.attributes = {
      {"cat_dim", "0"}, {"is_expert_param", "true"}, {"ep_num_experts", std::to_string(experts)}};
}

}  // namespace stateutils::ckpt
