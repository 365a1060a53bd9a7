#include "qmc/json_numbers.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/error.hpp"

namespace stateutils::qmc {

std::vector<double> json_numbers(const nlohmann::json& value, const std::string& name,
                                 const std::string& what) {
  const auto is_number = [](const nlohmann::json& entry) { return entry.is_number(); };
  if (!value.is_array() || value.empty() || !std::all_of(value.begin(), value.end(), is_number)) {
    throw core::input_error({name}, what + " must be an array of numbers");
  }
  std::vector<double> numbers;
  for (const nlohmann::json& entry : value) numbers.push_back(entry.get<double>());
  return numbers;
}

}  // namespace stateutils::qmc
