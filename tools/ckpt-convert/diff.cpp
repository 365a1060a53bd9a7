#include "ckpt/ops/diff.hpp"

#include <nlohmann/json.hpp>

#include "ckpt/ops/diff_chart.hpp"
#include "commands.hpp"
#include "core/error.hpp"
#include "core/jsonl.hpp"

namespace stateutils::ckpt_convert {
namespace {

struct DiffOptions {
  SourceOptions source;
  StreamOptions stream;
  std::string left, right, svg;
  std::optional<double> atol, rtol;
  std::optional<std::uint64_t> ulp;
  bool nan_equal = false;
};

ckpt::Catalogue open_side(const std::string& path, const DiffOptions& o, const core::Io& io) {
  ckpt::Catalogue catalogue = open_sound(path, o.source, io);
  ckpt::apply_selection(catalogue, o.source.selection(), false);
  return catalogue;
}

void write_record(core::JsonlWriter& writer, const ckpt::TensorDiff& diff) {
  core::JsonWriter& json = writer.begin();
  json.field("name", diff.name).field("status", ckpt::diff_status_name(diff.status));
  if (diff.compared) {
    json.field("max_abs", diff.max_abs).field("max_rel", diff.max_rel);
    json.field("rms", diff.rms).field("max_ulp", diff.max_ulp);
  }
  if (diff.status == ckpt::DiffStatus::kValue || diff.compared)
    json.field("mismatched", diff.mismatched);
  if (!diff.first_index.empty() || diff.mismatched > 0) {
    json.key("first_index").begin_array();
    for (const std::uint64_t i : diff.first_index) json.value(i);
    json.end_array();
  }
  writer.end();
}

int diff(const DiffOptions& o, core::Io& io) {
  io.require_json_target(o.stream.output == "-");
  if (o.svg == "-" && o.stream.output == "-")
    throw core::usage_error("--svg: stdout carries the records");
  const auto lock = o.source.take_lock();
  const ckpt::Catalogue left = open_side(o.left, o, io), right = open_side(o.right, o, io);
  const ckpt::Tolerance tolerance{
      .atol = o.atol, .rtol = o.rtol, .ulp = o.ulp, .nan_equal = o.nan_equal};
  const auto diffs =
      ckpt::diff_catalogues(left, right, tolerance, io.threads, o.source.max_memory.bytes);
  const auto out = io.open_output(o.stream.output);
  core::JsonlWriter writer(*out, {.framed = !o.stream.no_frame});
  writer.header("diffs", 1, [&](core::JsonWriter& json) {
    json.field("tool", io.tool).field("tool_version", io.version);
    json.field("a", o.left).field("b", o.right);
  });
  std::uint64_t different = 0;
  for (const ckpt::TensorDiff& result : diffs) {
    write_record(writer, result);
    different += result.status != ckpt::DiffStatus::kEqual ? 1 : 0;
  }
  if (!o.svg.empty()) {
    const auto picture = io.open_output(o.svg);
    picture->write(ckpt::diff_svg(diffs));
    picture->commit();
  }
  const nlohmann::ordered_json summary{
      {"tensors", diffs.size()}, {"equal", diffs.size() - different}, {"different", different}};
  close_stream(writer, *out, summary, io);
  return different > 0 ? 1 : 0;
}

}  // namespace

void register_diff(core::Tool& tool) {
  auto o = std::make_shared<DiffOptions>();
  auto cmd = tool.subcommand("diff", "compare two checkpoints tensor by tensor");
  cmd.option("A", &o->left, "checkpoint").required();
  cmd.option("B", &o->right, "checkpoint").required();
  cmd.option("--atol", &o->atol, "absolute tolerance").at_least(0);
  cmd.option("--rtol", &o->rtol, "tolerance relative to |b|").at_least(0);
  cmd.option("--ulp", &o->ulp, "tolerance in representable steps");
  cmd.option("--nan-equal", &o->nan_equal, "NaN equals NaN of any payload");
  cmd.option("--svg", &o->svg, "also draw the differences by tensor").value_name("FILE");
  add_stream_options(cmd, o->stream);
  add_base_option(cmd, o->source);
  add_source_options(cmd, o->source);
  cmd.run([o](core::Io& io) { return diff(*o, io); });
}

}  // namespace stateutils::ckpt_convert
