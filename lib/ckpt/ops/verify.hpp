// Everything that can be checked of a checkpoint that parses.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "ckpt/model/catalogue.hpp"

namespace stateutils::ckpt {

struct ManifestLine {
  std::string dtype, xxh3, sha256;
  Shape shape;
};
using Manifest = std::map<std::string, ManifestLine>;
// Reads a manifest stream; malformed lines and doubled names are kInput.
[[nodiscard]] Manifest load_manifest(const std::string& path);

struct VerifyWanted {
  bool sums = true, replicas = false, nan = false, nan_fails = false;
  std::optional<Manifest> manifest{};
  int threads = 1;
  std::uint64_t max_memory = 256u << 20;
};

struct CheckResult {
  Finding finding;
  bool failed = true;
};

struct Verdict {
  std::vector<CheckResult> results;
  std::uint64_t checked = 0, failed = 0, warned = 0;
};

[[nodiscard]] Verdict verify(const Catalogue& catalogue, const VerifyWanted& wanted);

}  // namespace stateutils::ckpt
