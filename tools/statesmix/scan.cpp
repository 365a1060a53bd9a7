// The selective scan on .npy arrays, in every form of lib/statesmix/scan.
#include "statesmix/scan/scan.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <thread>

#include "commands.hpp"
#include "core/checked.hpp"
#include "core/error.hpp"
#include "core/npy.hpp"
#include "core/signals.hpp"
#include "core/slice.hpp"
#include "core/units.hpp"
#include "statesmix/codec/codec.hpp"

namespace stateutils::statesmix {
namespace {

struct ScanOptions {
  std::string a, b, c, x, output, h0, h_out, order, prefix_b, prefix_x, gather;
  std::string mode = "recurrent";
  std::int64_t chunk = 64, ranks = 1;
  std::optional<std::string> slice;
  core::Duration deadline{600'000'000'000};
};

constexpr std::size_t kStreamRows = 4096;

void write_values(core::Output& out, std::span<const double> values) {
  out.write(values.data(), values.size_bytes());
}
void write_values(core::Output& out, std::span<const float> values) {
  out.write(values.data(), values.size_bytes());
}

template <class Real>
constexpr core::NpyType npy_type() {
  return sizeof(Real) == 4 ? core::NpyType::kF4 : core::NpyType::kF8;
}

// An .npy of the given rank whose item type is `Real`, read row by row.
template <class Real>
class Rows {
 public:
  Rows(const std::string& path, std::size_t rank)
      : source_(core::open_input(path)), reader_(*source_) {
    const core::NpyHeader& h = reader_.header();
    if (h.type != npy_type<Real>()) fail("the arrays must be all float64 or all float32");
    if (h.shape.size() != rank)
      fail("has " + std::to_string(h.shape.size()) + " dimensions, not " + std::to_string(rank));
    rows = h.shape[0];
    columns = rank == 1 ? 1 : static_cast<std::size_t>(h.shape[1]);
  }
  // Appends up to `count` rows.
  std::vector<Real> take(std::uint64_t count) {
    std::vector<Real> values;
    const std::uint64_t want = count * columns;
    while (values.size() < want) {
      const std::size_t had = values.size();
      values.resize(had + static_cast<std::size_t>(std::min<std::uint64_t>(want - had, 1 << 16)));
      const std::size_t got = reader_.template read<Real>(std::span(values).subspan(had));
      values.resize(had + got);
      if (got == 0) fail("ends before its shape says");
    }
    return values;
  }
  [[noreturn]] void fail(const std::string& what) const {
    throw core::input_error({.file = source_->name()}, what);
  }

  std::uint64_t rows = 0;
  std::size_t columns = 0;

 private:
  std::unique_ptr<core::ByteSource> source_;
  core::NpyReader reader_;
};

template <class Real>
class Scan {
 public:
  Scan(const ScanOptions& o, core::Io& io)
      : o_(o), io_(io), a_(o.a, 1), b_(o.b, 2), c_(o.c, 2), x_(o.x, 2) {
    if (b_.rows != a_.rows) b_.fail("has other rows than --a");
    if (c_.rows != a_.rows) c_.fail("has other rows than --a");
    if (x_.rows != a_.rows) x_.fail("has other rows than --a");
    if (c_.columns != b_.columns) c_.fail("has other columns than --b");
    h_.assign(state_size(), 0);
    if (!o.h0.empty()) {
      Rows<Real> h0(o.h0, 2);
      if (h0.rows != x_.columns || h0.columns != b_.columns) h0.fail("is not (P, N)");
      h_ = h0.take(h0.rows);
    }
  }

  int run() {
    if (o_.mode == "prefix") add_prefix_pairs();
    if (o_.slice) return sliced();
    const auto out = open(a_.rows);
    if ((o_.mode == "recurrent" || o_.mode == "prefix") && o_.order.empty()) {
      stream(*out);
    } else {
      whole(*out);
    }
    out->commit();
    write_state();
    return 0;
  }

 private:
  // P x N values: a few kilobytes of input can ask for any amount.
  [[nodiscard]] std::size_t state_size() const {
    const auto values = core::checked_mul(b_.columns, x_.columns);
    const std::uint64_t limit = default_memory_limit();
    if (!values || *values > limit / sizeof(Real)) {
      throw core::environment_error("a state of " + std::to_string(x_.columns) + " x " +
                                    std::to_string(b_.columns) + " values needs more than " +
                                    core::format_size(limit) + " of memory");
    }
    return static_cast<std::size_t>(*values);
  }
  std::unique_ptr<core::Output> open(std::uint64_t rows) {
    auto out = io_.open_output(o_.output.empty() ? "-" : o_.output);
    const std::uint64_t shape[2] = {rows, x_.columns};
    core::write_npy_header(*out, npy_type<Real>(), shape);
    return out;
  }
  struct Owned {
    std::vector<Real> a, b, c, x;
    ScanRows<Real> view;
  };
  Owned load(std::uint64_t count) {
    Owned o{a_.take(count), b_.take(count), c_.take(count), x_.take(count), {}};
    o.view = {static_cast<std::size_t>(count),
              b_.columns,
              x_.columns,
              o.a.data(),
              o.b.data(),
              o.c.data(),
              o.x.data()};
    return o;
  }
  void add_prefix_pairs() {
    if (o_.prefix_b.empty() || o_.prefix_x.empty())
      throw core::usage_error("--mode prefix needs --prefix-b and --prefix-x");
    Rows<Real> pb(o_.prefix_b, 2), px(o_.prefix_x, 2);
    if (pb.columns != b_.columns) pb.fail("has other columns than --b");
    if (px.columns != x_.columns) px.fail("has other columns than --x");
    if (pb.rows != px.rows) px.fail("has other rows than --prefix-b");
    const std::vector<Real> b = pb.take(pb.rows), x = px.take(px.rows);
    add_prefix(static_cast<std::size_t>(pb.rows), b_.columns, x_.columns, b.data(), x.data(),
               h_.data());
  }
  // Memory does not grow with the sequence.
  void stream(core::Output& out) {
    std::vector<Real> y;
    for (std::uint64_t at = 0; at < a_.rows; at += kStreamRows) {
      core::check_stop();
      const Owned rows = load(std::min<std::uint64_t>(kStreamRows, a_.rows - at));
      y.assign(rows.view.rows * x_.columns, 0);
      scan_recurrent(rows.view, h_.data(), y.data());
      write_values(out, y);
    }
  }
  void whole(core::Output& out) {
    Owned rows = load(a_.rows);
    const std::vector<std::size_t> order = sorted();
    if (!order.empty()) reorder(rows, order);
    std::vector<Real> y(rows.view.rows * x_.columns);
    if (o_.mode == "chunked") {
      scan_chunked(rows.view, static_cast<std::size_t>(o_.chunk), h_.data(), y.data());
    } else if (o_.mode == "split") {
      scan_split(rows.view, static_cast<std::size_t>(o_.ranks), h_.data(), y.data());
    } else if (o_.mode == "bidirectional") {
      scan_bidirectional(rows.view, h_.data(), y.data());
    } else {
      scan_recurrent(rows.view, h_.data(), y.data());
    }
    if (!order.empty()) {  // back in the input's order
      std::vector<Real> sorted_y = y;
      for (std::size_t i = 0; i < order.size(); ++i) {
        std::copy_n(sorted_y.begin() + static_cast<std::ptrdiff_t>(i * x_.columns), x_.columns,
                    y.begin() + static_cast<std::ptrdiff_t>(order[i] * x_.columns));
      }
    }
    write_values(out, y);
  }
  std::vector<std::size_t> sorted() {
    if (o_.order.empty()) return {};
    const auto source = core::open_input(o_.order);
    const core::NpyArray key = core::read_npy(*source);
    if (key.header.shape.size() != 1 || key.values.size() != a_.rows) {
      throw core::input_error({.file = o_.order}, "--order needs one number per row");
    }
    if (std::ranges::any_of(key.values, [](double v) { return std::isnan(v); })) {
      throw core::input_error({.file = o_.order}, "--order holds a number that is none (NaN)");
    }
    return ascending_order(key.values);
  }
  static void permute(std::vector<Real>& values, std::size_t columns,
                      const std::vector<std::size_t>& order) {
    const std::vector<Real> from = values;
    for (std::size_t i = 0; i < order.size(); ++i) {
      std::copy_n(from.begin() + static_cast<std::ptrdiff_t>(order[i] * columns), columns,
                  values.begin() + static_cast<std::ptrdiff_t>(i * columns));
    }
  }
  void reorder(Owned& rows, const std::vector<std::size_t>& order) {
    permute(rows.a, 1, order);
    permute(rows.b, b_.columns, order);
    permute(rows.c, b_.columns, order);
    permute(rows.x, x_.columns, order);
  }

  // LASP-2 across processes: one file per rank in a shared folder is the all-gather.
  int sliced() {
    std::string choice;
    const core::Slice slice = core::parse_slice(*o_.slice, &choice);
    if (!choice.empty()) io_.log.info(choice);
    const auto [first, last] = slice.range(a_.rows);
    pass_over(first);
    const Owned mine = load(last - first);
    const ScanSummary<Real> own = summarise(mine.view);
    std::filesystem::create_directories(o_.gather);
    publish(slice.index, own);
    const auto give_up =
        std::chrono::steady_clock::now() + std::chrono::nanoseconds(o_.deadline.ns);
    std::vector<Real> h = h_;
    for (std::uint64_t r = 0; r < slice.count; ++r) {
      const ScanSummary<Real> s = await(r, give_up);
      if (r < slice.index) fold(s, h.data());
      fold(s, h_.data());
    }
    std::vector<Real> y(mine.view.rows * x_.columns);
    scan_recurrent(mine.view, h.data(), y.data());
    const auto out = open(mine.view.rows);
    write_values(*out, y);
    out->commit();
    if (slice.index + 1 == slice.count) write_state();
    return 0;
  }
  void pass_over(std::uint64_t rows) {
    for (std::uint64_t at = 0; at < rows; at += kStreamRows) {
      core::check_stop();
      static_cast<void>(load(std::min<std::uint64_t>(kStreamRows, rows - at)));
    }
  }
  [[nodiscard]] std::string rank_file(std::uint64_t rank) const {
    return o_.gather + "/" + std::to_string(rank) + ".npy";
  }
  void publish(std::uint64_t rank, const ScanSummary<Real>& s) {
    std::vector<Real> values{s.decay};
    values.insert(values.end(), s.state.begin(), s.state.end());
    const auto out = io_.open_output(rank_file(rank), false);
    const std::uint64_t shape[1] = {values.size()};
    core::write_npy_header(*out, npy_type<Real>(), shape);
    write_values(*out, values);
    out->commit();
  }
  ScanSummary<Real> await(std::uint64_t rank, std::chrono::steady_clock::time_point give_up) {
    const std::string path = rank_file(rank);
    struct stat s {};
    while (stat(path.c_str(), &s) != 0) {
      core::check_stop();
      if (std::chrono::steady_clock::now() > give_up) {
        throw core::environment_error(path + ": did not appear before the deadline");
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    Rows<Real> rows(path, 1);
    if (rows.rows != 1 + h_.size()) rows.fail("has another size than this scan's summaries");
    const std::vector<Real> values = rows.take(rows.rows);
    return {values[0], {values.begin() + 1, values.end()}};
  }
  void write_state() {
    if (o_.h_out.empty()) return;
    const auto out = io_.open_output(o_.h_out);
    const std::uint64_t shape[2] = {x_.columns, b_.columns};
    core::write_npy_header(*out, npy_type<Real>(), shape);
    write_values(*out, h_);
    out->commit();
  }

  const ScanOptions& o_;
  core::Io& io_;
  Rows<Real> a_, b_, c_, x_;
  std::vector<Real> h_;
};

core::NpyType type_of(const std::string& path) {
  const auto source = core::open_input(path);
  return core::read_npy_header(*source).type;
}

int scan(const ScanOptions& o, core::Io& io) {
  if (o.slice && o.gather.empty()) throw core::usage_error("--slice needs --gather");
  if (!o.slice && !o.gather.empty()) throw core::usage_error("--gather needs --slice");
  if (o.slice && (o.mode != "split" && o.mode != "recurrent" && o.mode != "prefix"))
    throw core::usage_error("--slice works with --mode split, recurrent or prefix");
  if (o.slice && !o.order.empty())
    throw core::usage_error("--slice and --order exclude each other");
  if (o.mode != "prefix" && !(o.prefix_b.empty() && o.prefix_x.empty())) {
    throw core::usage_error("--prefix-b and --prefix-x need --mode prefix");
  }
  for (const std::string* path : {&o.a, &o.b, &o.c, &o.x}) {
    if (*path == "-") throw core::usage_error("scan reads files, not stdin");
  }
  if (type_of(o.a) == core::NpyType::kF4) return Scan<float>(o, io).run();
  return Scan<double>(o, io).run();
}

}  // namespace

void register_scan(core::Tool& tool) {
  auto o = std::make_shared<ScanOptions>();
  auto cmd = tool.subcommand("scan",
                             "selective state-space scan of .npy arrays: h = a h + x B^T, y = h C");
  const auto file = [&](const std::string& name, std::string* target, const std::string& help) {
    return cmd.option(name, target, help).value_name("FILE").default_text("");
  };
  file("--a", &o->a, "decays (T)").required();
  file("--b", &o->b, "B (T, N)").required();
  file("--c", &o->c, "C (T, N)").required();
  file("--x", &o->x, "inputs (T, P)").required();
  file("-o,--output", &o->output, "y (T, P); stdout without it");
  file("--h0", &o->h0, "state before the first row (P, N)");
  file("--h-out", &o->h_out, "write the state after the last row");
  file("--order", &o->order,
       "sort rows by these numbers (T) before; y comes back in the input's order");
  cmd.option("--mode", &o->mode, "form of the computation")
      .one_of({"recurrent", "chunked", "split", "prefix", "bidirectional"});
  cmd.option("--chunk", &o->chunk, "rows per chunk of the dual form").range(1, 1e9).value_name("Q");
  cmd.option("--ranks", &o->ranks, "parts of the split form").range(1, 1e9).value_name("R");
  file("--prefix-b", &o->prefix_b, "B of the prefix pairs (M, N)");
  file("--prefix-x", &o->prefix_x, "x of the prefix pairs (M, P)");
  cmd.option("--slice", &o->slice, "compute rank I of N; auto asks the launcher").value_name("I/N");
  cmd.option("--gather", &o->gather, "fresh folder shared by all ranks")
      .value_name("DIR")
      .default_text("");
  cmd.option("--deadline", &o->deadline, "longest wait for the other ranks")
      .value_name("TIME")
      .default_text("10m");
  cmd.run([o](core::Io& io) { return scan(*o, io); });
}

}  // namespace stateutils::statesmix
