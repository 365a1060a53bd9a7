// What a subcommand needs from its process, so that a test can run it in memory.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "core/input.hpp"
#include "core/log.hpp"
#include "core/output.hpp"
#include "core/output_file.hpp"
#include "core/progress.hpp"

namespace stateutils::core {

struct Io {
  std::string tool, subcommand;
  std::string version;
  Output* out = nullptr;  // checked stdout in 256 KiB blocks
  Log log;
  int threads = 1;  // resolved: never 0
  std::uint64_t seed = 0;
  bool seed_given = false;
  bool quiet = false;
  bool sync = true;
  bool out_is_terminal = false;  // stdout: tables for people by default
  bool err_is_terminal = false;  // stderr: progress
  bool color = false;
  bool gpu_used = false;  // the summary names the GPU only when it did work
  std::chrono::steady_clock::time_point start = std::chrono::steady_clock::now();
  std::optional<std::string> json;  // --json: "-" or a file; empty when not asked
  mutable bool summarised = false;  // summary() was called

  // "-" is the checked stdout, anything else an OutputFile. The caller commits the result.
  [[nodiscard]] std::unique_ptr<Output> open_output(const std::string& path,
                                                    bool replace = true) const;
  [[nodiscard]] std::unique_ptr<ByteSource> open_input(const std::string& path) const {
    return core::open_input(path);
  }
  [[nodiscard]] Progress progress(const std::string& what, std::uint64_t total,
                                  Progress::Unit unit) const;
  // Delivers the --json summary (nothing when it was not asked), with tool, version, seed (unless
  // `values` has one, for tools whose contract makes it a string), threads, isa, gpu, wall_s, cpu_s
  // and peak_rss added. `stdout_used`: data went to stdout, so a bare --json is a usage error;
  // check that early with require_json_target().
  void summary(const nlohmann::ordered_json& values) const;
  // For commands without figures of their own, after them: a summary of how the run went, unless
  // one was delivered or stdout, where it would go, carries data.
  void ensure_summary() const;
  void require_json_target(bool stdout_used) const;
};

}  // namespace stateutils::core
