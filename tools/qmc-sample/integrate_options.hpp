// Options of integrate, ask and tell, and the integrands they describe.
#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "child.hpp"
#include "core/cli.hpp"
#include "core/io.hpp"
#include "qmc/cubature.hpp"
#include "qmc/transform.hpp"

namespace stateutils::tools {

struct IntegrateOptions {
  std::optional<std::string> exec, exec_text, trace;
  std::string f;
  int jobs = 1;
  std::optional<core::Duration> timeout;
  // What a state keeps:
  std::string algorithm = "net-g", tol_mode = "either", measure, sequence, bayes = "mle";
  std::optional<core::Count> d, n_init, n_max, replications;
  std::optional<int> guard;
  std::optional<std::string> randomize;
  double abs_tol = 1e-2, rel_tol = 0, confidence = 0.99;
  int alpha = 1;
  bool check_cone = false, sensitivity = false;
  std::vector<std::string> controls;
};

using NamedOptions = std::vector<std::pair<std::string, core::Option>>;
// Declares what `integrate` and `ask` share; the handles tell which were given.
NamedOptions bind_integrate(core::Command& command, IntegrateOptions& options);

// The options of a state by their names, and back; kInput naming `file` for what is not one.
[[nodiscard]] nlohmann::ordered_json settings_of(const IntegrateOptions& options);
void apply_settings(IntegrateOptions& options, const nlohmann::ordered_json& settings,
                    const std::string& file);

// Points as the integrand sees them, and the weights of its values.
class MeasuredPoints {
 public:
  MeasuredPoints(const std::string& measure, std::size_t d);
  // Returns the mapped points; they stay until the next call.
  const double* map(const double* u, std::size_t rows);
  void weigh(std::vector<double>& y, std::size_t rows) const;
  [[nodiscard]] bool has_weights() const { return map_ && map_->has_weights(); }

 private:
  std::size_t d_;
  std::optional<qmc::Transform> map_;
  std::vector<double> mapped_, weights_;
};

// The library's options. `measure` is what the controls of --cv see.
[[nodiscard]] qmc::CubatureOptions make_cubature(const IntegrateOptions& options,
                                                 const std::string& measure, const core::Io& io);
[[nodiscard]] nlohmann::ordered_json result_json(const qmc::CubatureResult& result,
                                                 const IntegrateOptions& options,
                                                 const core::Io& io, double wall_s);

}  // namespace stateutils::tools
