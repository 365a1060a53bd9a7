// The verbs on a state that lies in a folder: what exported tasks have in their
// containers, where no judge process stands outside.
#pragma once

#include <string>
#include <vector>

namespace stateutils::bench {

// Names of environment variables: the file with world and first state, and the
// folder of the current one (state.json, answer.json, and clock, the number of
// commands so far).
inline constexpr const char* kWorldVariable = "GEN_BENCH_WORLD";
inline constexpr const char* kStateVariable = "GEN_BENCH_STATE";

// Runs one command (`gb-init` lays out the first state, `gb-done JSON` keeps
// the answer), printing what it prints. The exit code.
[[nodiscard]] int local_exec(const std::string& world_file, const std::string& folder,
                             const std::vector<std::string>& words);

// Enters local_exec when the program was called as a verb (or as `gen-bench
// world-exec VERB`) and both variables are set; below 0 otherwise.
[[nodiscard]] int local_world_exec(int argc, char** argv);

}  // namespace stateutils::bench
