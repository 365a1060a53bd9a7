#include "ckpt/ops/merge.hpp"

#include <nlohmann/json.hpp>

#include "ckpt/ops/convert.hpp"
#include "ckpt/ops/scan.hpp"
#include "commands.hpp"
#include "core/error.hpp"
#include "core/units.hpp"

namespace stateutils::ckpt_convert {
namespace {

struct MergeOptions {
  std::vector<std::string> paths;  // the last one is DST
  std::string op = "union";
  FlatOptions flat;
};

// mean, or weighted=W0,W1,...; empty for union.
std::vector<double> weights_of(const std::string& op, std::size_t sources) {
  constexpr std::string_view kWeighted = "weighted=";
  if (op == "union") return {};
  if (op == "mean") return std::vector<double>(sources, 1.0);
  std::vector<double> weights;
  if (op.starts_with(kWeighted)) {
    std::string_view rest = std::string_view(op).substr(kWeighted.size());
    while (true) {
      const auto comma = rest.find(',');
      const auto weight = core::parse_double(rest.substr(0, comma));
      if (!weight) break;
      weights.push_back(*weight);
      if (comma == std::string_view::npos) {
        if (weights.size() == sources) return weights;
        throw core::usage_error("--op: " + std::to_string(weights.size()) + " weights for " +
                                std::to_string(sources) + " sources");
      }
      rest.remove_prefix(comma + 1);
    }
  }
  throw core::usage_error("--op: wanted union, mean or weighted=W0,W1,...");
}

int merge(const MergeOptions& o, core::Io& io) {
  if (o.paths.size() < 2) throw core::usage_error("needs at least one SRC, and DST");
  FlatOptions flat = o.flat;
  flat.dst = o.paths.back();
  const std::size_t sources = o.paths.size() - 1;
  const std::vector<double> weights = weights_of(o.op, sources);
  io.require_json_target(flat.dst == "-" || flat.output.dry_run);
  const auto lock = flat.source.take_lock();
  const std::string format = flat.format();
  if (is_training_format(format)) throw core::usage_error("merge writes flat formats");
  Job job(flat.source, flat.output, flat.dst, io,
          "merge " + o.op + ' ' + canonical_options(flat, format));
  std::vector<ckpt::Catalogue> parts;
  for (std::size_t i = 0; i < sources; ++i) {
    parts.push_back(open_sound(o.paths[i], flat.source, io));
    ckpt::apply_selection(parts.back(), flat.source.selection(), true);
    parts.back().document.reset();
  }
  ckpt::Catalogue merged = weights.empty() ? ckpt::merge_union(std::move(parts))
                                           : ckpt::merge_average(std::move(parts), weights);
  if (job.is_done(merged.files)) return 0;
  for (const ckpt::Finding& finding : ckpt::check_replicas(merged, io.threads)) {
    throw core::input_error({merged.source},
                            "tensor " + core::quoted(finding.tensor) +
                                " is no floating tensor and differs: " + finding.detail);
  }
  flat.source.include.clear();
  flat.source.exclude.clear();
  flat.source.states.clear();
  return write_flat(flat, merged, job, io);
}

}  // namespace

void register_merge(core::Tool& tool) {
  auto o = std::make_shared<MergeOptions>();
  auto cmd = tool.subcommand("merge", "join checkpoints, or average equal ones");
  cmd.option("SOURCES", &o->paths, "checkpoints, then DST (- = stdout)").required();
  cmd.option("--op", &o->op, "union of disjoint names, mean, or weighted=W0,W1,...")
      .value_name("OP");
  add_flat_options(cmd, o->flat, ckpt::writable_formats());
  cmd.run([o](core::Io& io) { return merge(*o, io); });
}

}  // namespace stateutils::ckpt_convert
