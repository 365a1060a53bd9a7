// Models and devices as JSON: the installed tables, and what a configuration says of its own.
#pragma once

#include <string>

#include "kv/config_fields.hpp"
#include "kv/devices.hpp"
#include "kv/models.hpp"

namespace stateutils::kv {

// A data file of the installation: bin/../share/stateutils.
[[nodiscard]] std::string installed_file(const std::string& name);

// The shape that the object's keys tell; 0 where it has none.
void read_shape(Fields& fields, ModelShape& shape);
// Replaces the figures whose keys the object has.
void read_figures(Fields& fields, Device& device);

}  // namespace stateutils::kv
