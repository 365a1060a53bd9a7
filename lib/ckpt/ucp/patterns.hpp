// The pattern language of Universal Checkpointing: how the slices of tensor-parallel ranks make up
// one parameter (DeepSpeed, universal_checkpoint_info).
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ckpt/model/catalogue.hpp"

namespace stateutils::ckpt {

enum class Union { kReplicated, kAverage, kTwoHalves, kSubParams, kRows, kColumns };

// What the patterns say of one parameter.
struct UnionRule {
  Union kind = Union::kColumns;
  bool vocabulary = false;
  bool pipeline_replicated = false;
  std::size_t partition_dim = 0;                     // kSubParams
  std::vector<std::uint64_t> widths{};               // kSubParams: of the whole parameter
  std::vector<std::vector<std::uint64_t>> shards{};  // kSubParams: [sub-parameter][rank], or empty
  std::string sub_param_shape{};                     // JSON of the entry, for universal files
  std::uint64_t equal_parts = 0;                     // kSubParams before version 0.4
};

class UcpPatterns {
 public:
  UcpPatterns();
  ~UcpPatterns();
  UcpPatterns(UcpPatterns&&) noexcept;
  UcpPatterns& operator=(UcpPatterns&&) noexcept;

  // `json` has the keys of universal_checkpoint_info; kInput at `file` for what is malformed.
  static UcpPatterns parse(std::string_view json, const std::string& file);
  // "builtin:megatron", or a JSON file.
  static UcpPatterns load(const std::string& name);

  // More than one match of a kind becomes a finding.
  UnionRule rule_for(const std::string& parameter, std::vector<Finding>& findings);
  // Patterns that no parameter has matched.
  [[nodiscard]] std::vector<Finding> unused() const;
  [[nodiscard]] std::optional<std::uint64_t> original_vocab_size() const;
  [[nodiscard]] bool empty() const;
  [[nodiscard]] const std::string& text() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// The parameter that the slices of all tensor-parallel ranks make up: pieces in logical
// coordinates, replicas, attributes. `slices[r]` is rank r's slice in its own coordinates.
[[nodiscard]] Tensor join_slices(const std::vector<Tensor>& slices, const UnionRule& rule,
                                 std::optional<std::uint64_t> original_vocab_size);

}  // namespace stateutils::ckpt
