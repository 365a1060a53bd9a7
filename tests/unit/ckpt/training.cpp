// DeepSpeed folders: every parameter and state against what DeepSpeed's own converter writes, and
// every reshard target against its expected partitions.
#include <doctest.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "ckpt/formats/open.hpp"
#include "ckpt/ops/publish.hpp"
#include "ckpt/ops/reshard.hpp"
#include "ckpt/ops/scan.hpp"
#include "ckpt/plan/flat.hpp"
#include "ckpt/ucp/slice.hpp"
#include "tests/unit/ckpt/support.hpp"

using namespace stateutils;
using namespace stateutils::ckpt;
using nlohmann::json;
using test::hashes;
using test::Scratch;
namespace fs = std::filesystem;

namespace {

const std::string kTrainingData = std::string(TESTDATA_DIR) + "/ckpt-convert/deepspeed/";

json expected_of(const std::string& name) {
  return test::load_json("deepspeed/" + name + "/expected.json");
}

void check_partition(const std::string& path, const json& want) {
  const auto found = hashes(open_checkpoint(path, {}));
  for (std::size_t g = 0; g < want["fp32"].size(); ++g) {
    const std::string group = std::to_string(g), root = "optimizer_state_dict.";
    const auto check = [&](const std::string& state, const std::string& name) {
      const json& entry = want[state][g];
      CAPTURE(name);
      REQUIRE(found.contains(name));
      CHECK(found.at(name) == "F32 [" + std::to_string(entry["numel"].get<std::uint64_t>()) + "] " +
                                  entry["sha256"].get<std::string>());
    };
    check("fp32", root + "single_partition_of_fp32_groups." + group);
    check("exp_avg", root + "base_optimizer_state.state." + group + ".exp_avg");
    check("exp_avg_sq", root + "base_optimizer_state.state." + group + ".exp_avg_sq");
  }
}

const char* const kSources[] = {"zero1-tp2-dp1-moe", "zero1-tp2-pp1-dp2", "zero1-tp2-pp2-dp2",
                                "zero2-tp1-pp1-dp3-bf16", "zero3-dp4"};

}  // namespace

TEST_CASE("states of every parameter equal what DeepSpeed's converter writes") {
  for (const std::string name : kSources) {
    CAPTURE(name);
    const json params = expected_of(name)["params"];
    const auto check = [&](const std::string& folder) {
      const auto found = hashes(open_checkpoint(folder, {}));
      for (const auto& [key, want] : params.items()) {
        const std::string& parameter = key;  // clang 14 captures no structured binding
        for (const std::string state : {"fp32", "exp_avg", "exp_avg_sq"}) {
          CAPTURE(parameter);
          const auto entry = found.find(parameter + '.' + state);
          REQUIRE(entry != found.end());
          CHECK(entry->second ==
                "F32 " + want["shape"].dump() + ' ' + want[state].get<std::string>());
        }
      }
    };
    check(kTrainingData + name);
    check(kTrainingData + name + "/global_step7");
    if (fs::exists(kTrainingData + name + "/universal")) check(kTrainingData + name + "/universal");
  }
}

TEST_CASE("reshard targets hold the expected partitions and read back to the same tensors") {
  const Scratch scratch;
  for (const std::string name : kSources) {
    const Catalogue source = open_checkpoint(kTrainingData + name, {});
    const auto original = hashes(source);
    const json targets = expected_of(name)["reshard_targets"];
    for (const auto& [key, want] : targets.items()) {
      const std::string& label = key;
      CAPTURE(name);
      CAPTURE(label);
      const json& layout = want["layout"];
      const ReshardTarget target{.tp = layout["tp"],
                                 .pp = layout["pp"],
                                 .dp = layout["dp"],
                                 .vocab_pad = layout.value("pad_to", std::uint64_t{32})};
      const std::string out = scratch.path + '/' + name + label;
      test::write_folder(plan_deepspeed(source, target), out);
      for (const auto& [file, partition] : want["zero_files"].items())
        check_partition(out + '/' + file, partition);
      CHECK(hashes(open_checkpoint(out, {})) == original);
    }
  }
}

TEST_CASE("any layout and back is the same checkpoint, uneven cuts and empty shares included") {
  const Scratch scratch;
  const Catalogue source = open_checkpoint(kTrainingData + "zero1-tp2-dp1-moe", {});
  const auto original = hashes(source);
  for (const std::array<std::uint64_t, 4>& cut :
       {std::array<std::uint64_t, 4>{3, 1, 2, 1}, {1, 2, 5, 2}, {4, 2, 1, 1}, {5, 1, 7, 1}}) {
    const std::uint64_t tp = cut[0], pp = cut[1], dp = cut[2], zero = cut[3];
    CAPTURE(tp);
    const std::string there = scratch.path + "/there", back = scratch.path + "/back";
    test::write_folder(plan_deepspeed(source, {.tp = tp, .pp = pp, .dp = dp, .zero = zero}), there);
    test::write_folder(plan_deepspeed(open_checkpoint(there, {}), {.tp = 2, .pp = 1, .dp = 1}),
                       back);
    CHECK(hashes(open_checkpoint(back, {})) == original);
  }
}

TEST_CASE("a universal folder has the file set of DeepSpeed's own") {
  const Scratch scratch;
  for (const std::string name : {"zero1-tp2-pp1-dp2", "zero3-dp4"}) {
    const std::string out = scratch.path + '/' + name, theirs = kTrainingData + name + "/universal";
    test::write_folder(plan_universal(open_checkpoint(kTrainingData + name, {}), false), out);
    std::size_t files = 0;
    for (const auto& entry : fs::recursive_directory_iterator(theirs)) {
      if (!entry.is_regular_file()) continue;
      ++files;
      const std::string mine = out + '/' + fs::relative(entry.path(), theirs).string();
      CAPTURE(mine);
      REQUIRE(fs::exists(mine));
      CHECK(hashes(open_checkpoint(mine, {})) ==
            hashes(open_checkpoint(entry.path().string(), {})));
    }
    CHECK(files > 40);
    CHECK(hashes(open_checkpoint(out, {})) == hashes(open_checkpoint(theirs, {})));
  }
}

TEST_CASE("experts: files of their own and shares of data-parallel ranks become whole tensors") {
  const Scratch scratch;
  const json expected = expected_of("zero1-dp4-experts");
  const auto check = [&](const Catalogue& catalogue, bool weights) {
    const auto found = hashes(catalogue);
    for (const auto& [key, want] : expected["tensors"].items()) {
      const std::string& name = key;  // clang 14 captures no binding
      CAPTURE(name);
      if (!weights && want["dtype"] == "F16") continue;
      REQUIRE(found.contains(name));
      CHECK(found.at(name) == want["dtype"].get<std::string>() + ' ' + want["shape"].dump() + ' ' +
                                  want["sha256"].get<std::string>());
    }
  };
  const Catalogue source = open_checkpoint(kTrainingData + "zero1-dp4-experts", {});
  check(source, true);
  test::write_folder(plan_universal(source, false), scratch.path + "/universal");
  const Catalogue universal = open_checkpoint(scratch.path + "/universal", {});
  check(universal, false);
  std::size_t marked = 0;
  for (const Tensor& tensor : universal.tensors) {
    const bool expert = tensor.parameter.starts_with("layers.0.mlp.experts");
    if (!expert || tensor.role == Role::kStep) continue;
    ++marked;
    CHECK(json(tensor.attributes) == json::parse(R"([["cat_dim","0"],["is_expert_param","true"],
                                                     ["ep_num_experts","4"]])"));
  }
  CHECK(marked == 9);
  fs::copy(kTrainingData + "zero1-dp4-experts/global_step3", scratch.path + "/tag");
  fs::remove(scratch.path + "/tag/layer_0_expert_2_mp_rank_00_model_states.pt");
  CHECK_FALSE(open_checkpoint(scratch.path + "/tag", {}).findings.empty());
}

TEST_CASE("a missing rank is found") {
  const Scratch scratch;
  fs::copy(kTrainingData + "zero1-tp2-pp1-dp2/global_step7", scratch.path + "/tag");
  fs::remove(scratch.path + "/tag/zero_pp_rank_1_mp_rank_01_optim_states.pt");
  CHECK_FALSE(open_checkpoint(scratch.path + "/tag", {}).findings.empty());
}

TEST_CASE("flat ranges as boxes, against counting") {
  const Shape shape{3, 4, 5};
  for (std::uint64_t first = 0; first <= 60; ++first) {
    for (std::uint64_t count = 0; first + count <= 60; ++count) {
      std::vector<int> seen(60);
      for (const FlatBox& box : flat_boxes(shape, first, count)) {
        const auto flat = [&](std::uint64_t i, std::uint64_t j, std::uint64_t k) {
          return (i * 4 + j) * 5 + k;
        };
        const Shape &o = box.box.offset, &s = box.box.size;
        CHECK(flat(o[0], o[1], o[2]) == box.first);
        for (std::uint64_t i = 0; i < s[0]; ++i)
          for (std::uint64_t j = 0; j < s[1]; ++j)
            for (std::uint64_t k = 0; k < s[2]; ++k) ++seen[flat(o[0] + i, o[1] + j, o[2] + k)];
      }
      for (std::uint64_t e = 0; e < 60; ++e)
        CHECK(seen[e] == (e >= first && e < first + count ? 1 : 0));
    }
  }
}
