#include "ckpt/quant/checkpoint.hpp"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>

#include "ckpt/formats/open.hpp"
#include "ckpt/model/elements.hpp"
#include "ckpt/plan/tensor_file.hpp"
#include "ckpt/quant/store.hpp"
#include "core/error.hpp"

namespace stateutils::ckpt::quant {
namespace {

// Beside the limit itself: what the issue of bounded memory allows every command.
constexpr std::uint64_t kSlack = 48u << 20;

bool is_layer(const Tensor& tensor) {
  return tensor.shape.size() == 2 && is_floating(tensor.dtype) && tensor.elements() > 0 &&
         !tensor.alias_of;
}

// H and, where it is given, its inverse: tensors of a small checkpoint of their own.
struct HessianFile {
  std::string path{};
  std::optional<Tensor> h{}, inverse{};
};

std::optional<Tensor> find_square(const Catalogue& catalogue, const char* name, std::uint64_t n) {
  const auto found = std::ranges::find(catalogue.tensors, name, &Tensor::name);
  if (found == catalogue.tensors.end()) return std::nullopt;
  if (!is_floating(found->dtype) || found->shape != Shape{n, n}) {
    throw core::input_error({catalogue.source}, std::string(name) +
                                                    " is not a floating matrix of " +
                                                    std::to_string(n) + " by " + std::to_string(n));
  }
  return *found;
}

HessianFile find_hessian(const std::string& folder, const Tensor& layer) {
  HessianFile file{.path = folder + '/' + layer.name + ".safetensors"};
  std::error_code failed;
  if (folder.empty() || !std::filesystem::exists(file.path, failed)) return {};
  const Catalogue catalogue = open_checkpoint(file.path, {});
  file.h = find_square(catalogue, "H", layer.shape[1]);
  file.inverse = find_square(catalogue, "Hinv", layer.shape[1]);
  if (!file.h) throw core::input_error({file.path}, "no tensor H");
  return file;
}

Square read_square(const std::optional<Tensor>& tensor) {
  if (!tensor) return {};
  const std::uint64_t n = tensor->shape[0], line = n * item_bytes(tensor->dtype);
  Square square{n, std::vector<double>(n * n)};
  const ByteFilePtr file = tensor_file(*tensor);
  for (std::uint64_t r = 0; r < n; ++r) {
    const std::string bytes = read_text(*file, r * line, line);
    to_doubles(tensor->dtype, bytes.data(), std::span(square.cells).subspan(r * n, n));
  }
  return square;
}

// One layer at a time is quantized, whichever thread asks for it.
struct Workshop {
  CheckpointOptions options;
  std::mutex mutex;
};

// A layer that is quantized when its first byte is wanted, and forgotten after its last.
class LayerWork {
 public:
  LayerWork(std::shared_ptr<Workshop> shop, std::size_t index, Tensor tensor, LayerConfig config,
            HessianFile hessian)
      : shop_(std::move(shop)),
        index_(index),
        tensor_(std::move(tensor)),
        config_(std::move(config)),
        hessian_(std::move(hessian)) {
    for (const LayerTensor& part : layer_tensors(config_)) {
      left_ += *tensor_bytes(part.dtype, part.shape);
    }
    all_ = left_;
  }

  void read(std::size_t part, std::uint64_t offset, void* data, std::uint64_t size) {
    const std::lock_guard lock(shop_->mutex);
    if (parts_.empty()) quantize();
    std::memcpy(data, parts_[part].data() + offset, size);
    left_ -= std::min(left_, size);
    if (left_ > 0) return;
    parts_ = {};
    left_ = all_;
  }
  [[nodiscard]] const std::string& source() const {
    return tensor_.pieces.empty() ? tensor_.name : tensor_.pieces.front().file->name();
  }

 private:
  void quantize() {
    const Square h = read_square(hessian_.h), inverse = read_square(hessian_.inverse);
    QuantOptions options = shop_->options.layer;
    options.groups = config_.groups;
    const QuantizedLayer layer = quantize_layer([this] { return load_weights(tensor_); }, h,
                                                inverse.identity() ? nullptr : &inverse,
                                                centroid_type(config_.dtype), options);
    parts_ = layer_bytes(config_, layer);
    if (shop_->options.done) {
      shop_->options.done(
          index_, {config_.name, layer.bits_per_weight, layer.proxy_error, layer.rtn_proxy_error});
    }
  }

  std::shared_ptr<Workshop> shop_;
  std::size_t index_;
  Tensor tensor_;
  LayerConfig config_;
  HessianFile hessian_;
  std::vector<std::string> parts_;
  std::uint64_t left_ = 0, all_ = 0;  // bytes not read yet
};

class LayerFile final : public ByteFile {
 public:
  LayerFile(std::shared_ptr<LayerWork> work, std::size_t part, std::uint64_t size)
      : work_(std::move(work)), part_(part), size_(size) {}
  void read_at(std::uint64_t offset, void* data, std::uint64_t size) const override {
    work_->read(part_, offset, data, size);
  }
  [[nodiscard]] std::uint64_t size() const override { return size_; }
  [[nodiscard]] const std::string& name() const override { return work_->source(); }
  [[nodiscard]] const char* operation() const override { return "quantize"; }

 private:
  std::shared_ptr<LayerWork> work_;
  std::size_t part_;
  std::uint64_t size_;
};

void require_memory(const Tensor& tensor, const HessianFile& hessian, const LayerConfig& config,
                    const CheckpointOptions& options) {
  QuantOptions layer = options.layer;
  layer.groups = config.groups;
  const std::uint64_t needed = quantize_memory(
      tensor.shape[0], tensor.shape[1], hessian.h.has_value(), hessian.inverse.has_value(), layer);
  if (needed <= options.max_memory + kSlack) return;
  constexpr std::uint64_t kMega = 1u << 20;
  throw core::Error(core::Category::kInput,
                    "layer " + core::quoted(tensor.name) + " needs --max-memory " +
                        std::to_string((needed - kSlack + kMega - 1) / kMega) + "Mi");
}

// Copies of wide elements come first and of narrow ones last. A layer takes a multiple of four
// bytes, so that every tensor is aligned to its items.
void add_copies(Target& target, const Catalogue& catalogue, bool wide) {
  std::vector<const Tensor*> copies;
  for (const Tensor& tensor : catalogue.tensors) {
    if (!is_layer(tensor) && (item_bytes(tensor.dtype) >= 4) == wide) copies.push_back(&tensor);
  }
  std::ranges::stable_sort(copies, [](const Tensor* a, const Tensor* b) {
    return item_bytes(a->dtype) > item_bytes(b->dtype);
  });
  for (const Tensor* tensor : copies) {
    target.tensors.push_back({.name = tensor->name,
                              .dtype = tensor->dtype,
                              .shape = tensor->shape,
                              .bytes = tensor_file(holder_of(catalogue, *tensor))});
  }
}

}  // namespace

QuantizedCheckpoint quantized_checkpoint(const Catalogue& catalogue,
                                         const CheckpointOptions& options) {
  const auto shop = std::make_shared<Workshop>();
  shop->options = options;
  QuantizedCheckpoint made{.target = {.tensors = {}, .metadata = catalogue.metadata}};
  add_copies(made.target, catalogue, true);
  std::vector<LayerConfig> configs;
  for (const Tensor& tensor : catalogue.tensors) {
    if (!is_layer(tensor)) continue;
    HessianFile hessian = find_hessian(options.hessians, tensor);
    if (hessian.h) {
      made.hessian_files.push_back(hessian.path);
    } else {
      made.without_hessian.push_back(tensor.name);
    }
    configs.push_back(plan_layer(tensor.name, tensor.dtype, tensor.shape, options.layer));
    require_memory(tensor, hessian, configs.back(), options);
    const auto work = std::make_shared<LayerWork>(shop, made.layers++, tensor, configs.back(),
                                                  std::move(hessian));
    std::size_t part = 0;
    for (const LayerTensor& stored : layer_tensors(configs.back())) {
      const std::uint64_t bytes = *tensor_bytes(stored.dtype, stored.shape);
      made.target.tensors.push_back({.name = stored.name,
                                     .dtype = stored.dtype,
                                     .shape = stored.shape,
                                     .bytes = std::make_shared<LayerFile>(work, part++, bytes)});
    }
  }
  add_copies(made.target, catalogue, false);
  made.target.metadata.emplace_back(kConfigKey, config_text(configs));
  return made;
}

}  // namespace stateutils::ckpt::quant
