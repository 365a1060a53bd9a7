#include "result_output.hpp"

#include <nlohmann/json.hpp>

namespace stateutils::tools {

bool wants_summary(const core::Io& io, const std::string& output) {
  return io.json && (*io.json != "-" || output != "-");
}

void write_result(const std::string& json, const std::string& output, const core::Io& io) {
  const auto out = io.open_output(output);
  out->write(json + '\n');
  out->commit();
  if (wants_summary(io, output)) io.summary(nlohmann::ordered_json::parse(json));
}

}  // namespace stateutils::tools
