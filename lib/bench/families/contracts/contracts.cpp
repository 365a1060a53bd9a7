// The family `contracts`: write a C function that keeps its contract.
#include <algorithm>

#include "bench/families/contracts/catalog.hpp"
#include "bench/families/contracts/contract_check.hpp"
#include "bench/families/small/small.hpp"
#include "core/json_writer.hpp"
#include "core/units.hpp"

namespace stateutils::bench {
namespace {

std::vector<NamedAlgorithm> all_algorithms() {
  std::vector<NamedAlgorithm> out;
  for (const auto& group : {search_algorithms(), number_algorithms(), ordering_algorithms()}) {
    out.insert(out.end(), group.begin(), group.end());
  }
  return out;
}

// "const int* a, int n": what pre and post take.
std::string parameter_list(const mini_c::Function& function, bool after) {
  std::string out;
  const auto add = [&](const std::string& text) { out += (out.empty() ? "" : ", ") + text; };
  for (const mini_c::Parameter& p : function.parameters) {
    add((p.array ? "const int* " : "int ") + p.name);
  }
  if (!after) return out;
  for (const mini_c::Parameter& p : function.parameters) {
    if (p.array && !p.constant) add("const int* old_" + p.name);
  }
  if (function.returns) add("int result");
  return out;
}

ContractSpec spec_of(const NamedAlgorithm& algorithm, core::Rng& rng) {
  ContractSpec spec;
  spec.solution = algorithm.solution;
  spec.name = rename_function(algorithm.slug, spec.solution, rng);
  spec.prototype = spec.solution.substr(0, spec.solution.find(" {"));
  spec.inputs = algorithm.inputs;
  spec.seed = rng.below(1ull << 53);
  spec.several = algorithm.several;
  std::string error;
  const auto program = mini_c::compile(spec.solution, error);
  if (!program) throw std::logic_error(std::string(algorithm.slug) + ": " + error);
  const mini_c::Function& function = program->functions.front();
  spec.pre =
      "int pre(" + parameter_list(function, false) + ") {\n  " + std::string(algorithm.pre) + "\n}";
  spec.post = "int post(" + parameter_list(function, true) + ") {\n  " +
              std::string(algorithm.post) + "\n}";
  return spec;
}

std::string instruction_of(const NamedAlgorithm& algorithm, const ContractSpec& spec) {
  const bool calls_prelude = spec.post.find("same_values(") != std::string::npos;
  return "Write the C function `" + spec.prototype + "`: " + std::string(algorithm.prose) +
         ". Whenever pre holds of the arguments, post must hold after the call; old_ names what an "
         "array held before it.\n" +
         (calls_prelude ? std::string(kContractPrelude) : "") + spec.pre + "\n" + spec.post +
         "\nThe language is a small C: int and bool, arrays of int, functions, if, while, for, do; "
         "no "
         "library. An int has 32 bits and must not overflow, an index must stay within its array. "
         "Finish with the text of the program as a JSON string.";
}

}  // namespace

TaskRecord make_contracts(const SmallOptions& options, std::uint64_t index, core::Rng& rng) {
  static const std::vector<NamedAlgorithm> kAll = all_algorithms();
  std::size_t chosen = index % kAll.size();
  for (const auto& [name, value] : options.params) {
    const auto found = std::find_if(kAll.begin(), kAll.end(),
                                    [&v = value](const NamedAlgorithm& a) { return a.slug == v; });
    if (name != "algorithm" || found == kAll.end()) {
      throw core::usage_error("contracts takes algorithm=NAME with the name of a scenario, not " +
                              core::quoted(name + "=" + value));
    }
    chosen = static_cast<std::size_t>(found - kAll.begin());
  }
  const NamedAlgorithm& algorithm = kAll[chosen];
  const ContractSpec spec = spec_of(algorithm, rng);
  TaskRecord task =
      small_record(options, algorithm.slug, "programming", index, instruction_of(algorithm, spec));
  std::string function;
  core::JsonWriter json(function);
  json.begin_object().field("name", spec.name).field("prototype", spec.prototype);
  json.field("inputs", spec.inputs).field("seed", spec.seed).field("several", spec.several);
  json.field("pre", spec.pre).field("post", spec.post).field("solution", spec.solution);
  json.end_object();
  task.set("function", function);
  return task;
}

void read_contracts(const Cursor& json, Store& store, Task& task) {
  const Cursor function = json.at("function");
  const auto text = [&](const char* key) { return std::string(function.at(key).string()); };
  ContractSpec spec;
  spec.name = text("name");
  spec.inputs = text("inputs");
  spec.pre = text("pre");
  spec.post = text("post");
  spec.solution = text("solution");
  spec.seed = static_cast<std::uint64_t>(function.at("seed").integer());
  if (const auto several = function.find("several")) spec.several = several->boolean();
  judge_by(function_check<ContractCheck>(function, std::move(spec)), store, task);
}

}  // namespace stateutils::bench
