// Formats written and read back, merges and scaled casts, against known answers.
#include <doctest.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <limits>
#include <nlohmann/json.hpp>

#include "ckpt/formats/open.hpp"
#include "ckpt/model/elements.hpp"
#include "ckpt/ops/convert.hpp"
#include "ckpt/ops/merge.hpp"
#include "ckpt/ops/publish.hpp"
#include "ckpt/ops/reshard.hpp"
#include "ckpt/ops/scan.hpp"
#include "ckpt/ops/select.hpp"
#include "ckpt/plan/tensor_file.hpp"
#include "core/error.hpp"
#include "tests/unit/ckpt/support.hpp"

using namespace stateutils;
using namespace stateutils::ckpt;
using nlohmann::json;
using test::hashes;
using test::Scratch;
namespace fs = std::filesystem;

namespace {

const std::string kFormatData = std::string(TESTDATA_DIR) + "/ckpt-convert/";

std::string put(const Target& target, const std::string& format, const std::string& path,
                const WriteOptions& options = {}) {
  publish(plan_format(format, target, options), path,
          {.force = true, .sync = false, .folder = format == "dcp"});
  return path;
}

std::string bytes_of(const std::vector<float>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * 4};
}
Tensor floats(const std::string& name, const Shape& shape, const std::vector<float>& values) {
  return dense_tensor(name, DType::kF32, shape, memory_file(bytes_of(values), name), 0);
}
std::vector<double> numbers_of(const TargetTensor& tensor) {
  std::string raw(tensor.bytes->size(), '\0');
  tensor.bytes->read_at(0, raw.data(), raw.size());
  std::vector<double> numbers(raw.size() / item_bytes(tensor.dtype));
  to_doubles(tensor.dtype, raw.data(), numbers);
  return numbers;
}

}  // namespace

TEST_CASE("GGUF: the known tensors, raw and dequantised, and what is written reads the same") {
  const Scratch scratch;
  const json want = test::load_json("gguf/expected.json");
  const Catalogue catalogue = open_checkpoint(kFormatData + "gguf/tiny.gguf", {});
  CHECK(catalogue.format == "gguf");
  const auto scans = scan_tensors(catalogue, {.sha256 = true}, 1, 16u << 20);
  REQUIRE(catalogue.tensors.size() == want["tensors"].size());
  for (std::size_t i = 0; i < scans.size(); ++i) {
    const Tensor& tensor = catalogue.tensors[i];
    CAPTURE(tensor.name);
    const json& entry = want["tensors"][tensor.name];
    CHECK(entry["sha256"] == scans[i].sha256);
    CHECK(entry["nbytes"] == tensor.bytes());
    if (!tensor.numbers) CHECK(entry["shape_row_major"] == json(tensor.shape));
  }
  Target target = make_target(catalogue, Tied::kDuplicate);
  cast_target(target, {.to = DType::kF32});
  const auto dense =
      hashes(open_checkpoint(put(target, "safetensors", scratch.path + "/a.safetensors"), {}));
  CHECK(dense.at("blk.0.w_q8_0") ==
        "F32 [4,64] " + want["dequantized_f32_sha256"]["blk.0.w_q8_0"].get<std::string>());
  const Catalogue again = open_checkpoint(put(target, "gguf", scratch.path + "/a.gguf"), {});
  CHECK(hashes(again) == dense);
  CHECK(again.objects == catalogue.objects);
  CHECK_THROWS_AS((void)plan_format("gguf", make_target(catalogue, Tied::kDuplicate), {}),
                  core::Error);
}

TEST_CASE("npz: deflated entries hold what NumPy says") {
  const json files = test::load_json("numpy/expected.json");
  for (const std::string name : {"numpy/deflated.npz", "numpy/stored.npz"}) {
    CAPTURE(name);
    const Catalogue catalogue = open_checkpoint(kFormatData + name, {});
    CHECK(check_sums(catalogue.sums, 1).empty());
    const auto scans = scan_tensors(catalogue, {.sha256 = true}, 1, 16u << 20);
    const json& want = files.contains(name) ? files[name] : files["numpy/stored.npz"];
    for (std::size_t i = 0; i < scans.size(); ++i) {
      CAPTURE(catalogue.tensors[i].name);
      REQUIRE(want.contains(catalogue.tensors[i].name));
      CHECK(want[catalogue.tensors[i].name]["sha256_c_order_little_endian"] == scans[i].sha256);
    }
  }
}

TEST_CASE("DCP: folders of any number of ranks read back, in torch 2.5's own pickle form") {
  const Scratch scratch;
  const Catalogue source = open_checkpoint(kFormatData + "dcp-fsdp2", {});
  const auto original = hashes(source);
  for (const std::uint64_t ranks : {1u, 2u, 7u}) {
    const Target target = make_target(source, Tied::kDuplicate);
    const std::string folder =
        put(target, "dcp", scratch.path + "/dcp" + std::to_string(ranks), {.ranks = ranks});
    CHECK(hashes(open_checkpoint(folder, {})) == original);
  }
  CHECK(fs::exists(scratch.path + "/dcp7/__6_0.distcp"));
}

TEST_CASE("Megatron: any layout reads back to the same weights") {
  const Scratch scratch;
  const Catalogue source = open_checkpoint(kFormatData + "megatron-tp2-pp2", {});
  const auto original = hashes(source);
  for (const std::array<std::uint64_t, 2>& cut :
       {std::array<std::uint64_t, 2>{1, 1}, {2, 1}, {1, 4}, {2, 2}}) {
    const std::uint64_t tp = cut[0], pp = cut[1];
    CAPTURE(tp);
    CAPTURE(pp);
    const std::string out = scratch.path + "/megatron";
    publish(plan_megatron(source, {.tp = tp, .pp = pp}), out,
            {.force = true, .sync = false, .folder = true});
    const Catalogue back = open_checkpoint(out, {});
    CHECK(back.format == "megatron");
    CHECK(hashes(back) == original);
    CHECK(check_replicas(back, 1).empty());
    CHECK(back.degrees.step == source.degrees.step);
  }
}

TEST_CASE("merge: unions, means and weights") {
  const auto part = [](const std::string& name, const std::vector<float>& values) {
    Catalogue catalogue{.format = "safetensors", .source = name};
    catalogue.tensors.push_back(floats(name, {values.size()}, values));
    return catalogue;
  };
  std::vector<Catalogue> parts;
  parts.push_back(part("a", {1, 2}));
  parts.push_back(part("b", {3}));
  CHECK(merge_union(parts).tensors.size() == 2);
  parts.push_back(part("a", {1, 2}));
  CHECK_THROWS_AS((void)merge_union(parts), core::Error);

  const auto averaged = [&](std::vector<double> weights, std::vector<std::vector<float>> all) {
    std::vector<Catalogue> sources;
    for (const auto& values : all) sources.push_back(part("w", values));
    return numbers_of(
        make_target(merge_average(std::move(sources), weights), Tied::kDuplicate).tensors[0]);
  };
  CHECK(averaged({1, 1}, {{1, 3}, {2, 5}}) == std::vector<double>{1.5, 4});
  CHECK(averaged({0.25, 0.75}, {{4, 8}, {8, 0}}) == std::vector<double>{7, 2});
  CHECK(averaged({1, 3}, {{4, 8}, {8, 0}}) == std::vector<double>{7, 2});
  // One rounding: in float the sum of the first two would lose the third.
  CHECK(averaged({1, 1, 1}, {{16777216}, {1}, {1}}) ==
        std::vector<double>{static_cast<double>(static_cast<float>(16777218.0 / 3))});
  std::vector<Catalogue> odd;
  odd.push_back(part("w", {1}));
  odd.push_back(part("w", {1, 2}));
  CHECK_THROWS_AS((void)merge_average(std::move(odd), {1, 1}), core::Error);
}

TEST_CASE("scaled casts: scales are amax over the largest value, values are rounded once") {
  const std::vector<float> values{1, -896, 0.5F, 3, 0, 0, 0, 0, 1e-30F, 2e-30F, -4e-30F, 0};
  Catalogue catalogue;
  catalogue.tensors.push_back(floats("w", {3, 4}, values));
  for (const ScaleBy by : {ScaleBy::kTensor, ScaleBy::kRow}) {
    Target target = make_target(catalogue, Tied::kDuplicate);
    cast_target(target, {.to = DType::kF8E4M3, .scale = by});
    REQUIRE(target.tensors.size() == 2);
    CHECK(target.tensors[1].name == "w.scale");
    CHECK(target.tensors[1].shape == (by == ScaleBy::kRow ? Shape{3} : Shape{}));
    const auto scales = numbers_of(target.tensors[1]), cast = numbers_of(target.tensors[0]);
    CHECK(scales[0] == 2);
    for (std::size_t i = 0; i < values.size(); ++i) {
      const double scale = by == ScaleBy::kRow ? scales[i / 4] : scales[0];
      std::uint8_t bits = 0;
      const double quotient = static_cast<double>(values[i]) / scale;
      from_doubles(DType::kF8E4M3, {&quotient, 1}, reinterpret_cast<char*>(&bits),
                   Overflow::kSaturate);
      CHECK(cast[i] == static_cast<double>(e4m3_to_float(bits)));
    }
    if (by == ScaleBy::kRow) {
      CHECK(scales[1] == 1);
      CHECK(scales[2] == static_cast<double>(static_cast<float>(4e-30F / 448.0)));
      CHECK(cast[10] == -448);
    }
  }
}
