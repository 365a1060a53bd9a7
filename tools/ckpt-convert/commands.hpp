// One function per subcommand, and the options that several of them share.
#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "ckpt/engine/execute.hpp"
#include "ckpt/formats/read_options.hpp"
#include "ckpt/formats/write_options.hpp"
#include "ckpt/model/catalogue.hpp"
#include "ckpt/ops/publish.hpp"
#include "ckpt/ops/select.hpp"
#include "core/cli.hpp"
#include "core/io.hpp"
#include "core/lock.hpp"
#include "core/tool.hpp"

namespace stateutils::core {
class JsonlWriter;
}

namespace stateutils::ckpt_convert {

void register_inspect(core::Tool& tool);
void register_verify(core::Tool& tool);
void register_manifest(core::Tool& tool);
void register_diff(core::Tool& tool);
void register_convert(core::Tool& tool);
void register_reshard(core::Tool& tool);
void register_extract(core::Tool& tool);
void register_merge(core::Tool& tool);
void register_cast(core::Tool& tool);
void register_compress(core::Tool& tool);
void register_decompress(core::Tool& tool);
void register_protect(core::Tool& tool);
void register_repair(core::Tool& tool);
void register_snapshot(core::Tool& tool);
void register_quantize(core::Tool& tool);
void register_dequantize(core::Tool& tool);
void register_bench(core::Tool& tool);

// How a source is read, and which of its tensors are meant.
struct SourceOptions {
  std::string from = "auto";
  std::vector<std::string> include, exclude, states, allow_records;
  std::string opaque = "refuse";
  core::ByteSize max_memory{256u << 20};
  bool allow_expand = false;
  bool no_crc = false;
  std::string lock, patterns, src_layout, base;

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
// The last record of a stream, its trailer, and the same summary for --json.
void close_stream(core::JsonlWriter& writer, core::Output& out,
                  const nlohmann::ordered_json& summary, const core::Io& io);

// How outputs are written.
struct OutputOptions {
  bool force = false, dry_run = false;
  std::string io = "auto", slice;
  std::optional<core::Duration> deadline;

  [[nodiscard]] ckpt::EngineOptions engine(const core::Io& io, const SourceOptions& source) const;
};
void add_output_options(core::Command& command, OutputOptions& options);

// The writing half of a command: DST is made whole, not at all, or already there.
class Job {
 public:
  // `options_text`: what changes the output's bytes, canonical.
  Job(const SourceOptions& source, const OutputOptions& output, std::string dst, core::Io& io,
      std::string options_text);

  void as_folder() { publish_.folder = true; }
  // Whether DST is the verified result of the same inputs and options, which is said; a DST that
  // may not be replaced is kEnvironment.
  [[nodiscard]] bool is_done(const std::vector<std::string>& inputs);
  // Prints the plans (--dry-run), or writes them and adds files and bytes to `summary`. False:
  // other slices are missing.
  bool write(std::vector<ckpt::OutputPlan>& plans, const ckpt::Catalogue& catalogue,
             nlohmann::ordered_json& summary);

 private:
  void print(const std::vector<ckpt::OutputPlan>& plans) const;

  const SourceOptions& source_;
  const OutputOptions& output_;
  std::string dst_;
  core::Io& io_;
  ckpt::PublishOptions publish_;
};

// What the commands share that write flat formats.
struct FlatOptions {
  SourceOptions source;
  OutputOptions output;
  std::string dst, to, rename, tied = "default", overflow = "saturate", dtype, scale = "none";
  std::optional<core::ByteSize> max_shard_size;
  core::ByteSize align{8};
  bool preserve_order = false;
  std::uint64_t ranks = 1;
  std::vector<std::string> expected{};  // names that must be there

  // The format that --to or DST's suffix says.
  [[nodiscard]] std::string format() const;
};
void add_flat_options(core::Command& command, FlatOptions& options,
                      std::vector<std::string> formats);
// Everything that changes the bytes written, in a fixed order.
[[nodiscard]] std::string canonical_options(const FlatOptions& options, const std::string& format);
// Opens a source that must be sound.
[[nodiscard]] ckpt::Catalogue open_sound(const std::string& src, const SourceOptions& options,
                                         const core::Io& io);
// Selects, renames, casts and writes.
int write_flat(const FlatOptions& options, ckpt::Catalogue& catalogue, Job& job, core::Io& io);
[[nodiscard]] ckpt::WriteOptions write_options(const FlatOptions& options);

// Another parallel layout, or another kind of training checkpoint.
struct ReshardOptions {
  FlatOptions flat;
  std::string src, layout;
  std::optional<std::uint64_t> tp, pp, dp, zero;
  std::uint64_t vocab_pad = 32;
  std::vector<std::int64_t> pp_split;
  bool no_strict = false, rich = false;
};
int reshard(const ReshardOptions& options, core::Io& io);
// Formats that only reshard() writes.
[[nodiscard]] bool is_training_format(const std::string& format);

}  // namespace stateutils::ckpt_convert
