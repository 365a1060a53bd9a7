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
[[nodiscard]] std::unique_ptr<ExportForm> swe_form();

// Where the answer of a code task stands in its repository.
struct CodeFile {
  std::string path;
  std::string given;     // its text in the repository that an agent gets
  bool as_text = false;  // the file is the answer's text; else it is the answer as JSON
};
[[nodiscard]] CodeFile code_file(const Task& task);
// An answer as that file: the text of a JSON string, other JSON as it is.
[[nodiscard]] std::string code_of_answer(const std::string& answer);

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
