// Every checkpoint of testdata against its expected.json: names, dtypes, shapes and hashes.
#include <doctest.h>

#include <nlohmann/json.hpp>

#include "ckpt/formats/open.hpp"
#include "ckpt/ops/scan.hpp"
#include "core/error.hpp"
#include "tests/unit/ckpt/support.hpp"

using namespace stateutils;
using namespace stateutils::ckpt;
using nlohmann::json;

namespace {

const std::string kData = std::string(TESTDATA_DIR) + "/ckpt-convert/";

void check_tensors(const std::string& path, const json& expected) {
  CAPTURE(path);
  const Catalogue catalogue = open_checkpoint(path, {});
  const auto scans = scan_tensors(catalogue, {.sha256 = true}, 2, 64u << 20);
  CHECK(catalogue.findings.empty());
  REQUIRE(catalogue.tensors.size() == expected.size());
  for (std::size_t i = 0; i < scans.size(); ++i) {
    const Tensor& tensor = catalogue.tensors[i];
    CAPTURE(tensor.name);
    REQUIRE(expected.contains(tensor.name));
    const json& want = expected[tensor.name];
    CHECK(want["dtype"] == dtype_name(tensor.dtype));
    CHECK(want["shape"] == json(tensor.shape));
    CHECK(want["sha256"] == scans[i].sha256);
  }
}

}  // namespace

TEST_CASE("PyTorch files of every form hold what PyTorch says") {
  for (const std::string folder : {"torch-made", "torch-public"}) {
    const json files = test::load_json(folder + "/expected.json");
    for (const auto& [name, expected] : files.items()) {
      const std::string path = kData + folder + '/' + name;
      if (expected.contains("tensors")) {
        check_tensors(path, expected["tensors"]);
      } else {
        CAPTURE(path);
        CHECK_THROWS_AS((void)open_checkpoint(path, {}), core::Error);
      }
    }
  }
}

TEST_CASE("a sharded checkpoint is read through its index and its folder") {
  const std::string folder = kData + "sharded-safetensors-bf16";
  const json expected = test::load_json("sharded-safetensors-bf16/expected.json")["tensors"];
  check_tensors(folder, expected);
  check_tensors(folder + "/model.safetensors.index.json", expected);
}

TEST_CASE("tensors that share a storage are aliases of the first") {
  const Catalogue catalogue = open_checkpoint(kData + "torch-made/tied.zip.pt", {});
  REQUIRE(catalogue.tensors.size() == 3);
  CHECK(catalogue.tensors[1].name == "lm_head.weight");
  CHECK(catalogue.tensors[1].alias_of == 0u);
  CHECK_FALSE(catalogue.tensors[2].alias_of);
}

TEST_CASE("hostile files are refused as input errors, or found by verify") {
  const json files = test::load_json("hostile/expected.json");
  for (const auto& [key, expected] : files.items()) {
    const std::string& name = key;  // clang 14 captures no structured binding
    CAPTURE(name);
    const std::string path = kData + "hostile/" + name;
    int code = 0;
    try {
      const Catalogue catalogue = open_checkpoint(path, {});
      code = check_sums(catalogue.sums, 1).empty() && catalogue.findings.empty() ? 0 : 1;
    } catch (const core::Error& error) {
      code = static_cast<int>(error.category());
    }
    CHECK(code == expected["exit"].get<int>());
  }
}

TEST_CASE("distributed checkpoints: chunks in any cut make up their tensors") {
  const json expected = test::load_json("dcp-fsdp2/expected.json")["tensors"];
  check_tensors(kData + "dcp-fsdp2", expected);
}

TEST_CASE("Megatron folders: slices joined, layers numbered globally, head a replica") {
  const std::string folder = kData + "megatron-tp2-pp2";
  const json expected = test::load_json("megatron-tp2-pp2/expected.json")["tensors"];
  const Catalogue catalogue = open_checkpoint(folder, {});
  CHECK(catalogue.findings.empty());
  CHECK(check_replicas(catalogue, 1).empty());
  REQUIRE(catalogue.tensors.size() == expected.size());
  const auto scans = scan_tensors(catalogue, {.sha256 = true}, 1, 64u << 20);
  for (std::size_t i = 0; i < scans.size(); ++i) {
    const Tensor& tensor = catalogue.tensors[i];
    CAPTURE(tensor.name);
    REQUIRE(expected.contains(tensor.name));
    // The files do not name the original vocabulary: its padding stays.
    if (tensor.name.ends_with("word_embeddings.weight")) {
      CHECK(tensor.shape[0] == 64);
      continue;
    }
    CHECK(expected[tensor.name]["sha256"] == scans[i].sha256);
  }
}

TEST_CASE("Megatron's distributed optimizer: flat buffers without names become states") {
  check_tensors(kData + "megatron-optimizer",
                test::load_json("megatron-optimizer/expected.json")["tensors"]);
}

TEST_CASE("an optimizer whose values are not those of the weights is refused") {
  const test::Scratch scratch;
  std::filesystem::copy(kData + "megatron-optimizer", scratch.path + "/m",
                        std::filesystem::copy_options::recursive);
  const std::string ranks = scratch.path + "/m/iter_0000005/mp_rank_0";
  std::filesystem::copy_file(ranks + "0/distrib_optim.pt", ranks + "1/distrib_optim.pt",
                             std::filesystem::copy_options::overwrite_existing);
  CHECK_THROWS_AS((void)open_checkpoint(scratch.path + "/m", {}), core::Error);
}

TEST_CASE("NumPy archives: order, byte order and types") {
  const json files = test::load_json("numpy/expected.json");
  const json& expected = files["numpy/stored.npz"];
  const Catalogue catalogue = open_checkpoint(kData + "numpy/stored.npz", {});
  REQUIRE(catalogue.tensors.size() == expected.size());
  const auto scans = scan_tensors(catalogue, {.sha256 = true}, 1, 64u << 20);
  for (std::size_t i = 0; i < scans.size(); ++i) {
    const Tensor& tensor = catalogue.tensors[i];
    CAPTURE(tensor.name);
    REQUIRE(expected.contains(tensor.name));
    CHECK(expected[tensor.name]["shape"] == json(tensor.shape));
    CHECK(expected[tensor.name]["sha256_c_order_little_endian"] == scans[i].sha256);
  }
}
