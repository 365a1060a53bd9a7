#include "ckpt/protect/neighbour.hpp"

#include <re2/re2.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>

#include "ckpt/model/elements.hpp"
#include "ckpt/ops/cast.hpp"
#include "ckpt/plan/tensor_file.hpp"
#include "core/error.hpp"
#include "core/json.hpp"

namespace stateutils::ckpt::protect {
namespace {

constexpr double kPublishedEpsilon = 1e-4;
constexpr std::size_t kNumbers = 2048;

class MeanFile final : public ByteFile {
 public:
  MeanFile(ByteFilePtr x, ByteFilePtr y, Weights weights, DType dtype)
      : x_(std::move(x)), y_(std::move(y)), weights_(weights), dtype_(dtype) {}

  void read_at(std::uint64_t offset, void* data, std::uint64_t size) const override {
    const std::uint64_t item = item_bytes(dtype_);
    auto* to = static_cast<char*>(data);
    while (size > 0) {
      const std::uint64_t element = offset / item, skip = offset % item;
      const std::uint64_t wanted =
          std::min<std::uint64_t>(kNumbers, (skip + size + item - 1) / item);
      char bytes[kNumbers * sizeof(double)];
      mean(element, wanted, bytes);
      const std::uint64_t part = std::min(size, wanted * item - skip);
      std::copy_n(bytes + skip, part, to);
      to += part;
      offset += part;
      size -= part;
    }
  }
  [[nodiscard]] std::uint64_t size() const override { return x_->size(); }
  [[nodiscard]] const std::string& name() const override { return x_->name(); }
  [[nodiscard]] const char* operation() const override { return "average"; }

 private:
  void mean(std::uint64_t first, std::uint64_t count, char* bytes) const {
    const std::uint64_t item = item_bytes(dtype_);
    double x[kNumbers], y[kNumbers];
    const std::span<double> a(x, count), b(y, count);
    x_->read_at(first * item, bytes, count * item);
    to_doubles(dtype_, bytes, a);
    y_->read_at(first * item, bytes, count * item);
    to_doubles(dtype_, bytes, b);
    for (std::uint64_t i = 0; i < count; ++i) {
      a[i] = (weights_.before * a[i] + weights_.after * b[i]) / (weights_.before + weights_.after);
    }
    from_doubles(dtype_, a, bytes, Overflow::kSaturate);
  }

  ByteFilePtr x_, y_;
  Weights weights_;
  DType dtype_;
};

// A name with its layer number taken out.
struct Layered {
  std::string before, after;
  std::optional<std::uint64_t> layer;
};

Layered split_name(const std::string& name) {
  const auto digit = [&](std::size_t i) {
    return std::isdigit(static_cast<unsigned char>(name[i]));
  };
  for (std::size_t i = 0; i < name.size(); ++i) {
    if (!digit(i) || (i > 0 && name[i - 1] != '.' && name[i - 1] != '_')) continue;
    std::size_t end = i;
    while (end < name.size() && digit(end)) ++end;
    if (end - i > 9) continue;
    return {name.substr(0, i), name.substr(end), std::stoull(name.substr(i, end - i))};
  }
  return {name, "", std::nullopt};
}

// A stage's tensors by what they are: name without its layer, and the layer's rank in the stage.
struct Slot {
  std::string before, after;
  std::optional<std::size_t> rank;
  auto operator<=>(const Slot&) const = default;
};
struct Stage {
  std::map<Slot, std::size_t> tensors;  // index in the catalogue
  std::vector<std::uint64_t> layers;    // ascending
};

class Stages {
 public:
  Stages(const Catalogue& catalogue, const StageMap& map) : catalogue_(catalogue) {
    for (const auto& patterns : map) {
      patterns_.emplace_back();
      for (const std::string& pattern : patterns) {
        auto made = std::make_unique<re2::RE2>("^(?:" + pattern + ")", re2::RE2::Quiet);
        if (!made->ok()) {
          throw core::input_error({catalogue.source},
                                  "stage pattern " + core::quoted(pattern) + ": " + made->error());
        }
        patterns_.back().push_back(std::move(made));
      }
    }
  }

  [[nodiscard]] bool has(std::size_t stage, const std::string& name) const {
    return std::ranges::any_of(patterns_[stage], [&](const auto& pattern) {
      return re2::RE2::PartialMatch(name, *pattern);
    });
  }

  [[nodiscard]] Stage stage(std::size_t index) const {
    Stage found;
    std::set<std::uint64_t> layers;
    std::vector<std::pair<Layered, std::size_t>> names;
    for (std::size_t i = 0; i < catalogue_.tensors.size(); ++i) {
      const std::string& name = catalogue_.tensors[i].name;
      if (!has(index, name)) continue;
      names.emplace_back(split_name(name), i);
      if (names.back().first.layer) layers.insert(*names.back().first.layer);
    }
    found.layers.assign(layers.begin(), layers.end());
    for (const auto& [name, i] : names) {
      Slot slot{name.before, name.after, std::nullopt};
      if (name.layer) {
        slot.rank = static_cast<std::size_t>(std::ranges::lower_bound(found.layers, *name.layer) -
                                             found.layers.begin());
      }
      found.tensors.emplace(slot, i);
    }
    return found;
  }

 private:
  const Catalogue& catalogue_;
  std::vector<std::vector<std::unique_ptr<re2::RE2>>> patterns_;
};

[[noreturn]] void refuse(const Catalogue& catalogue, const std::string& what) {
  throw core::input_error({catalogue.source}, what);
}

std::string slot_name(const Slot& slot, const std::vector<std::uint64_t>& layers) {
  return slot.rank ? slot.before + std::to_string(layers[*slot.rank]) + slot.after : slot.before;
}

bool is_optimizer_state(const Tensor& tensor) {
  if (tensor.role == Role::kExpAvg || tensor.role == Role::kExpAvgSq ||
      tensor.role == Role::kStep) {
    return true;
  }
  return tensor.name.ends_with(".exp_avg") || tensor.name.ends_with(".exp_avg_sq") ||
         tensor.name.ends_with(".step");
}

// The new tensor in place of the old one of its name, or after the others.
void put(Catalogue& catalogue, Tensor tensor) {
  const auto found = std::ranges::find(catalogue.tensors, tensor.name, &Tensor::name);
  if (found != catalogue.tensors.end()) {
    *found = std::move(tensor);
  } else {
    catalogue.tensors.push_back(std::move(tensor));
  }
}

// `like` under another name with other bytes.
Tensor made_tensor(const Tensor& like, std::string name, ByteFilePtr bytes) {
  Tensor tensor = like;
  tensor.name = std::move(name);
  tensor.parameter.clear();
  tensor.alias_of.reset();
  tensor.replicas.clear();
  tensor.pieces = {dense_piece(tensor.dtype, tensor.shape, std::move(bytes), 0)};
  return tensor;
}

// Layer numbers of the lost stage: its own where it is still named, else those that follow
// `before`.
std::vector<std::uint64_t> lost_layers(const Catalogue& catalogue, const Stage& lost,
                                       std::size_t count, std::optional<std::uint64_t> first,
                                       std::optional<std::uint64_t> end) {
  std::vector<std::uint64_t> layers = lost.layers;
  if (layers.empty()) {
    for (std::uint64_t i = 0; i < count; ++i) layers.push_back(first.value_or(0) + i);
    if (end && !layers.empty() && layers.back() + 1 != *end) {
      refuse(catalogue, "the lost stage's layers do not fit between its neighbours");
    }
  }
  if (layers.size() != count) refuse(catalogue, "the lost stage has another number of layers");
  return layers;
}

void check_same(const Catalogue& catalogue, const Tensor& a, const Tensor& b) {
  if (a.shape != b.shape || a.dtype != b.dtype) {
    refuse(catalogue, "tensors " + core::quoted(a.name) + " and " + core::quoted(b.name) +
                          " differ in shape or dtype");
  }
}

void check_known(const Catalogue& catalogue, const Stage& lost, const Stage& source) {
  for (const auto& [slot, index] : lost.tensors) {
    if (source.tensors.contains(slot)) continue;
    refuse(catalogue, "tensor " + core::quoted(catalogue.tensors[index].name) +
                          " of the lost stage has no counterpart in its neighbour");
  }
}

std::optional<std::uint64_t> after_last(const Stage& stage) {
  if (stage.layers.empty()) return std::nullopt;
  return stage.layers.back() + 1;
}

}  // namespace

StageMap load_stage_map(const std::string& path) {
  const auto document = core::load_json(path);
  const auto wrong = [&path] {
    return core::input_error({path}, "not of the form {\"stages\":[[REGEX, ...], ...]}");
  };
  if (!document.is_object() || !document.contains("stages") || !document["stages"].is_array()) {
    throw wrong();
  }
  StageMap map;
  for (const auto& stage : document["stages"]) {
    if (!stage.is_array()) throw wrong();
    map.emplace_back();
    for (const auto& pattern : stage) {
      if (!pattern.is_string()) throw wrong();
      map.back().push_back(pattern.get<std::string>());
    }
  }
  return map;
}

std::vector<std::optional<double>> load_grad_norms(const std::string& path) {
  const auto document = core::load_json(path);
  const auto wrong = [&path] {
    return core::input_error({path}, "not of the form {\"grad_norms\":[NUMBER or null, ...]}");
  };
  if (!document.is_object() || !document.contains("grad_norms")) throw wrong();
  std::vector<std::optional<double>> norms;
  for (const auto& value : document["grad_norms"]) {
    if (value.is_null()) {
      norms.emplace_back();
    } else if (value.is_number() && value.get<double>() >= 0) {
      norms.emplace_back(value.get<double>());
    } else {
      throw wrong();
    }
  }
  return norms;
}

Weights neighbour_weights(WeightMode mode, const std::vector<std::optional<double>>& g,
                          std::size_t stage) {
  if (mode == WeightMode::kEqual) return {1, 1};
  if (mode == WeightMode::kCopy) return {1, 0};
  const auto norm = [&](std::size_t i) {
    if (i >= g.size() || !g[i]) {
      throw core::usage_error("--weights has no gradient norm for stage " + std::to_string(i));
    }
    return *g[i];
  };
  const double before = norm(stage - 1), after = norm(stage + 1);
  if (mode == WeightMode::kNorm) return {before + kPublishedEpsilon, after + kPublishedEpsilon};
  const Weights weights{before * before, after * after};
  if (!(weights.before + weights.after > 0)) {
    throw core::usage_error("--weights: both neighbours have gradient norm 0");
  }
  return weights;
}

ByteFilePtr weighted_mean(ByteFilePtr x, ByteFilePtr y, Weights weights, DType dtype) {
  return std::make_shared<MeanFile>(std::move(x), std::move(y), weights, dtype);
}

Recovery recover_between(Catalogue& catalogue, const StageMap& map, std::size_t stage,
                         Weights weights) {
  if (stage == 0 || stage + 1 >= map.size()) {
    throw core::usage_error("stage " + std::to_string(stage) +
                            " has one neighbour only: use --method copy --from-stage");
  }
  const Stages stages(catalogue, map);
  const Stage before = stages.stage(stage - 1), after = stages.stage(stage + 1);
  const Stage lost = stages.stage(stage);
  if (before.tensors.empty() || after.tensors.empty()) {
    refuse(catalogue, "a neighbour of the lost stage has no tensors");
  }
  if (before.tensors.size() != after.tensors.size()) {
    refuse(catalogue, "the neighbours have different numbers of tensors");
  }
  check_known(catalogue, lost, before);
  const std::vector<std::uint64_t> layers =
      lost_layers(catalogue, lost, before.layers.size(), after_last(before),
                  after.layers.empty() ? std::nullopt : std::optional(after.layers.front()));
  Recovery done;
  std::vector<Tensor> made;
  for (const auto& [slot, index] : before.tensors) {
    const auto other = after.tensors.find(slot);
    const Tensor& x = catalogue.tensors[index];
    if (other == after.tensors.end()) {
      refuse(catalogue,
             "tensor " + core::quoted(x.name) + " has no counterpart after the lost stage");
    }
    const Tensor& y = catalogue.tensors[other->second];
    check_same(catalogue, x, y);
    ByteFilePtr bytes;
    if (is_optimizer_state(x)) {
      bytes = zero_file(x.bytes());
      ++done.reset;
    } else if (is_floating(x.dtype)) {
      bytes = weighted_mean(tensor_file(x), tensor_file(y), weights, x.dtype);
      ++done.averaged;
    } else {
      bytes = tensor_file(x);
      ++done.copied;
    }
    made.push_back(made_tensor(x, slot_name(slot, layers), std::move(bytes)));
  }
  for (Tensor& tensor : made) put(catalogue, std::move(tensor));
  catalogue.document.reset();
  return done;
}

Recovery recover_copy(Catalogue& catalogue, const StageMap& map, std::size_t stage,
                      std::size_t from, const Catalogue* embeddings) {
  if (stage >= map.size() || from >= map.size() || stage == from) {
    throw core::usage_error("--stage and --from-stage must be two stages of the map");
  }
  const Stages stages(catalogue, map);
  const Stage source = stages.stage(from), lost = stages.stage(stage);
  if (source.tensors.empty()) refuse(catalogue, "the stage to copy has no tensors");
  const std::uint64_t count = source.layers.size();
  std::optional<std::uint64_t> first = 0;
  if (stage > 0) first = after_last(stages.stage(stage - 1));
  const std::vector<std::uint64_t> layers =
      lost_layers(catalogue, lost, count, first, std::nullopt);
  Recovery done;
  std::vector<Tensor> made;
  for (const auto& [slot, index] : source.tensors) {
    // What has no layer belongs to its own stage alone: an embedding, a head.
    if (!slot.rank && !lost.tensors.contains(slot)) continue;
    const Tensor& tensor = catalogue.tensors[index];
    const bool reset = is_optimizer_state(tensor);
    ++(reset ? done.reset : done.copied);
    made.push_back(made_tensor(tensor, slot_name(slot, layers),
                               reset ? zero_file(tensor.bytes()) : tensor_file(tensor)));
  }
  if (embeddings != nullptr) {
    for (const Tensor& tensor : embeddings->tensors) {
      const bool there = std::ranges::find(made, tensor.name, &Tensor::name) != made.end();
      if (there || !stages.has(stage, tensor.name)) continue;
      made.push_back(made_tensor(tensor, tensor.name, tensor_file(tensor)));
      ++done.copied;
    }
  }
  for (const auto& [slot, index] : lost.tensors) {
    const std::string& name = catalogue.tensors[index].name;
    if (std::ranges::find(made, name, &Tensor::name) == made.end()) {
      refuse(catalogue, "tensor " + core::quoted(name) +
                            " of the lost stage has no source: give --embedding-copy");
    }
  }
  for (Tensor& tensor : made) put(catalogue, std::move(tensor));
  catalogue.document.reset();
  return done;
}

}  // namespace stateutils::ckpt::protect
