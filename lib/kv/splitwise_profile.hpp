// Measured prompt and token times by batch tokens, for one model on one machine.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace stateutils::kv {

class SplitwiseProfile {
 public:
  // Reads the rows of (model, hardware, tp) from a CSV; "" is the installed table.
  SplitwiseProfile(const std::string& file, const std::string& model, const std::string& hardware,
                   std::uint32_t tp);
  [[nodiscard]] double prompt_seconds(double tokens) const { return at(prompt_, tokens); }
  [[nodiscard]] double token_seconds(double tokens) const { return at(token_, tokens); }

 private:
  using Curve = std::vector<std::pair<double, double>>;
  [[nodiscard]] static double at(const Curve& curve, double x);
  Curve prompt_, token_;
};

}  // namespace stateutils::kv
