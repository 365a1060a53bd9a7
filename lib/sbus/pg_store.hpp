// Shards, delivery logs and the log of writes in PostgreSQL, shared by any number of servers.
#pragma once

#include <memory>
#include <string>

#include "core/input.hpp"
#include "sbus/bus_store.hpp"

namespace stateutils::sbus {

// Makes the tables where they are missing. kEnvironment when there is no database, or this program
// was built without libpq. Counters are those of this process.
[[nodiscard]] std::unique_ptr<BusStore> open_pg_store(const std::string& conninfo,
                                                      const BusOptions& options);
// The log of writes as an operation log; each read_set is the effective one.
[[nodiscard]] std::unique_ptr<core::ByteSource> open_pg_log(const std::string& conninfo);

}  // namespace stateutils::sbus
