// Traces of every format that kv-sim reads, into one Trace.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/input.hpp"
#include "kv/trace.hpp"
#include "kv/trace_builder.hpp"

namespace stateutils::kv {

// The names that --from takes, "auto" first.
[[nodiscard]] const std::vector<std::string>& trace_formats();

// Reads the whole source. `options.from` "auto" looks at its first 64 KiB; the 24-byte records of
// oracleGeneral have no mark and must be asked for.
[[nodiscard]] Trace read_trace(core::ByteSource& source, const TraceOptions& options);

// One reader per family; each fills the builder.
void read_record_jsonl(core::ByteSource& source, TraceBuilder& builder);  // kvsim
void read_mooncake(core::ByteSource& source, TraceBuilder& builder);
void read_csv(core::ByteSource& source, const std::string& format, TraceBuilder& builder);
void read_kvct(core::ByteSource& source, TraceBuilder& builder);
void read_server_log(core::ByteSource& source, const std::string& format, TraceBuilder& builder);
void read_oracle(core::ByteSource& source, TraceBuilder& builder);

}  // namespace stateutils::kv
