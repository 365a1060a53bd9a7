// The forms, and the pieces that several of them share.
#pragma once

#include <memory>
#include <string>

#include "bench/export/forms.hpp"

namespace stateutils::bench {

[[nodiscard]] std::unique_ptr<ExportForm> harbor_form();
[[nodiscard]] std::unique_ptr<ExportForm> terminal_bench_form();
[[nodiscard]] std::unique_ptr<ExportForm> inspect_form();
[[nodiscard]] std::unique_ptr<ExportForm> tau2_form();

// A Dockerfile whose context holds gen-bench and world.json.
[[nodiscard]] std::string dockerfile(const ExportTask& task);
// The script that judges the state in the container; `pass` and `fail` are what
// it runs then.
[[nodiscard]] std::string judge_script(const std::string& pass, const std::string& fail);
// Text as a basic string of TOML or a double-quoted one of YAML.
[[nodiscard]] std::string quoted_text(std::string_view text);
[[nodiscard]] std::string instruction_text(const ExportTask& task);
// The README of an export: what it is and what its isolation is worth.
[[nodiscard]] std::string readme(const std::string& form);

}  // namespace stateutils::bench
