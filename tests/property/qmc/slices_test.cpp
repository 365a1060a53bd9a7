// Any rows of a point set are the same bytes, however they are asked for.
#include <doctest.h>

#include <cstring>

#include "core/rng.hpp"
#include "qmc/point_set.hpp"

namespace stateutils::qmc {
namespace {

struct Choice {
  const char* sequence;
  std::vector<const char*> randomize;
};

const std::vector<Choice>& choices() {
  static const std::vector<Choice> all = {
      {"sobol", {"none", "ds", "lms", "lms+ds", "nus", "owen-hash"}},
      {"lattice", {"none", "shift"}},
      {"kronecker", {"none", "shift"}},
      {"halton", {"none", "ds", "perm", "lms", "lms+perm", "nus"}},
      {"faure", {"none", "ds", "lms+ds", "lms+perm", "nus"}},
      {"iid", {"none"}},
  };
  return all;
}

PointSpec random_spec(core::Rng& rng, std::uint32_t d) {
  // Wide points of linear sequences only: the others would take the time of all tests.
  const Choice& choice = choices()[rng.below(d > 40 ? 3 : choices().size())];
  PointSpec spec;
  spec.sequence = choice.sequence;
  spec.d = d;
  spec.randomize = parse_randomize(choice.randomize[rng.below(choice.randomize.size())]);
  spec.seed = rng.u64();
  const bool net = spec.sequence == "sobol";
  if (net || spec.sequence == "lattice") {
    spec.order = rng.chance(0.5) ? Order::kGray : Order::kNatural;
  }
  if (net && rng.chance(0.3)) spec.alpha = 1 + static_cast<unsigned>(rng.below(4));
  if (net && rng.chance(0.5)) spec.bits = 1 + static_cast<unsigned>(rng.below(64));
  if (spec.sequence == "lattice" && rng.chance(0.3)) {
    spec.order = Order::kLinear;
    spec.total = 1 + rng.below(100000) + 5000;
  }
  return spec;
}

std::vector<char> bytes_of(const Points& points, std::uint64_t first, std::uint64_t rows,
                           Format format) {
  std::vector<char> out(rows * points.dims() * format_bytes(format));
  points.fill(first, rows, format, out.data());
  return out;
}

}  // namespace

TEST_CASE("slices equal the same rows of the whole") {
  core::Rng rng(11, 1);
  for (int trial = 0; trial < 300; ++trial) {
    const auto d =
        static_cast<std::uint32_t>(1 + (rng.chance(0.1) ? rng.below(1500) : rng.below(40)));
    const PointSet set(random_spec(rng, d));
    const auto format = static_cast<Format>(rng.below(kFormats));
    // Digits in other bases are slow where every point is scrambled on its own.
    const bool slow = set.sequence() == Sequence::kHalton || set.sequence() == Sequence::kFaure;
    const std::uint64_t start = rng.below(1500);
    const std::uint64_t rows = 1 + rng.below(slow ? 40 : d > 100 ? 200 : 2500);
    const auto points = set.replication(static_cast<std::uint32_t>(rng.below(1000)));
    const auto whole = bytes_of(*points, start, rows, format);
    for (int k = 0; k < 3; ++k) {
      const std::uint64_t from = rng.below(rows), count = 1 + rng.below(rows - from);
      const auto part = bytes_of(*points, start + from, count, format);
      const std::size_t row = d * format_bytes(format);
      CAPTURE(set.spec().sequence);
      CHECK(std::memcmp(part.data(), whole.data() + from * row, part.size()) == 0);
    }
  }
}

TEST_CASE("slices of radical inverses across blocks") {
  core::Rng rng(14, 1);
  for (const char* randomize : {"none", "perm", "ds"}) {
    PointSpec spec;
    spec.sequence = "halton";
    spec.d = 7;
    spec.randomize = parse_randomize(randomize);
    const PointSet set(spec);
    const auto points = set.replication(0);
    const auto whole = bytes_of(*points, 999, 5000, Format::kF64);
    for (int k = 0; k < 20; ++k) {
      const std::uint64_t from = rng.below(5000), count = 1 + rng.below(5000 - from);
      const auto part = bytes_of(*points, 999 + from, count, Format::kF64);
      CHECK(std::memcmp(part.data(), whole.data() + from * 56, part.size()) == 0);
    }
  }
}

TEST_CASE("dimensions 1..d of more dimensions are the d-dimensional points; columns agree") {
  core::Rng rng(12, 1);
  for (int trial = 0; trial < 100; ++trial) {
    PointSpec spec = random_spec(rng, 12);
    if (spec.sequence == "kronecker" || spec.sequence == "faure") continue;  // depend on d
    const PointSet large(spec);
    spec.d = 5;
    const PointSet small(spec);
    const auto a = bytes_of(*large.replication(0), 100, 77, Format::kU64);
    const auto b = bytes_of(*small.replication(0), 100, 77, Format::kU64);
    for (std::size_t i = 0; i < 77; ++i) {
      CHECK(std::memcmp(a.data() + i * 12 * 8, b.data() + i * 5 * 8, 5 * 8) == 0);
    }
    for (const std::size_t j : {std::size_t{0}, std::size_t{4}}) {
      const auto column = bytes_of(*small.column(0, j), 100, 77, Format::kU64);
      for (std::size_t i = 0; i < 77; ++i) {
        CHECK(std::memcmp(column.data() + i * 8, b.data() + (i * 5 + j) * 8, 8) == 0);
      }
    }
  }
}

TEST_CASE("instruction sets agree") {
  core::Rng rng(13, 1);
  for (int trial = 0; trial < 60; ++trial) {
    const std::size_t period = 1 + rng.below(5), groups = period * (1 + rng.below(9));
    AlignedWords table(groups * 8), pattern(period * 8);
    for (std::size_t i = 0; i < table.size(); ++i) table[i] = rng.u64();
    for (std::size_t i = 0; i < pattern.size(); ++i) pattern[i] = rng.u64();
    for (const std::size_t i : {0, 1, 2}) table[i] = pattern[i];  // the word 0
    for (const std::size_t i : {3, 4, 5}) table[i] = ~pattern[i];
    AlignedWords folded(groups * 8), marked(period * 8);
    for (std::size_t i = 0; i < table.size(); ++i) folded[i] = fold_word(table[i]);
    for (int f = 0; f < kFormats; ++f) {
      const auto run = [&](core::Isa isa, int kind) {
        AlignedWords out(groups * 8);
        std::memset(out.data(), 0, groups * 64);
        const BlockKernels& kernels = block_kernels(isa);
        if (kind == 0)
          kernels.exclusive_or[f](table.data(), pattern.data(), groups, period, out.data());
        if (kind == 1) kernels.add[f](table.data(), pattern.data(), groups, period, out.data());
        if (kind == 2) kernels.convert[f](table.data() + 1, groups * 8 - 1, out.data());
        if (kind == 3) kernels.add_stream(table.data(), pattern.data(), groups, period, out.data());
        kernels.fold_pattern(pattern.data(), pattern.size(), marked.data());
        if (kind == 4)
          kernels.exclusive_or_folded(folded.data(), marked.data(), groups, period, out.data());
        if (kind == 5) {
          kernels.exclusive_or_folded_stream(folded.data(), marked.data(), groups, period,
                                             out.data());
        }
        return std::vector<std::uint64_t>(out.data(), out.data() + groups * 8);
      };
      for (int kind = 0; kind < (f == 0 ? 6 : 3); ++kind) {
        // Folded words make what plain ones make.
        const auto expected = run(core::Isa::kScalar, kind >= 4 ? 0 : kind);
        for (const core::Isa isa : core::available_isas()) CHECK(run(isa, kind) == expected);
      }
    }
  }
}

}  // namespace stateutils::qmc
