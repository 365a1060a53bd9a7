#include "ckpt/ops/select.hpp"

#include <re2/re2.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <unordered_set>

#include "ckpt/plan/tensor_file.hpp"
#include "core/error.hpp"
#include "core/json.hpp"

namespace stateutils::ckpt {
namespace {

using Patterns = std::vector<std::unique_ptr<re2::RE2>>;

std::unique_ptr<re2::RE2> compile(const std::string& pattern) {
  auto made = std::make_unique<re2::RE2>(pattern, re2::RE2::Quiet);
  if (!made->ok()) {
    throw core::usage_error("pattern " + core::quoted(pattern) + ": " + made->error());
  }
  return made;
}

Patterns compile_all(const std::vector<std::string>& patterns) {
  Patterns made;
  for (const std::string& pattern : patterns) made.push_back(compile(pattern));
  return made;
}

bool any_match(const Patterns& patterns, const std::string& name) {
  return std::ranges::any_of(patterns,
                             [&](const auto& p) { return re2::RE2::PartialMatch(name, *p); });
}

// Keeps the flagged tensors. An alias whose holder goes becomes the holder of the later ones.
void keep_only(Catalogue& catalogue, const std::vector<char>& keep) {
  std::vector<Tensor> kept;
  std::vector<std::optional<std::size_t>> moved(catalogue.tensors.size());
  for (std::size_t i = 0; i < catalogue.tensors.size(); ++i) {
    if (keep[i] == 0) continue;
    Tensor& tensor = catalogue.tensors[i];
    const std::size_t holder = tensor.alias_of.value_or(i);
    if (moved[holder]) {
      tensor.alias_of = moved[holder];
    } else {
      tensor.alias_of.reset();
      moved[holder] = kept.size();
    }
    kept.push_back(std::move(tensor));
  }
  if (kept.size() != catalogue.tensors.size()) catalogue.document.reset();
  catalogue.tensors = std::move(kept);
}

std::unordered_set<std::string> parameters_with_fp32(const Catalogue& catalogue) {
  std::unordered_set<std::string> names;
  for (const Tensor& tensor : catalogue.tensors) {
    if (tensor.role == Role::kFp32) names.insert(tensor.parameter);
  }
  return names;
}

}  // namespace

void apply_selection(Catalogue& catalogue, const Selection& selection, bool one_state) {
  const Patterns include = compile_all(selection.include), exclude = compile_all(selection.exclude);
  std::vector<Role> roles;
  for (const std::string& state : selection.states) {
    const auto role = role_from_name(state);
    if (!role) throw core::usage_error("--state: " + core::quoted(state) + " is no state");
    roles.push_back(*role);
  }
  const bool choose = roles.empty() && one_state;
  const auto with_fp32 =
      choose ? parameters_with_fp32(catalogue) : std::unordered_set<std::string>{};
  std::vector<char> keep(catalogue.tensors.size());
  for (std::size_t i = 0; i < keep.size(); ++i) {
    Tensor& tensor = catalogue.tensors[i];
    const bool state_of_parameter = !tensor.parameter.empty();
    bool wanted = roles.empty() || std::ranges::find(roles, tensor.role) != roles.end();
    if (choose && state_of_parameter) {
      wanted = tensor.role == Role::kFp32 || tensor.role == Role::kBuffer ||
               (tensor.role == Role::kParam && !with_fp32.contains(tensor.parameter));
    }
    if (wanted && state_of_parameter && (choose || roles.size() == 1))
      tensor.name = tensor.parameter;
    keep[i] = wanted && (include.empty() || any_match(include, tensor.name)) &&
                      !any_match(exclude, tensor.name)
                  ? 1
                  : 0;
  }
  keep_only(catalogue, keep);
}

std::string quote_pattern(const std::string& name) {
  return re2::RE2::QuoteMeta(name);
}

void apply_rename(Catalogue& catalogue, const std::string& file) {
  const auto rules = core::load_json(file);
  if (!rules.is_array()) throw core::input_error({file}, "no array of [regex, replacement]");
  for (const auto& rule : rules) {
    const bool fits =
        rule.is_array() && rule.size() == 2 && rule[0].is_string() && rule[1].is_string();
    if (!fits) throw core::input_error({file}, "a rule is not [regex, replacement]");
    const auto pattern = compile(rule[0].get<std::string>());
    const auto replacement = rule[1].get<std::string>();
    std::string problem;
    if (!pattern->CheckRewriteString(replacement, &problem)) {
      throw core::input_error({file}, "replacement " + core::quoted(replacement) + ": " + problem);
    }
    for (Tensor& tensor : catalogue.tensors) {
      if (re2::RE2::GlobalReplace(&tensor.name, *pattern, replacement) > 0)
        catalogue.document.reset();
    }
  }
  check_unique_names(catalogue);
}

Target make_target(const Catalogue& catalogue, Tied tied) {
  Target target{.tensors = {}, .metadata = catalogue.metadata};
  target.gguf_values = catalogue.gguf_values;
  for (std::size_t i = 0; i < catalogue.tensors.size(); ++i) {
    const Tensor& tensor = catalogue.tensors[i];
    TargetTensor made{.name = tensor.name, .dtype = tensor.dtype, .shape = tensor.shape};
    made.bytes = tensor_file(tensor);
    made.source_index = i;
    made.numbers = tensor.numbers;
    if (tied != Tied::kDuplicate) made.alias_of = tensor.alias_of;
    target.tensors.push_back(std::move(made));
  }
  if (tied == Tied::kAlias) target.document = catalogue.document;
  return target;
}

}  // namespace stateutils::ckpt
