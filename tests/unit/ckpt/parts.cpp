// Results made in parts: deadlines, slices, resumption; and files that several plans share.
#include <doctest.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "ckpt/formats/open.hpp"
#include "ckpt/ops/convert.hpp"
#include "ckpt/ops/partial.hpp"
#include "ckpt/ops/publish.hpp"
#include "ckpt/ops/select.hpp"
#include "core/error.hpp"
#include "tests/unit/ckpt/support.hpp"

using namespace stateutils;
using namespace stateutils::ckpt;
using test::Scratch;
namespace fs = std::filesystem;

namespace {

std::string contents(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream out;
  out << file.rdbuf();
  return out.str();
}

// Every file of a folder by name, records included.
std::map<std::string, std::string> tree(const std::string& folder) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file())
      files[fs::relative(entry.path(), folder).string()] = contents(entry.path().string());
  }
  return files;
}

const std::string kManySmall =
    std::string(TESTDATA_DIR) + "/ckpt-convert/torch-made/many_small.zip.pt";

std::vector<OutputPlan> plans_of(const std::string& format, std::uint64_t shard) {
  const Catalogue catalogue = open_checkpoint(kManySmall, {});
  return plan_format(format, make_target(catalogue, Tied::kDuplicate), {.max_shard_size = shard});
}

PublishOptions options_of() {
  return {.engine = {.threads = 2, .max_memory = 16u << 20},
          .sync = false,
          .options_text = "test",
          .inputs = {kManySmall}};
}

}  // namespace

TEST_CASE("slices in any order, and deadlines, give the files of one run") {
  const Scratch scratch;
  const auto plans = plans_of("safetensors", 512);
  REQUIRE(plans.size() > 6);
  publish(plans, scratch.path + "/whole", options_of());
  const auto whole = tree(scratch.path + "/whole");

  for (const std::uint64_t count : {2u, 3u, 5u}) {
    const std::string dst = scratch.path + "/sliced" + std::to_string(count);
    for (std::uint64_t i = count; i-- > 0;) {
      PublishOptions options = options_of();
      options.slice = {.index = i, .count = count};
      CHECK_FALSE(fs::exists(dst));
      CHECK(publish(plans, dst, options).published == (i == 0));
    }
    CHECK(tree(dst) == whole);
    CHECK_FALSE(fs::exists(dst + ".partial"));
  }

  const std::string dst = scratch.path + "/late";
  PublishOptions options = options_of();
  options.engine.deadline = std::chrono::steady_clock::now();
  int runs = 0;
  for (; !fs::exists(dst); ++runs) {
    REQUIRE(runs < 100);
    try {
      (void)publish(plans, dst, options);
    } catch (const core::Error& error) {
      CHECK(error.category() == core::Category::kEnvironment);
    }
  }
  CHECK(runs > 4);
  CHECK(tree(dst) == whole);
}

TEST_CASE("one file goes on at the block where the deadline stopped it") {
  const Scratch scratch;
  // Bytes that differ everywhere, so that a block in the wrong place shows.
  std::string bytes(9u << 20, '\0');
  for (std::size_t i = 0; i < bytes.size(); ++i)
    bytes[i] = static_cast<char>((i * 2654435761u) >> 13);
  const std::string source = scratch.path + "/source";
  std::ofstream(source, std::ios::binary) << bytes;
  std::vector<OutputPlan> plans(1);
  plans[0].regions.push_back({.content = plain_file(source), .size = bytes.size()});
  PublishOptions options = options_of();
  options.inputs = {source};
  options.engine.max_memory = 4u << 20;  // blocks of one MiB
  options.engine.threads = 1;
  options.engine.deadline = std::chrono::steady_clock::now();
  const std::string dst = scratch.path + "/file";
  int runs = 0;
  for (; !fs::exists(dst); ++runs) {
    REQUIRE(runs < 20);
    try {
      (void)publish(plans, dst, options);
    } catch (const core::Error&) {
      CHECK(fs::exists(dst + ".partial"));
    }
  }
  CHECK(runs == 9);
  CHECK(contents(dst) == bytes);
  CHECK(is_already_there(dst, options));
}

TEST_CASE("another job's partial result is refused, and begun anew when forced") {
  const Scratch scratch;
  const auto plans = plans_of("pt", 512);
  const std::string dst = scratch.path + "/x";
  PublishOptions options = options_of();
  options.engine.deadline = std::chrono::steady_clock::now();
  CHECK_THROWS_AS((void)publish(plans, dst, options), core::Error);
  options.engine.deadline.reset();
  options.options_text = "others";
  CHECK_THROWS_AS((void)publish(plans, dst, options), core::Error);
  options.force = true;
  CHECK(publish(plans, dst, options).published);
  CHECK_FALSE(fs::exists(dst + ".partial"));
}

TEST_CASE("every file has one owner, whatever the number of slices") {
  std::vector<OutputPlan> plans(20);
  for (std::size_t i = 0; i < plans.size(); ++i) plans[i].literal(std::string(i * 7 % 13, 'x'));
  for (std::uint64_t slices = 1; slices < 30; ++slices) {
    const auto owners = slice_owners(plans, slices);
    CHECK(std::ranges::is_sorted(owners));
    CHECK(owners.back() < slices);
  }
}
