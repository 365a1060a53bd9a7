// points: rows of a point set, whole or in slices.
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "core/error.hpp"
#include "core/hash.hpp"
#include "core/slice.hpp"
#include "point_options.hpp"
#include "point_output.hpp"
#include "qmc/transform.hpp"
#include "randomness_output.hpp"

namespace stateutils::tools {
namespace {

using core::usage_error;

struct PointsOptions {
  std::string sequence;
  PointSetOptions set;
  core::Count n, start;
  std::optional<std::string> slice, emit;
  std::optional<std::int64_t> replication;
  std::string dtype = "f64", layout = "row", format = "npy", output = "-";
  std::optional<std::string> interval, transform;
  bool splice = false;
};

struct Plan {
  std::uint64_t first = 0, rows = 0;  // of this run
  std::uint32_t r_first = 0, r_count = 1;
  bool with_replications = false;  // the shape starts with R
  qmc::Format format = qmc::Format::kF64;
  core::NpyType type = core::NpyType::kF8;
  core::Slice slice;
  std::unique_ptr<const qmc::Transform> transform;
};

void choose_format(const PointsOptions& o, const qmc::PointSet& set, Plan& plan) {
  bool open = o.interval.value_or("halfopen") == "open";
  if (o.transform) {
    if (o.dtype != "f64") throw usage_error("--transform makes f64");
    if (o.layout == "col") throw usage_error("--transform needs --layout row");
    plan.transform = std::make_unique<const qmc::Transform>(*o.transform, set.columns());
    if (plan.transform->needs_open()) {
      if (o.interval == "halfopen") {
        throw usage_error("this transform is infinite at 0: it needs --interval open");
      }
      open = true;
    }
  }
  if (o.dtype == "f64") {
    plan.format = open ? qmc::Format::kF64Open : qmc::Format::kF64;
    plan.type = core::NpyType::kF8;
  } else if (o.dtype == "f32") {
    plan.format = open ? qmc::Format::kF32Open : qmc::Format::kF32;
    plan.type = core::NpyType::kF4;
  } else {
    if (open) throw usage_error("--interval open is for f64 and f32");
    plan.format = o.dtype == "u32" ? qmc::Format::kU32 : qmc::Format::kU64;
    plan.type = o.dtype == "u32" ? core::NpyType::kU4 : core::NpyType::kU8;
  }
}

// Everything that decides the bytes of the whole run, in one line.
std::string options_text(const PointsOptions& o, const qmc::PointSet& set, const Plan& plan) {
  const qmc::PointSpec& spec = set.spec();
  std::string text = spec.sequence + '|' + std::to_string(*spec.d) + '|';
  for (const std::uint32_t dim : spec.dims) text += std::to_string(dim) + ',';
  text += '|' + o.set.order + '|' + qmc::randomize_name(set.randomize()) + '|' +
          std::to_string(spec.alpha) + '|' + std::to_string(spec.bits.value_or(0)) + '|' +
          (set.is_random() ? std::to_string(spec.seed) : "") + '|' + o.set.rng + '|' +
          std::to_string(spec.total.value_or(0)) + '|' + (spec.hammersley ? "h" : "") + '|' +
          o.dtype + '|' + o.layout + '|' + o.interval.value_or("halfopen") + '|' +
          std::to_string(plan.r_first) + '+' + std::to_string(plan.r_count) + '|' +
          std::to_string(o.start.value) + '|' + std::to_string(o.n.value) + '|' +
          o.set.lms_matrix.value_or("") + '|' + o.set.shift.value_or("") + '|' +
          o.set.perms.value_or("") + '|' + o.set.factors.value_or("") + '|' +
          o.transform.value_or("");
  return text;
}

std::string options_hash(const std::string& text) {
  return core::xxh3_128(text.data(), text.size()).hex();
}

// Less is written sooner than pages are had for it.
constexpr std::uint64_t kBytesForPages = 4u << 20;

bool is_pipe(int fd) {
  struct stat status {};
  return ::fstat(fd, &status) == 0 && S_ISFIFO(status.st_mode);
}

Plan make_plan(const PointsOptions& o, const qmc::PointSet& set, core::Io& io) {
  Plan plan;
  plan.first = o.start.value;
  plan.rows = o.n.value;
  set.require_rows(plan.first, plan.rows);
  plan.with_replications = o.set.replications && !o.replication;
  plan.r_count = plan.with_replications ? set.spec().replications : 1;
  if (o.replication) plan.r_first = static_cast<std::uint32_t>(*o.replication);
  choose_format(o, set, plan);
  if (o.layout == "col" && (o.format == "csv" || o.format == "jsonl")) {
    throw usage_error("--layout col is for npy and raw");
  }
  if (o.slice) {
    std::string choice;
    plan.slice = core::parse_slice(*o.slice, &choice);
    if (!choice.empty()) io.log.info(choice);
    const auto [from, to] = plan.slice.range(o.n.value);
    plan.first += from;
    plan.rows = to - from;
  }
  if (!io.quiet && set.is_net() && set.sequence() != qmc::Sequence::kNetB &&
      set.sequence() != qmc::Sequence::kFaure && (o.n.value & (o.n.value - 1)) != 0) {
    io.log.info("n = " + std::to_string(o.n.value) + " is no power of 2: the points are no net");
  }
  return plan;
}

// Says which part this is, for merge; readers of .npy skip it.
std::string slice_comment(const PointsOptions& o, const qmc::PointSet& set, const Plan& plan) {
  if (!o.slice) return {};
  return "# slice " + plan.slice.text() + " start=" + std::to_string(o.start.value) +
         " n=" + std::to_string(o.n.value) +
         " options=" + options_hash(options_text(o, set, plan)) +
         (o.layout == "col" ? " layout=col" : "");
}

RowStream stream_of(const qmc::Points& points, const Plan& plan) {
  RowStream stream;
  stream.columns = points.dims();
  stream.type = plan.type;
  stream.block_rows = points.block_rows();
  stream.costly = points.is_costly();
  stream.fill = [&points, &plan](std::uint64_t first, std::uint64_t rows, void* out) {
    points.fill(first, rows, plan.format, out);
    if (plan.transform) {
      plan.transform->apply(static_cast<double*>(out), rows, first, "points");
    }
  };
  if (plan.transform) stream.costly = true;
  return stream;
}

void write_points(const PointsOptions& o, const qmc::PointSet& set, const Plan& plan,
                  const core::Io& io, core::Output& out) {
  const TextFormat text = o.format == "csv"     ? TextFormat::kCsv
                          : o.format == "jsonl" ? TextFormat::kJsonl
                                                : TextFormat::kNone;
  const std::uint64_t columns = set.columns();
  if (o.format == "npy") {
    std::vector<std::uint64_t> shape;
    if (plan.with_replications) shape.push_back(plan.r_count);
    shape.insert(shape.end(), {plan.rows, columns});
    if (o.layout == "col") std::swap(shape[shape.size() - 1], shape[shape.size() - 2]);
    out.write(npy_header_with_comment(plan.type, shape, slice_comment(o, set, plan)));
  }
  const std::size_t item = core::item_size(plan.type);
  std::unique_ptr<LentPages> pages;
  if (o.output == "-" && text == TextFormat::kNone && is_pipe(STDOUT_FILENO)) {
    if (o.splice) {
      pages = reused_pages(STDOUT_FILENO, "standard output");
    } else if (plan.rows >= kBytesForPages / std::max<std::uint64_t>(columns * item, 1)) {
      pages = fresh_pages(STDOUT_FILENO, "standard output");
    }
  }
  if (pages) {
    out.flush();  // pages go past both
    io.out->flush();
  }
  const auto write = [&](const qmc::Points& points) {
    write_rows(out, stream_of(points, plan), plan.first, plan.rows, text, io.threads, pages.get());
  };
  for (std::uint32_t r = plan.r_first; r < plan.r_first + plan.r_count; ++r) {
    if (o.layout == "col") {
      for (std::size_t j = 0; j < columns; ++j) {
        write(*set.column(r, j));
      }
    } else if (columns == 0) {
      RowStream empty;
      empty.columns = 0;
      write_rows(out, empty, plan.first, plan.rows, text, io.threads);
    } else {
      write(*set.replication(r));
    }
  }
}

int points(PointsOptions& o, core::Io& io) {
  io.require_json_target(o.output == "-");
  if (o.splice && (o.output != "-" || o.format == "csv" || o.format == "jsonl")) {
    throw usage_error("--splice is for npy and raw on standard output");
  }
  if (o.set.replications && o.replication &&
      static_cast<std::uint64_t>(*o.replication) >= o.set.replications->value) {
    throw usage_error("--replication must be below --replications");
  }
  if (o.replication && *o.replication >= qmc::kMaxReplications) {
    throw usage_error("--replication must be below 2^24");
  }
  qmc::PointSpec spec = make_spec(o.set, o.sequence, io);
  if (o.replication && !o.set.replications) {
    spec.replications = static_cast<std::uint32_t>(*o.replication) + 1;
  }
  // Everything is checked before a seed is drawn and printed.
  auto set = std::make_unique<qmc::PointSet>(spec);
  const Plan plan = make_plan(o, *set, io);
  if (!io.seed_given && set->is_random()) {
    settle_seed(io, true);
    spec.seed = io.seed;
    set = std::make_unique<qmc::PointSet>(std::move(spec));
  }
  if (o.emit)
    emit_randomness(*o.emit, *set, plan.r_first, plan.r_count, plan.with_replications, io);
  const auto out = io.open_output(o.output);
  write_points(o, *set, plan, io, *out);
  out->commit();
  io.summary({{"sequence", set->spec().sequence},
              {"randomize", qmc::randomize_name(set->randomize())},
              {"seed", std::to_string(io.seed)},
              {"replications", plan.r_count},
              {"start", plan.first},
              {"n", plan.rows},
              {"d", set->columns()}});
  return 0;
}

}  // namespace

void register_points(core::Tool& tool) {
  auto o = std::make_shared<PointsOptions>();
  auto cmd = tool.subcommand("points", "generate points");
  cmd.option("SEQ", &o->sequence,
             "sobol, net:FILE, lattice[:FILE], halton, faure, netb:FILE, kronecker or iid")
      .required();
  cmd.option("-n", &o->n, "number of points: 1024, 2^20, 1e6").value_name("N").required();
  cmd.option("--start", &o->start, "first row");
  cmd.option("--slice", &o->slice, "K/M: the K-th (from 0) of M parts of the rows, or auto")
      .value_name("K/M");
  bind_point_set(cmd, o->set);
  cmd.option("--replications", &o->set.replications, "independent randomizations, shape R,n,d")
      .value_name("R");
  cmd.option("--replication", &o->replication, "this replication alone").at_least(0);
  cmd.option("--dtype", &o->dtype, "type of a coordinate").one_of({"f64", "f32", "u32", "u64"});
  cmd.option("--layout", &o->layout, "row: points one after another; col: shape d,n")
      .one_of({"row", "col"});
  cmd.option("--format", &o->format, "form of the output").one_of({"npy", "raw", "csv", "jsonl"});
  cmd.option("--interval", &o->interval, "halfopen: [0,1); open: (0,1)")
      .one_of({"halfopen", "open"});
  cmd.option("--transform", &o->transform, "map the points, such as normal(0,2) or baker|normal")
      .value_name("SPEC");
  cmd.option("--emit-randomness", &o->emit,
             "also write what was drawn: safetensors, or LDData text when FILE ends in .txt")
      .value_name("FILE");
  cmd.option("--splice", &o->splice, "use memory lent to a pipe again: its reader must read it");
  cmd.option("-o,--output", &o->output, "where the points go").value_name("FILE");
  cmd.run([o](core::Io& io) { return points(*o, io); });
}

}  // namespace stateutils::tools
