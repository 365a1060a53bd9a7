#include "ckpt/ucp/patterns.hpp"

#include <re2/re2.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <span>

#include "core/error.hpp"
#include "core/input.hpp"
#include "core/json.hpp"

namespace stateutils::ckpt {
namespace {

struct Pattern {
  std::string text;
  std::unique_ptr<re2::RE2> regex;
  std::size_t list = 0;   // which list it stands in
  std::size_t entry = 0;  // of parameter_with_sub_params
  bool used = false;
};

constexpr const char* kLists[] = {
    "tp_replicated_parameter_patterns",        "parameter_to_average_patterns",
    "parameter_with_2_sub_params_cat_dim_0",   "parameter_with_sub_params",
    "parameter_with_row_parallelism_patterns", "vocabulary_parameter_patterns",
    "pipeline_replicated_parameter_patterns"};
constexpr std::size_t kSubParamList = 3, kVocabularyList = 5, kPipelineList = 6;
constexpr Union kUnions[] = {Union::kReplicated, Union::kAverage, Union::kTwoHalves,
                             Union::kSubParams, Union::kRows};

// Name ends of Megatron-LM, for checkpoints without patterns.
constexpr std::string_view kMegatron = R"nlohmann::json({
  "vocabulary_parameter_patterns": [
    ".*word_embeddings\\.weight$", ".*output_layer\\.weight$", ".*lm_head\\.weight$"],
  "parameter_with_row_parallelism_patterns": [
    ".*self_attention\\.dense\\.weight$", ".*linear_proj\\.weight$", ".*dense_4h_to_h\\.weight$",
    ".*linear_fc2\\.weight$"],
  "tp_replicated_parameter_patterns": [".*"],
  "column_parallel": [
    ".*query_key_value\\.(weight|bias)$", ".*linear_qkv\\.(weight|bias)$",
    ".*dense_h_to_4h\\.(weight|bias)$", ".*linear_fc1\\.(weight|bias)$"]
})nlohmann::json";

std::vector<std::uint64_t> numbers(const nlohmann::json& list, const std::string& file) {
  std::vector<std::uint64_t> out;
  if (!list.is_array()) throw core::input_error({file}, "a list of widths is no list");
  for (const nlohmann::json& item : list) {
    if (!item.is_number_unsigned()) throw core::input_error({file}, "a width is no size");
    out.push_back(item.get<std::uint64_t>());
  }
  return out;
}

}  // namespace

struct UcpPatterns::State {
  std::vector<Pattern> patterns;
  std::vector<Pattern> columns;  // of the built-in set: dimension 0 before "all else replicated"
  nlohmann::json info = nlohmann::json::object();
  std::string text, file;
  std::optional<std::uint64_t> vocabulary;
  bool megatron = false;

  [[nodiscard]] Pattern compile(const nlohmann::json& value, std::size_t list,
                                std::size_t entry) const {
    if (!value.is_string()) throw core::input_error({file}, "a pattern is no text");
    Pattern made{.text = value.get<std::string>(), .regex = {}, .list = list, .entry = entry};
    made.regex = std::make_unique<re2::RE2>(made.text, re2::RE2::Quiet);
    if (!made.regex->ok()) {
      throw core::input_error({file},
                              "pattern " + core::quoted(made.text) + ": " + made.regex->error());
    }
    return made;
  }
  // Anchored at the start only, as re.match does.
  static bool matches(const Pattern& pattern, const std::string& name) {
    return pattern.regex->Match(name, 0, name.size(), re2::RE2::ANCHOR_START, nullptr, 0);
  }
  Pattern* find(std::size_t list, const std::string& name, std::vector<Finding>& findings) {
    Pattern* found = nullptr;
    for (Pattern& pattern : patterns) {
      if (pattern.list != list || !matches(pattern, name)) continue;
      pattern.used = true;
      if (found != nullptr) {
        findings.push_back({"pattern", name,
                            "two patterns of " + std::string(kLists[list]) + " match: " +
                                core::quoted(found->text) + " and " + core::quoted(pattern.text)});
      } else {
        found = &pattern;
      }
    }
    return found;
  }
  void sub_params(UnionRule& rule, const Pattern& pattern) const;
};

UcpPatterns::UcpPatterns() : state_(std::make_unique<State>()) {}
UcpPatterns::~UcpPatterns() = default;
UcpPatterns::UcpPatterns(UcpPatterns&&) noexcept = default;
UcpPatterns& UcpPatterns::operator=(UcpPatterns&&) noexcept = default;

UcpPatterns UcpPatterns::parse(std::string_view text, const std::string& file) {
  UcpPatterns made;
  State& state = *made.state_;
  state.file = file;
  state.text = text;
  state.info = core::parse_json(text, file);
  if (!state.info.is_object()) throw core::input_error({file}, "the patterns are no object");
  for (std::size_t list = 0; list < std::size(kLists); ++list) {
    if (!state.info.contains(kLists[list])) continue;
    const nlohmann::json& values = state.info[kLists[list]];
    if (!values.is_array())
      throw core::input_error({file}, std::string(kLists[list]) + " is no list");
    for (std::size_t entry = 0; entry < values.size(); ++entry) {
      if (list != kSubParamList) {
        state.patterns.push_back(state.compile(values[entry], list, entry));
        continue;
      }
      // A SubparamShape record of a pickle shows its fields below their names.
      const nlohmann::json& item = values[entry];
      if (!item.is_object() || !item.contains("patterns") || !item.contains("shape")) {
        throw core::input_error({file}, "parameter_with_sub_params without patterns or shape");
      }
      for (const nlohmann::json& pattern : item["patterns"]) {
        state.patterns.push_back(state.compile(pattern, list, entry));
      }
    }
  }
  if (state.info.contains("original_vocab_size") &&
      state.info["original_vocab_size"].is_number_unsigned()) {
    state.vocabulary = state.info["original_vocab_size"].get<std::uint64_t>();
  }
  return made;
}

UcpPatterns UcpPatterns::load(const std::string& name) {
  if (name != "builtin:megatron") return parse(core::read_file(name, 64u << 20), name);
  UcpPatterns made = parse(kMegatron, name);
  for (const nlohmann::json& pattern : made.state_->info["column_parallel"]) {
    made.state_->columns.push_back(made.state_->compile(pattern, 0, 0));
  }
  made.state_->megatron = true;
  return made;
}

void UcpPatterns::State::sub_params(UnionRule& rule, const Pattern& pattern) const {
  const nlohmann::json& entry = info["parameter_with_sub_params"][pattern.entry];
  const nlohmann::json& shape = entry["shape"];
  if (entry.contains("partition_dim")) {
    if (!entry["partition_dim"].is_number_unsigned())
      throw core::input_error({file}, "partition_dim is no size");
    rule.partition_dim = entry["partition_dim"].get<std::size_t>();
  }
  if (!shape.is_array() || rule.partition_dim >= shape.size()) {
    throw core::input_error({file},
                            "the shape of " + core::quoted(pattern.text) + " has no partition_dim");
  }
  const nlohmann::json& width = shape[rule.partition_dim];
  if (width.is_number_unsigned()) {
    rule.equal_parts = width.get<std::uint64_t>();
  } else {
    rule.widths = numbers(width, file);
  }
  nlohmann::json kept = entry;
  kept.erase("class");
  rule.sub_param_shape = kept.dump();
  if (info.contains("sub_param_shard_widths") &&
      info["sub_param_shard_widths"].contains(pattern.text)) {
    for (const nlohmann::json& list : info["sub_param_shard_widths"][pattern.text]) {
      rule.shards.push_back(numbers(list, file));
    }
  }
}

UnionRule UcpPatterns::rule_for(const std::string& parameter, std::vector<Finding>& findings) {
  UnionRule rule;
  State& state = *state_;
  rule.vocabulary = state.find(kVocabularyList, parameter, findings) != nullptr;
  rule.pipeline_replicated = state.find(kPipelineList, parameter, findings) != nullptr;
  if (state.megatron) {
    const bool column =
        rule.vocabulary || std::ranges::any_of(state.columns, [&](const Pattern& p) {
          return State::matches(p, parameter);
        });
    if (column) return rule;
  }
  // The order of the tests is part of the language; a row pattern of the built-in set comes first
  // because everything else is replicated there.
  const std::size_t order[] = {0, 1, 2, 3, 4}, megatron_order[] = {4, 0};
  const auto lists = state.megatron ? std::span<const std::size_t>(megatron_order)
                                    : std::span<const std::size_t>(order);
  for (const std::size_t list : lists) {
    const Pattern* pattern = state.find(list, parameter, findings);
    if (pattern == nullptr) continue;
    rule.kind = kUnions[list];
    if (list == kSubParamList) state.sub_params(rule, *pattern);
    return rule;
  }
  return rule;
}

std::vector<Finding> UcpPatterns::unused() const {
  std::vector<Finding> findings;
  if (state_->megatron) return findings;
  for (const Pattern& pattern : state_->patterns) {
    if (pattern.used) continue;
    findings.push_back({"pattern", "",
                        "pattern " + core::quoted(pattern.text) + " of " + kLists[pattern.list] +
                            " matches no parameter"});
  }
  return findings;
}

std::optional<std::uint64_t> UcpPatterns::original_vocab_size() const {
  return state_->vocabulary;
}
bool UcpPatterns::empty() const {
  return state_->patterns.empty();
}
const std::string& UcpPatterns::text() const {
  return state_->text;
}

}  // namespace stateutils::ckpt
