#include <nlohmann/json.hpp>

#include "ckpt/formats/open.hpp"
#include "commands.hpp"
#include "core/jsonl.hpp"

namespace stateutils::ckpt_convert {

ckpt::ReadOptions SourceOptions::read(const core::Io& io) const {
  ckpt::ReadOptions options;
  options.from = from == "auto" ? "" : from;
  options.max_memory = max_memory.bytes;
  options.allow_records = allow_records;
  options.drop_opaque = opaque == "drop";
  options.allow_expand = allow_expand;
  options.check_sums = !no_crc;
  options.patterns = patterns;
  options.layout = src_layout;
  options.base = base;
  options.threads = io.threads;
  return options;
}

ckpt::Selection SourceOptions::selection() const {
  return {.include = include, .exclude = exclude, .states = states};
}

std::unique_ptr<core::FileLock> SourceOptions::take_lock() const {
  return lock.empty() ? nullptr : std::make_unique<core::FileLock>(lock);
}

void add_source_options(core::Command& command, SourceOptions& o) {
  std::vector<std::string> formats{"auto"};
  for (std::string& id : ckpt::readable_formats()) formats.push_back(std::move(id));
  command.option("--from", &o.from, "format of the source; auto detects it by content")
      .one_of(std::move(formats));
  command.option("--include", &o.include, "only tensors whose name matches REGEX (repeatable)")
      .value_name("REGEX");
  command.option("--exclude", &o.exclude, "no tensors whose name matches REGEX (repeatable)")
      .value_name("REGEX");
  command
      .option("--state", &o.states, "states: param, fp32, exp_avg, exp_avg_sq, step, buffer, other")
      .value_name("LIST")
      .comma_list();
  command
      .option("--allow-record", &o.allow_records,
              "admit this name of a pickle as data (repeatable)")
      .value_name("MODULE.NAME");
  command.option("--opaque", &o.opaque, "unknown names in a pickle").one_of({"refuse", "drop"});
  command.option("--max-memory", &o.max_memory, "limit of all buffers and decoded objects");
  command.option("--allow-expand", &o.allow_expand,
                 "read tensors of more than 4 times their storage");
  command.option("--no-crc", &o.no_crc, "do not compare zip checksums");
  command.option("--patterns", &o.patterns, "UCP patterns in JSON, or builtin:megatron")
      .value_name("FILE");
  command.option("--src-layout", &o.src_layout, "layout file that describes the source's files")
      .value_name("FILE");
  command.option("--lock", &o.lock, "hold this lock file while running; busy is exit 4")
      .value_name("FILE");
}

void add_base_option(core::Command& command, SourceOptions& o) {
  command.option("--base", &o.base, "the checkpoint that a .ckz source was compressed against")
      .value_name("PREV");
}

void add_stream_options(core::Command& command, StreamOptions& o) {
  command.option("-o,--output", &o.output, "where the records go (- = stdout)").value_name("FILE");
  command.option("--no-frame", &o.no_frame, "leave out the header and trailer records");
}

void close_stream(core::JsonlWriter& writer, core::Output& out,
                  const nlohmann::ordered_json& summary, const core::Io& io) {
  writer.record(nlohmann::ordered_json{{"summary", summary}}.dump());
  writer.trailer();
  out.commit();
  io.summary(summary);
}

ckpt::EngineOptions OutputOptions::engine(const core::Io& process,
                                          const SourceOptions& source) const {
  ckpt::EngineOptions options;
  options.threads = process.threads;
  options.max_memory = source.max_memory.bytes;
  options.io = io == "direct"     ? ckpt::IoMode::kDirect
               : io == "buffered" ? ckpt::IoMode::kBuffered
                                  : ckpt::IoMode::kAuto;
  if (deadline) {
    options.deadline = process.start + std::chrono::nanoseconds(deadline->ns);
  }
  return options;
}

void add_output_options(core::Command& command, OutputOptions& o) {
  command.option("--force", &o.force, "replace a destination that exists");
  command.option("--dry-run", &o.dry_run, "print the plan, write nothing");
  command.option("--io", &o.io, "how outputs are written").one_of({"auto", "direct", "buffered"});
  command.option("--deadline", &o.deadline, "stop after this time; the same command goes on later")
      .value_name("TIME");
  command.option("--slice", &o.slice, "write only this share of the files of a folder")
      .value_name("I/N");
}

}  // namespace stateutils::ckpt_convert
