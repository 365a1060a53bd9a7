// What the tests of checkpoints share.
#pragma once

#include <doctest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "ckpt/ops/publish.hpp"
#include "ckpt/ops/scan.hpp"

namespace stateutils::ckpt::test {

// A JSON file below testdata/ckpt-convert.
inline nlohmann::json load_json(const std::string& name) {
  std::ifstream file(std::string(TESTDATA_DIR) + "/ckpt-convert/" + name);
  REQUIRE(file.good());
  return nlohmann::json::parse(file);
}

// A folder of its own for a test case, gone with it.
struct Scratch {
  std::string path;
  Scratch() {
    static int count = 0;
    path = (std::filesystem::temp_directory_path() /
            ("ckpt-test-" + std::to_string(::getpid()) + '-' + std::to_string(count++)))
               .string();
    std::filesystem::create_directories(path);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch() { std::filesystem::remove_all(path); }
};

// name -> "dtype shape sha256" of a checkpoint without findings and with sound checksums.
inline std::map<std::string, std::string> hashes(const Catalogue& catalogue) {
  for (const Finding& finding : catalogue.findings) MESSAGE(finding.detail);
  CHECK(catalogue.findings.empty());
  CHECK(check_sums(catalogue.sums, 1).empty());
  const auto scans = scan_tensors(catalogue, {.sha256 = true}, 2, 64u << 20);
  std::map<std::string, std::string> out;
  for (std::size_t i = 0; i < scans.size(); ++i) {
    const Tensor& tensor = catalogue.tensors[i];
    out[tensor.name] = std::string(dtype_name(tensor.dtype)) + ' ' +
                       nlohmann::json(tensor.shape).dump() + ' ' + scans[i].sha256;
  }
  return out;
}

inline void write_folder(const std::vector<OutputPlan>& plans, const std::string& dst) {
  publish(plans, dst, {.engine = {.threads = 2}, .force = true, .sync = false, .folder = true});
}

}  // namespace stateutils::ckpt::test
