// A policy formula on the numbers of one JSON object.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace stateutils::kv {

[[nodiscard]] const std::vector<std::string>& explain_topics();
// `text` is one JSON object of inputs (see the manual); the answer is one JSON object. Missing,
// unknown or ill-typed inputs are kInput at `file`.
[[nodiscard]] std::string explain(const std::string& topic, std::string_view text,
                                  const std::string& file);

}  // namespace stateutils::kv
