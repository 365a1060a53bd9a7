// Numbers from the JSON of models.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace stateutils::qmc {

// The numbers of an array that has at least one; kInput naming the file `name` and the entry `what`
// for anything else.
[[nodiscard]] std::vector<double> json_numbers(const nlohmann::json& value, const std::string& name,
                                               const std::string& what);

}  // namespace stateutils::qmc
