#include "ckpt/ops/verify.hpp"

#include "ckpt/ops/scan.hpp"
#include "ckpt/plan/tensor_file.hpp"
#include "core/error.hpp"
#include "core/jsonl.hpp"

namespace stateutils::ckpt {
namespace {

class Verifier {
 public:
  Verifier(const Catalogue& catalogue, const VerifyWanted& wanted)
      : catalogue_(catalogue), wanted_(wanted) {}

  Verdict run() {
    for (const Finding& finding : catalogue_.findings) fail(finding);
    structure();
    if (wanted_.sums) {
      for (const Finding& finding : check_sums(catalogue_.sums, wanted_.threads)) fail(finding);
      verdict_.checked += catalogue_.sums.size();
    }
    if (wanted_.replicas) {
      for (const Finding& finding : check_replicas(catalogue_, wanted_.threads)) fail(finding);
      for (const Tensor& tensor : catalogue_.tensors) verdict_.checked += tensor.replicas.size();
    }
    if (wanted_.nan || wanted_.manifest) contents();
    return std::move(verdict_);
  }

 private:
  void fail(Finding finding) {
    ++verdict_.failed;
    verdict_.results.push_back({std::move(finding), true});
  }
  void warn(Finding finding) {
    ++verdict_.warned;
    verdict_.results.push_back({std::move(finding), false});
  }

  void structure() {
    for (const Tensor& tensor : catalogue_.tensors) {
      ++verdict_.checked;
      try {
        check_cover(tensor);
      } catch (const core::Error& error) {
        fail({"cover", tensor.name, error.what()});
      }
    }
  }

  void contents() {
    const bool sha256 = wanted_.manifest && !wanted_.manifest->empty() &&
                        !wanted_.manifest->begin()->second.sha256.empty();
    const auto scans = scan_tensors(
        catalogue_, {.xxh3 = wanted_.manifest.has_value(), .sha256 = sha256, .stats = wanted_.nan},
        wanted_.threads, wanted_.max_memory);
    for (std::size_t i = 0; i < scans.size(); ++i) {
      const Tensor& tensor = catalogue_.tensors[i];
      if (wanted_.nan && scans[i].stats) count_nan(tensor, *scans[i].stats);
      if (wanted_.manifest) compare(tensor, scans[i]);
    }
    if (!wanted_.manifest) return;
    for (const auto& [name, line] : *wanted_.manifest) {
      ++verdict_.checked;
      if (!seen_.contains(name)) fail({"manifest", name, "in the manifest, but not here"});
    }
  }

  void count_nan(const Tensor& tensor, const TensorStats& stats) {
    ++verdict_.checked;
    if (stats.nan + stats.inf == 0) return;
    Finding finding{"nan", tensor.name,
                    std::to_string(stats.nan) + " NaN, " + std::to_string(stats.inf) + " infinite"};
    wanted_.nan_fails ? fail(std::move(finding)) : warn(std::move(finding));
  }

  void compare(const Tensor& tensor, const ScanResult& scan) {
    const auto line = wanted_.manifest->find(tensor.name);
    if (line == wanted_.manifest->end()) {
      fail({"manifest", tensor.name, "not in the manifest"});
      return;
    }
    seen_.emplace(tensor.name, true);
    const ManifestLine& expected = line->second;
    if (expected.dtype != dtype_name(tensor.dtype)) {
      fail({"manifest", tensor.name,
            "dtype " + std::string(dtype_name(tensor.dtype)) + " where the manifest has " +
                core::quoted(expected.dtype)});
    } else if (expected.shape != tensor.shape) {
      fail({"manifest", tensor.name, "the shape differs from the manifest"});
    } else if ((!expected.xxh3.empty() && expected.xxh3 != scan.xxh3) ||
               (!expected.sha256.empty() && !scan.sha256.empty() &&
                expected.sha256 != scan.sha256)) {
      fail({"manifest", tensor.name, "the hash of the bytes differs from the manifest"});
    }
  }

  const Catalogue& catalogue_;
  const VerifyWanted& wanted_;
  Verdict verdict_;
  std::map<std::string, bool> seen_;
};

}  // namespace

Manifest load_manifest(const std::string& path) {
  Manifest manifest;
  const auto source = core::open_input(path);
  core::JsonlReader reader(*source, {.format = "tensors"});
  while (const core::Record* record = reader.next()) {
    if (record->has("summary") && !record->has("name")) continue;
    ManifestLine line{.dtype = std::string(record->string("dtype")),
                      .xxh3 = std::string(record->opt_string("xxh3_128").value_or("")),
                      .sha256 = std::string(record->opt_string("sha256").value_or("")),
                      .shape = {}};
    if (line.xxh3.empty())
      line.xxh3 = record->opt_string("hash").value_or("");  // of inspect --hash
    for (const auto size : record->array("shape")) {
      std::uint64_t value = 0;
      if (size.get(value) != simdjson::SUCCESS) throw record->error("shape is no list of sizes");
      line.shape.push_back(value);
    }
    if (!manifest.emplace(std::string(record->string("name")), std::move(line)).second) {
      throw record->error("the name appears twice");
    }
  }
  return manifest;
}

Verdict verify(const Catalogue& catalogue, const VerifyWanted& wanted) {
  return Verifier(catalogue, wanted).run();
}

}  // namespace stateutils::ckpt
