// One function per subcommand, and the options that several of them share.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "ckpt/engine/execute.hpp"
#include "ckpt/formats/read_options.hpp"
#include "ckpt/model/catalogue.hpp"
#include "ckpt/ops/select.hpp"
#include "core/cli.hpp"
#include "core/io.hpp"
#include "core/lock.hpp"
#include "core/tool.hpp"

namespace stateutils::ckpt_convert {

void register_inspect(core::Tool& tool);
void register_verify(core::Tool& tool);
void register_manifest(core::Tool& tool);
void register_diff(core::Tool& tool);
void register_convert(core::Tool& tool);
void register_reshard(core::Tool& tool);
void register_extract(core::Tool& tool);
void register_compress(core::Tool& tool);
void register_decompress(core::Tool& tool);
void register_protect(core::Tool& tool);
void register_repair(core::Tool& tool);
void register_snapshot(core::Tool& tool);
void register_quantize(core::Tool& tool);
void register_dequantize(core::Tool& tool);

// How a source is read, and which of its tensors are meant.
struct SourceOptions {
  std::string from = "auto";
  std::vector<std::string> include, exclude, states, allow_records;
  std::string opaque = "refuse";
  core::ByteSize max_memory{256u << 20};
  bool allow_expand = false;
  bool no_crc = false;
  std::string lock, patterns, base;

  [[nodiscard]] ckpt::ReadOptions read(const core::Io& io) const;
  [[nodiscard]] ckpt::Selection selection() const;
  [[nodiscard]] std::unique_ptr<core::FileLock> take_lock() const;
};
void add_source_options(core::Command& command, SourceOptions& options);
// --base, for commands that read compressed sources.
void add_base_option(core::Command& command, SourceOptions& options);

// Where a stream of records goes and how it is framed.
struct StreamOptions {
  std::string output = "-";
  bool no_frame = false;
};
void add_stream_options(core::Command& command, StreamOptions& options);

// How outputs are written.
struct OutputOptions {
  bool force = false, dry_run = false;
  std::string io = "auto";

  [[nodiscard]] ckpt::EngineOptions engine(const core::Io& io, const SourceOptions& source) const;
};
void add_output_options(core::Command& command, OutputOptions& options);

}  // namespace stateutils::ckpt_convert
