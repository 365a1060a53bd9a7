// Sequential models for --level linear: register, key-value store and mutex.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sbus/history.hpp"
#include "sbus/linear.hpp"

namespace stateutils::sbus {

enum class LinearModel : std::uint8_t { kRegister, kKv, kMutex };

struct LinearResult {
  Verdict verdict = Verdict::kValid;
  std::uint64_t operations = 0, objects = 0;
  std::vector<std::string> bad_keys;      // objects that are not linearizable
  std::vector<std::string> unknown_keys;  // and those for which the budget did not suffice
};

// Checks each key of a key-value history on its own. `budget` bounds the steps per key. An
// operation that the model does not know is kInput.
[[nodiscard]] LinearResult check_linear_history(const std::vector<Call>& calls, LinearModel model,
                                                std::uint64_t budget, const std::string& file);

}  // namespace stateutils::sbus
