#include "ckpt/quant/store.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>

#include "ckpt/model/elements.hpp"
#include "ckpt/ops/cast.hpp"
#include "ckpt/plan/tensor_file.hpp"
#include "ckpt/quant/packing.hpp"
#include "core/error.hpp"
#include "core/json.hpp"
#include "core/json_writer.hpp"

namespace stateutils::ckpt::quant {
namespace {

unsigned bits_of(std::uint64_t k) {
  return k == 0 ? 0 : static_cast<unsigned>(std::countr_zero(k));
}

std::string encoded(const std::vector<float>& numbers, DType type) {
  const std::vector<double> wide(numbers.begin(), numbers.end());
  std::string bytes(numbers.size() * item_bytes(type), '\0');
  from_doubles(type, wide, bytes.data(), Overflow::kSaturate);
  return bytes;
}

template <class T>
std::string raw_bytes(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

// Rows of packed words, one for every v rows of the layer.
void pack_columns(const CodedColumns& columns, std::uint64_t count, std::uint64_t blocks,
                  unsigned residual_bits, std::uint64_t words, std::vector<std::uint32_t>& out) {
  std::vector<std::uint32_t> indices(count), residuals(residual_bits > 0 ? count : 0);
  for (std::uint64_t b = 0; b < blocks; ++b) {
    for (std::uint64_t c = 0; c < count; ++c) {
      indices[c] = columns.indices[c * blocks + b];
      if (residual_bits > 0) residuals[c] = columns.residuals[c * blocks + b];
    }
    out.resize(out.size() + words);
    pack_indices(indices, bits_of(columns.k), residuals, residual_bits, std::span(out).last(words));
  }
}

struct Widths {
  std::uint64_t group_columns, words, outlier_words;  // of the widest group
};
Widths widths_of(const LayerConfig& c) {
  const std::uint64_t rest = c.columns - c.outliers;
  const std::uint64_t widest = (rest + c.groups - 1) / c.groups;
  return {widest, packed_words(widest, bits_of(c.k) + bits_of(c.residual_k)),
          packed_words(c.outliers, bits_of(c.outlier_k))};
}

constexpr std::uint64_t kMaxVector = 256;

bool is_codebook_size(std::uint64_t k) {
  return k >= 2 && k <= (1u << 24) && std::has_single_bit(k);
}

// Empty when a field is missing or of another kind.
std::optional<LayerConfig> read_layer(const std::string& name, const nlohmann::json& fields) {
  bool sound = fields.is_object();
  const auto field = [&](const char* key) -> const nlohmann::json& {
    static const nlohmann::json kNone;
    if (sound && fields.contains(key)) return fields.at(key);
    sound = false;
    return kNone;
  };
  const auto size = [&](const nlohmann::json& value) -> std::uint64_t {
    sound = sound && value.is_number_unsigned();
    return sound ? value.get<std::uint64_t>() : 0;
  };
  const auto flag = [&](const char* key) {
    const nlohmann::json& value = field(key);
    sound = sound && value.is_boolean();
    return sound && value.get<bool>();
  };
  LayerConfig c{.name = name};
  const nlohmann::json &dtype = field("dtype"), &shape = field("shape");
  if (!sound || !dtype.is_string() || !shape.is_array() || shape.size() != 2) return std::nullopt;
  const auto type = dtype_from_name(dtype.get<std::string>());
  if (!type || !is_floating(*type)) return std::nullopt;
  c.dtype = *type;
  c.rows = size(shape.at(0));
  c.columns = size(shape.at(1));
  c.v = size(field("vector_len"));
  c.k = size(field("num_centroids"));
  c.residual_k = size(field("num_res_centroids"));
  c.groups = size(field("group_num"));
  c.outliers = size(field("outlier_size"));
  c.outlier_v = size(field("outlier_vector_len"));
  c.outlier_k = size(field("outlier_num_centroids"));
  c.permuted = flag("enable_perm");
  c.normed = flag("enable_norm");
  return sound ? std::optional(c) : std::nullopt;
}

// Bounds that keep every later product of sizes in range.
bool is_possible(const LayerConfig& c) {
  constexpr std::uint64_t kLargest = 1u << 30;
  const bool sizes = c.rows > 0 && c.columns > 0 && c.rows < kLargest && c.columns < kLargest &&
                     c.outliers < c.columns && c.groups > 0 && c.groups <= c.columns - c.outliers &&
                     c.v > 0 && c.v <= kMaxVector;
  const bool books = is_codebook_size(c.k) &&
                     (c.residual_k == 0 || is_codebook_size(c.residual_k)) &&
                     bits_of(c.k) + bits_of(c.residual_k) <= 32;
  const bool outliers = c.outliers == 0 || (c.outlier_v > 0 && c.outlier_v <= kMaxVector &&
                                            is_codebook_size(c.outlier_k));
  return sizes && books && outliers;
}

// Restores one layer row by row.
class DequantFile final : public ByteFile {
 public:
  struct Parts {
    LayerConfig config;
    ByteFilePtr indices{}, outlier_indices{};
    std::vector<double> centroids{}, residual_centroids{}, outlier_centroids{};
    std::vector<std::uint32_t> order{};
    std::vector<double> scale{}, bias{};
  };
  explicit DequantFile(Parts parts) : p_(std::move(parts)), widths_(widths_of(p_.config)) {}

  void read_at(std::uint64_t offset, void* data, std::uint64_t size) const override {
    const std::uint64_t line = p_.config.columns * item_bytes(p_.config.dtype);
    auto* to = static_cast<char*>(data);
    std::string bytes(line, '\0');
    while (size > 0) {
      const std::uint64_t skip = offset % line, part = std::min(size, line - skip);
      restore_row(offset / line, bytes);
      std::memcpy(to, bytes.data() + skip, part);
      to += part;
      offset += part;
      size -= part;
    }
  }
  [[nodiscard]] std::uint64_t size() const override {
    return p_.config.rows * p_.config.columns * item_bytes(p_.config.dtype);
  }
  [[nodiscard]] const std::string& name() const override { return p_.config.name; }
  [[nodiscard]] const char* operation() const override { return "dequantize"; }

 private:
  static std::vector<std::uint32_t> words_at(const ByteFile& file, std::uint64_t row,
                                             std::uint64_t words) {
    std::vector<std::uint32_t> out(words);
    if (words > 0) file.read_at(row * words * 4, out.data(), words * 4);
    return out;
  }

  void restore_row(std::uint64_t row, std::string& bytes) const {
    const LayerConfig& c = p_.config;
    std::vector<double> numbers(c.columns);
    if (c.outliers > 0) {
      const auto words = words_at(*p_.outlier_indices, row / c.outlier_v, widths_.outlier_words);
      for (std::uint64_t i = 0; i < c.outliers; ++i) {
        const std::uint64_t index = unpack_value(words, i, bits_of(c.outlier_k));
        place(numbers, i, p_.outlier_centroids[index * c.outlier_v + row % c.outlier_v]);
      }
    }
    const std::uint64_t rest = c.columns - c.outliers;
    const unsigned low = bits_of(c.k), bits = low + bits_of(c.residual_k);
    for (std::uint64_t g = 0; g < c.groups; ++g) {
      const auto words =
          words_at(*p_.indices, g * row_blocks(c.rows, c.v) + row / c.v, widths_.words);
      const std::uint64_t first = group_start(rest, c.groups, g);
      const std::uint64_t count = group_start(rest, c.groups, g + 1) - first;
      for (std::uint64_t i = 0; i < count; ++i) {
        const std::uint64_t value = unpack_value(words, i, bits), index = value & (c.k - 1);
        double x = p_.centroids[(g * c.k + index) * c.v + row % c.v];
        if (c.residual_k > 0) {
          x += p_.residual_centroids[(g * c.residual_k + (value >> low)) * c.v + row % c.v];
        }
        place(numbers, c.outliers + first + i, x);
      }
    }
    from_doubles(c.dtype, numbers, bytes.data(), Overflow::kSaturate);
  }
  void place(std::vector<double>& numbers, std::uint64_t position, double x) const {
    const std::uint64_t column = p_.order.empty() ? position : p_.order[position];
    numbers[column] = p_.config.normed ? x * p_.scale[column] + p_.bias[column] : x;
  }

  Parts p_;
  Widths widths_;
};

// Finds and checks the tensors of layers.
class Restorer {
 public:
  explicit Restorer(const Catalogue& catalogue) : catalogue_(catalogue) {
    for (const Tensor& tensor : catalogue.tensors) by_name_.emplace(tensor.name, &tensor);
  }

  ByteFilePtr layer(const LayerConfig& c) {
    const Widths widths = widths_of(c);
    DequantFile::Parts parts{.config = c};
    const std::uint64_t blocks = row_blocks(c.rows, c.v);
    parts.indices = file(c, ".indices", DType::kI32, {c.groups, blocks, widths.words});
    parts.centroids = numbers(c, ".centroids", {c.groups, c.k * c.v});
    if (c.residual_k > 0) {
      parts.residual_centroids = numbers(c, ".res_centroids", {c.groups, c.residual_k * c.v});
    }
    if (c.outliers > 0) {
      parts.outlier_indices = file(c, ".outlier_indices", DType::kI32,
                                   {1, row_blocks(c.rows, c.outlier_v), widths.outlier_words});
      parts.outlier_centroids = numbers(c, ".outlier_centroids", {1, c.outlier_k * c.outlier_v});
    }
    if (c.permuted) parts.order = order(c);
    if (c.normed) {
      parts.scale = numbers(c, ".weight_scale", {c.columns});
      parts.bias = numbers(c, ".weight_bias", {c.columns});
    }
    return std::make_shared<DequantFile>(std::move(parts));
  }
  [[nodiscard]] bool is_used(const std::string& name) const {
    return std::ranges::find(used_, name) != used_.end();
  }

 private:
  const Tensor& tensor(const LayerConfig& c, const char* suffix, const Shape& shape) {
    const auto found = by_name_.find(c.name + suffix);
    if (found == by_name_.end() || found->second->shape != shape) {
      throw core::input_error({catalogue_.source}, "layer " + core::quoted(c.name) + ": tensor " +
                                                       core::quoted(c.name + suffix) +
                                                       " is missing or of another shape");
    }
    used_.push_back(c.name + suffix);
    return *found->second;
  }
  ByteFilePtr file(const LayerConfig& c, const char* suffix, DType dtype, const Shape& shape) {
    const Tensor& found = tensor(c, suffix, shape);
    if (found.dtype != dtype) {
      throw core::input_error({catalogue_.source}, "tensor " + core::quoted(found.name) +
                                                       " is not " + std::string(dtype_name(dtype)));
    }
    return tensor_file(found);
  }
  std::vector<double> numbers(const LayerConfig& c, const char* suffix, const Shape& shape) {
    const Tensor& found = tensor(c, suffix, shape);
    if (!is_floating(found.dtype)) {
      throw core::input_error({catalogue_.source},
                              "tensor " + core::quoted(found.name) + " has no floating type");
    }
    const std::string bytes = read_text(*tensor_file(found), 0, found.bytes());
    std::vector<double> out(found.elements());
    to_doubles(found.dtype, bytes.data(), out);
    return out;
  }
  std::vector<std::uint32_t> order(const LayerConfig& c) {
    const ByteFilePtr bytes = file(c, ".perm", DType::kI32, {c.columns});
    std::vector<std::uint32_t> order(c.columns);
    bytes->read_at(0, order.data(), c.columns * 4);
    std::vector<char> seen(c.columns);
    for (const std::uint32_t column : order) {
      if (column >= c.columns || seen[column] != 0) {
        throw core::input_error({catalogue_.source},
                                "layer " + core::quoted(c.name) + ": perm is no permutation");
      }
      seen[column] = 1;
    }
    return order;
  }

  const Catalogue& catalogue_;
  std::map<std::string, const Tensor*> by_name_;
  std::vector<std::string> used_;
};

}  // namespace

DType centroid_type(DType layer) {
  return layer == DType::kBF16 ? DType::kBF16 : DType::kF16;
}

Weights load_weights(const Tensor& tensor) {
  Weights weights{tensor.shape[0], tensor.shape[1], std::vector<double>(tensor.elements())};
  const ByteFilePtr file = tensor_file(tensor);
  const std::uint64_t line = weights.columns * item_bytes(tensor.dtype);
  std::string bytes(line, '\0');
  std::vector<double> row(weights.columns);
  for (std::size_t r = 0; r < weights.rows; ++r) {
    file->read_at(r * line, bytes.data(), line);
    to_doubles(tensor.dtype, bytes.data(), row);
    for (std::size_t c = 0; c < weights.columns; ++c) weights.column(c)[r] = row[c];
  }
  return weights;
}

LayerConfig plan_layer(const std::string& name, DType dtype, const Shape& shape,
                       const QuantOptions& options) {
  LayerConfig c{.name = name,
                .dtype = dtype,
                .rows = shape[0],
                .columns = shape[1],
                .outliers = outlier_columns(shape[1], options),
                .v = options.v,
                .k = options.k,
                .residual_k = options.residual_k};
  c.groups = std::min(options.groups, c.columns - c.outliers);
  c.permuted = options.permute || c.outliers > 0;
  c.normed = options.norm != Norm::kNone;
  if (c.outliers > 0) {
    c.outlier_v = options.outlier_v;
    c.outlier_k = options.outlier_k;
  }
  return c;
}

std::vector<LayerTensor> layer_tensors(const LayerConfig& c) {
  const Widths widths = widths_of(c);
  const DType type = centroid_type(c.dtype);
  std::vector<LayerTensor> tensors{
      {c.name + ".indices", DType::kI32, {c.groups, row_blocks(c.rows, c.v), widths.words}},
      {c.name + ".centroids", type, {c.groups, c.k * c.v}}};
  const auto add = [&](const char* suffix, DType dtype, Shape shape) {
    tensors.push_back({c.name + suffix, dtype, std::move(shape)});
  };
  if (c.residual_k > 0) add(".res_centroids", type, {c.groups, c.residual_k * c.v});
  if (c.outliers > 0) {
    add(".outlier_indices", DType::kI32,
        {1, row_blocks(c.rows, c.outlier_v), widths.outlier_words});
    add(".outlier_centroids", type, {1, c.outlier_k * c.outlier_v});
  }
  if (c.permuted) add(".perm", DType::kI32, {c.columns});
  if (c.normed) {
    add(".weight_scale", DType::kF32, {c.columns});
    add(".weight_bias", DType::kF32, {c.columns});
  }
  return tensors;
}

std::vector<std::string> layer_bytes(const LayerConfig& c, const QuantizedLayer& layer) {
  const Widths widths = widths_of(c);
  const std::uint64_t blocks = row_blocks(c.rows, c.v), rest = c.columns - c.outliers;
  const DType type = centroid_type(c.dtype);
  std::vector<std::uint32_t> words;
  std::vector<float> centroids, residuals;
  for (std::uint64_t g = 0; g < c.groups; ++g) {
    const CodedColumns& group = layer.groups[g];
    const std::uint64_t count = group_start(rest, c.groups, g + 1) - group_start(rest, c.groups, g);
    pack_columns(group, count, blocks, bits_of(c.residual_k), widths.words, words);
    centroids.insert(centroids.end(), group.centroids.begin(), group.centroids.end());
    residuals.insert(residuals.end(), group.residual_centroids.begin(),
                     group.residual_centroids.end());
  }
  std::vector<std::string> bytes{raw_bytes(words), encoded(centroids, type)};
  if (c.residual_k > 0) bytes.push_back(encoded(residuals, type));
  if (c.outliers > 0) {
    std::vector<std::uint32_t> outlier_words;
    pack_columns(layer.outlier, c.outliers, row_blocks(c.rows, c.outlier_v), 0,
                 widths.outlier_words, outlier_words);
    bytes.push_back(raw_bytes(outlier_words));
    bytes.push_back(encoded(layer.outlier.centroids, type));
  }
  if (c.permuted) {
    bytes.push_back(raw_bytes(std::vector<std::uint32_t>(layer.order.begin(), layer.order.end())));
  }
  if (c.normed) {
    bytes.push_back(raw_bytes(layer.scale));
    bytes.push_back(raw_bytes(layer.bias));
  }
  return bytes;
}

std::string config_text(const std::vector<LayerConfig>& layers) {
  std::string text;
  core::JsonWriter json(text);
  json.begin_object().field("quant_method", "vptq").key("layers").begin_object();
  for (const LayerConfig& c : layers) {
    json.key(c.name).begin_object().field("dtype", dtype_name(c.dtype));
    json.key("shape").begin_array().value(c.rows).value(c.columns).end_array();
    json.field("vector_len", c.v).field("num_centroids", c.k);
    json.field("num_res_centroids", c.residual_k).field("group_num", c.groups);
    json.field("outlier_size", c.outliers).field("outlier_vector_len", c.outlier_v);
    json.field("outlier_num_centroids", c.outlier_k);
    json.field("enable_perm", c.permuted).field("enable_norm", c.normed).end_object();
  }
  json.end_object().end_object();
  return text;
}

std::vector<LayerConfig> parse_config(const std::string& text, const std::string& file) {
  const nlohmann::json document = core::parse_json(text, file);
  if (!document.is_object() || !document.contains("layers") || !document["layers"].is_object()) {
    throw core::input_error({file}, std::string(kConfigKey) + " names no layers");
  }
  std::vector<LayerConfig> layers;
  for (const auto& [name, fields] : document["layers"].items()) {
    std::optional<LayerConfig> layer = read_layer(name, fields);
    if (!layer || !is_possible(*layer)) {
      throw core::input_error({file}, std::string(kConfigKey) + ": layer " + core::quoted(name) +
                                          " is not described as it must be");
    }
    layers.push_back(std::move(*layer));
  }
  return layers;
}

Target dequantized_target(const Catalogue& catalogue) {
  Target target;
  std::vector<LayerConfig> layers;
  for (const auto& [key, value] : catalogue.metadata) {
    if (key == kConfigKey) {
      layers = parse_config(value, catalogue.source);
    } else {
      target.metadata.emplace_back(key, value);
    }
  }
  if (layers.empty()) {
    throw core::input_error({catalogue.source},
                            "no quantized layers: metadata has no " + std::string(kConfigKey));
  }
  Restorer restorer(catalogue);
  for (const LayerConfig& c : layers) {
    target.tensors.push_back({.name = c.name,
                              .dtype = c.dtype,
                              .shape = {c.rows, c.columns},
                              .bytes = restorer.layer(c)});
  }
  for (const Tensor& tensor : catalogue.tensors) {
    if (restorer.is_used(tensor.name)) continue;
    target.tensors.push_back({.name = tensor.name,
                              .dtype = tensor.dtype,
                              .shape = tensor.shape,
                              .bytes = tensor_file(holder_of(catalogue, tensor))});
  }
  return target;
}

}  // namespace stateutils::ckpt::quant
