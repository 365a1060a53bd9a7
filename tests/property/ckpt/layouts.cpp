// Random models through random parallel layouts: every file of the target against a twin that cuts
// plain arrays, and every tensor bit by bit after the way there and back.
#include <doctest.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <random>

#include "ckpt/formats/open.hpp"
#include "ckpt/ops/cast.hpp"
#include "ckpt/ops/publish.hpp"
#include "ckpt/ops/reshard.hpp"
#include "ckpt/ops/scan.hpp"
#include "ckpt/ops/select.hpp"
#include "ckpt/plan/tensor_file.hpp"
#include "ckpt/ucp/training.hpp"
#include "tests/unit/ckpt/support.hpp"

using namespace stateutils;
using namespace stateutils::ckpt;
using nlohmann::json;
using test::hashes;
using test::Scratch;
namespace fs = std::filesystem;

namespace {

using Random = std::mt19937;
using Floats = std::vector<float>;

std::uint64_t pick(Random& random, std::uint64_t low, std::uint64_t high) {
  return std::uniform_int_distribution<std::uint64_t>(low, high)(random);
}

// How the twin cuts a parameter: widths of its parts along `dim`; none: replicated.
struct ModelParam {
  std::string name;
  Shape shape;
  int group = 0;
  std::size_t dim = 0;
  std::vector<std::uint64_t> parts{};
  bool vocabulary = false;
  std::map<std::string, Floats> states{};  // fp32, exp_avg, exp_avg_sq
  Floats low{};                            // no cast of fp32: it must travel as it is
};

struct Model {
  std::vector<ModelParam> params;
  json patterns;
};

Floats random_values(Random& random, std::uint64_t count) {
  Floats values(count);
  for (float& value : values) value = std::normal_distribution<float>()(random);
  return values;
}

void add_param(Random& random, Model& model, ModelParam param) {
  param.group = param.shape.size() >= 2 ? 0 : 1;
  const std::uint64_t count = *element_count(param.shape);
  for (const char* state : {"fp32", "exp_avg", "exp_avg_sq"})
    param.states[state] = random_values(random, count);
  param.low = random_values(random, count);
  model.params.push_back(std::move(param));
}

// Sizes are small and odd on purpose: cuts are uneven, shares are empty.
Model random_model(Random& random) {
  Model model;
  const auto size = [&] { return pick(random, 1, 9); };
  const std::uint64_t vocabulary = pick(random, 3, 40);
  model.patterns = {{"universal_checkpoint_version", 0.4},
                    {"original_vocab_size", vocabulary},
                    {"vocabulary_parameter_patterns", {"embed\\.weight$"}},
                    {"tp_replicated_parameter_patterns", {".*norm$"}},
                    {"parameter_with_row_parallelism_patterns", {".*\\.row$"}},
                    {"parameter_with_2_sub_params_cat_dim_0", {".*\\.gate$"}},
                    {"parameter_with_sub_params", json::array()}};
  const std::uint64_t width = size();
  add_param(random, model,
            {.name = "embed.weight",
             .shape = {vocabulary, width},
             .parts = {vocabulary},
             .vocabulary = true});
  const std::uint64_t layers = pick(random, 1, 4);
  const Shape qkv{size(), size(), size()};
  const std::uint64_t rows = size(), columns = size(), half = size();
  for (std::uint64_t i = 0; i < layers; ++i) {
    const std::string layer = "layers." + std::to_string(i) + '.';
    add_param(random, model, {.name = layer + "norm", .shape = {width}});
    add_param(random, model,
              {.name = layer + "qkv", .shape = {qkv[0] + qkv[1] + qkv[2], width}, .parts = qkv});
    add_param(random, model, {.name = layer + "column", .shape = {rows, width}, .parts = {rows}});
    add_param(random, model,
              {.name = layer + "row", .shape = {width, columns}, .dim = 1, .parts = {columns}});
    add_param(random, model,
              {.name = layer + "gate", .shape = {2 * half, width}, .parts = {half, half}});
    add_param(random, model, {.name = layer + "bias", .shape = {rows}, .parts = {rows}});
  }
  add_param(random, model, {.name = "final_norm", .shape = {width}});
  model.patterns["parameter_with_sub_params"].push_back(
      {{"patterns", {".*\\.qkv$"}}, {"shape", {qkv, width}}, {"partition_dim", 0}});
  return model;
}

std::string bytes_of(const Floats& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)};
}

Tensor tensor_of(const std::string& name, const ModelParam& param, const Floats& values,
                 Role role) {
  Tensor tensor =
      dense_tensor(name, DType::kF32, param.shape, memory_file(bytes_of(values), name), 0);
  tensor.role = role;
  tensor.parameter = param.name;
  tensor.group = param.group;
  return tensor;
}

Catalogue catalogue_of(const Model& model) {
  Catalogue catalogue{.format = "deepspeed", .source = "(model)"};
  for (const ModelParam& param : model.params) {
    Tensor low = tensor_of(param.name, param, param.low, Role::kParam);
    low.dtype = DType::kF16;
    low.pieces = {dense_piece(DType::kF16, param.shape,
                              cast_file(memory_file(bytes_of(param.low), param.name), DType::kF32,
                                        DType::kF16, Overflow::kSaturate),
                              0)};
    catalogue.tensors.push_back(std::move(low));
    const std::pair<const char*, Role> states[] = {
        {"fp32", Role::kFp32}, {"exp_avg", Role::kExpAvg}, {"exp_avg_sq", Role::kExpAvgSq}};
    for (const auto& [state, role] : states) {
      catalogue.tensors.push_back(
          tensor_of(param.name + '.' + state, param, param.states.at(state), role));
    }
  }
  auto training = std::make_shared<Training>();
  training->patterns =
      std::make_shared<UcpPatterns>(UcpPatterns::parse(model.patterns.dump(), "(patterns)"));
  catalogue.training = std::move(training);
  return catalogue;
}

// The twin: rank `tp`'s slice as a plain array, element by element.
Floats twin_slice(const ModelParam& param, const Floats& values, std::uint64_t tp,
                  const ReshardTarget& target) {
  if (param.parts.empty() || target.tp == 1) {
    if (!param.vocabulary) return values;
  }
  const std::uint64_t pad = target.vocab_pad * target.tp;
  std::uint64_t extent = param.shape[param.dim];
  std::vector<std::uint64_t> parts = param.parts;
  if (param.vocabulary) parts[0] = extent = (extent + pad - 1) / pad * pad;
  std::vector<std::uint64_t> wanted;  // indices along the dimension
  std::uint64_t base = 0;
  for (const std::uint64_t part : parts) {
    const std::uint64_t share = (part + target.tp - 1) / target.tp;
    for (std::uint64_t i = tp * share; i < std::min(part, (tp + 1) * share); ++i)
      wanted.push_back(base + i);
    base += part;
  }
  std::uint64_t outer = 1, inner = 1;
  for (std::size_t d = 0; d < param.dim; ++d) outer *= param.shape[d];
  for (std::size_t d = param.dim + 1; d < param.shape.size(); ++d) inner *= param.shape[d];
  Floats slice;
  for (std::uint64_t o = 0; o < outer; ++o) {
    for (const std::uint64_t row : wanted) {
      for (std::uint64_t i = 0; i < inner; ++i) {
        const bool padding = row >= param.shape[param.dim];
        slice.push_back(padding ? 0.0F : values[(o * param.shape[param.dim] + row) * inner + i]);
      }
    }
  }
  return slice;
}

// ZeRO 1 and 2: one flat array a group, padded to 2 dp, cut in dp; ZeRO 3: every parameter alone.
Floats twin_partition(const Model& model, const std::string& state, int group, std::uint64_t tp,
                      std::uint64_t d, const ReshardTarget& target) {
  Floats flat, mine;
  for (const ModelParam& param : model.params) {
    if (param.group != group) continue;
    const Floats slice = twin_slice(param, param.states.at(state), tp, target);
    if (target.zero == 3) {
      const std::uint64_t part = (slice.size() + target.dp - 1) / target.dp;
      for (std::uint64_t i = d * part; i < (d + 1) * part; ++i)
        mine.push_back(i < slice.size() ? slice[i] : 0.0F);
    } else {
      flat.insert(flat.end(), slice.begin(), slice.end());
    }
  }
  if (target.zero == 3) return mine;
  const std::uint64_t real = flat.size(), unit = 2 * target.dp;
  flat.resize((real + unit - 1) / unit * unit);
  const std::uint64_t size = flat.size() / target.dp;
  mine.assign(flat.begin() + static_cast<std::ptrdiff_t>(d * size),
              flat.begin() + static_cast<std::ptrdiff_t>((d + 1) * size));
  const bool trimmed = state == "fp32" && d + 1 == target.dp;  // padding is not stored there
  if (trimmed) mine.resize(size - std::min(size, flat.size() - real));
  return mine;
}

Floats values_of(const Catalogue& catalogue, const std::string& name) {
  for (const Tensor& tensor : catalogue.tensors) {
    if (tensor.name != name) continue;
    Floats values(tensor.elements());
    tensor_file(tensor)->read_at(0, values.data(), values.size() * sizeof(float));
    return values;
  }
  FAIL("no tensor " << name);
  return {};
}

bool same_bits(const Floats& a, const Floats& b) {
  return a.size() == b.size() &&
         (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0);
}

void check_partitions(const Model& model, const std::string& folder, const ReshardTarget& target) {
  const std::string root = "optimizer_state_dict.";
  const bool zero3 = target.zero == 3;
  for (std::uint64_t tp = 0; tp < target.tp; ++tp) {
    for (std::uint64_t d = 0; d < target.dp; ++d) {
      char name[96];
      std::snprintf(name, sizeof name, "/zero_pp_rank_%d_mp_rank_%02d_optim_states.pt",
                    static_cast<int>(d), static_cast<int>(tp));
      const Catalogue file = open_checkpoint(folder + name, {});
      for (const int g : {0, 1}) {
        const std::string group = std::to_string(g);
        const std::string flat = zero3 ? "fp32_flat_groups." : "single_partition_of_fp32_groups.";
        const std::string states =
            zero3 ? "optimizer_state_dict.state." : "base_optimizer_state.state.";
        CHECK(same_bits(values_of(file, root + flat + group),
                        twin_partition(model, "fp32", g, tp, d, target)));
        CHECK(same_bits(values_of(file, root + states + group + ".exp_avg"),
                        twin_partition(model, "exp_avg", g, tp, d, target)));
      }
    }
  }
}

ReshardTarget random_target(Random& random) {
  ReshardTarget target{.tp = pick(random, 1, 5),
                       .pp = pick(random, 1, 3),
                       .dp = pick(random, 1, 5),
                       .zero = pick(random, 1, 3),
                       .vocab_pad = pick(random, 1, 8)};
  if (target.zero == 3) target.pp = 1;
  return target;
}

}  // namespace

TEST_CASE(
    "random models in random layouts: partitions as the twin cuts them, and back bit by bit") {
  const Scratch scratch;
  for (std::uint32_t seed = 0; seed < 24; ++seed) {
    Random random(seed);
    CAPTURE(seed);
    const Model model = random_model(random);
    const Catalogue source = catalogue_of(model);
    const auto original = hashes(source);
    std::string at;
    for (int hop = 0; hop < 2; ++hop) {
      ReshardTarget target = random_target(random);
      // A ZeRO 3 folder with TP 1 keeps the padding of vocabularies, as DeepSpeed's own reader
      // does.
      if (target.zero == 3 && target.tp == 1) target.tp = 2;
      CAPTURE(target.tp);
      CAPTURE(target.pp);
      CAPTURE(target.dp);
      CAPTURE(target.zero);
      const std::string next = scratch.path + "/hop" + std::to_string(hop);
      test::write_folder(plan_deepspeed(at.empty() ? source : open_checkpoint(at, {}), target),
                         next);
      if (target.pp == 1) check_partitions(model, next, target);
      CHECK(hashes(open_checkpoint(next, {})) == original);
      at = next;
    }
  }
}

TEST_CASE("random layouts of flat files read back as one checkpoint") {
  const Scratch scratch;
  for (std::uint32_t seed = 100; seed < 112; ++seed) {
    Random random(seed);
    CAPTURE(seed);
    const Model model = random_model(random);
    Catalogue source = catalogue_of(model);
    apply_selection(source, {}, true);
    const auto original = hashes(source);
    const ReshardTarget target = random_target(random);
    CAPTURE(target.tp);
    CAPTURE(target.pp);
    const std::string format = seed % 2 == 0 ? "safetensors" : "pt", out = scratch.path + "/flat";
    test::write_folder(plan_ranks(source, target, format, {}), out);
    const Catalogue whole = open_checkpoint(out, {});
    CHECK(whole.format == format);
    CHECK(hashes(whole) == original);
    CHECK(check_replicas(whole, 1).empty());
    // The layout file of one folder is a --layout for another: the same files again, but for
    // vocabulary rows that only the degrees ask for.
    const std::string again = scratch.path + "/again";
    test::write_folder(plan_layout(whole, out + "/layout.json", format, {}), again);
    CHECK(hashes(open_checkpoint(again, {})) == original);
  }
}
