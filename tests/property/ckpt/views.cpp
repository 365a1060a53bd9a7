// Strided views, cut anywhere, against an element-by-element copy.
#include <doctest.h>

#include <algorithm>
#include <cstring>
#include <numeric>
#include <random>

#include "ckpt/engine/execute.hpp"
#include "ckpt/plan/tensor_file.hpp"
#include "core/output.hpp"

using namespace stateutils;
using namespace stateutils::ckpt;

namespace {

// A random tensor of `shape` stored in a random dimension order with gaps.
struct Stored {
  Tensor tensor;
  std::string logical;  // its C-order bytes
};

Stored make_stored(std::mt19937& random, std::uint64_t item) {
  const auto pick = [&](std::uint64_t low, std::uint64_t high) {
    return std::uniform_int_distribution<std::uint64_t>(low, high)(random);
  };
  const DType dtype = item == 1   ? DType::kU8
                      : item == 2 ? DType::kF16
                      : item == 4 ? DType::kF32
                                  : DType::kF64;
  const std::size_t rank = pick(0, 4);
  Shape shape(rank);
  for (auto& size : shape) size = pick(0, 12) == 0 ? 0 : pick(1, 9);
  // Split along one dimension into pieces, each with its own dimension order.
  const std::size_t axis = rank == 0 ? 0 : pick(0, rank - 1);
  std::string bytes;
  Stored made{.tensor = {.name = "t", .dtype = dtype, .shape = shape}, .logical = {}};
  const std::uint64_t elements = *element_count(shape);
  for (std::uint64_t i = 0; i < elements * item; ++i) made.logical += static_cast<char>(random());
  const auto logical_strides = dense_strides(shape, item);
  std::vector<Piece> pieces;
  std::uint64_t first = 0;
  const std::uint64_t extent = rank == 0 ? 1 : shape[axis];
  do {
    const std::uint64_t width = rank == 0 ? 1 : std::min(extent - first, pick(1, 5));
    Piece piece{.offset = Shape(rank, 0), .size = shape};
    if (rank > 0) {
      piece.offset[axis] = first;
      piece.size[axis] = width;
    }
    std::vector<std::size_t> order(rank);
    std::iota(order.begin(), order.end(), 0u);
    std::ranges::shuffle(order, random);
    piece.strides.assign(rank, 0);
    std::uint64_t step = item * pick(1, 3);
    for (const std::size_t d : order) {
      piece.strides[d] = step;
      step *= std::max<std::uint64_t>(1, piece.size[d]);
      step += item * pick(0, 2);
    }
    bytes.append(pick(0, 5), '#');
    piece.at = bytes.size();
    std::string block(step + item, '#');
    const std::uint64_t count = *element_count(piece.size);
    for (std::uint64_t e = 0; e < count; ++e) {
      std::uint64_t rest = e, from = 0, to = 0;
      for (std::size_t d = rank; d-- > 0;) {
        const std::uint64_t i = rest % piece.size[d];
        rest /= piece.size[d];
        from += (piece.offset[d] + i) * logical_strides[d];
        to += i * piece.strides[d];
      }
      std::memcpy(block.data() + to, made.logical.data() + from, item);
    }
    bytes += block;
    pieces.push_back(piece);
    first += width;
  } while (rank > 0 && first < extent);
  const auto file = memory_file(bytes, "bytes");
  for (Piece& piece : pieces) piece.file = file;
  made.tensor.pieces = std::move(pieces);
  return made;
}

}  // namespace

TEST_CASE("a view of strided pieces is the logical tensor, however it is cut") {
  std::mt19937 random(20240501);
  for (int round = 0; round < 1500; ++round) {
    CAPTURE(round);
    const std::uint64_t item = std::uint64_t{1} << (random() % 4);
    const Stored stored = make_stored(random, item);
    check_cover(stored.tensor);
    const ByteFilePtr view = tensor_file(stored.tensor);
    REQUIRE(view->size() == stored.logical.size());
    CHECK(read_text(*view, 0, view->size()) == stored.logical);
    for (int cut = 0; cut < 4 && view->size() > 0; ++cut) {
      const std::uint64_t first = random() % view->size();
      const std::uint64_t size = random() % (view->size() - first + 1);
      CHECK(read_text(*view, first, size) == stored.logical.substr(first, size));
    }
    std::string planned(stored.logical.size(), '?');
    describe_runs(*view, 0, view->size(), [&](const PlannedRun& run) {
      const std::string all =
          read_text(*stored.tensor.pieces[0].file, run.source_offset, run.length);
      planned.replace(run.target, run.length, all);
    });
    CHECK(planned == stored.logical);
  }
}

TEST_CASE("plans give the same bytes and sum at any thread count and memory limit") {
  std::mt19937 random(7);
  std::string big(5'000'000, '\0');
  for (char& c : big) c = static_cast<char>(random());
  OutputPlan plan{.name = ""};
  plan.literal("header");
  plan.regions.push_back(
      {.content = memory_file(big, "big"), .offset = 3, .size = big.size() - 10});
  plan.literal("tail");
  const std::string expected = "header" + big.substr(3, big.size() - 10) + "tail";
  core::Hash128 hash{};
  for (const int threads : {1, 2, 7}) {
    for (const std::uint64_t memory : {1u << 20, 8u << 20, 256u << 20}) {
      core::MemoryOutput out;
      const FileSum sum = stream_plan(plan, out, {.threads = threads, .max_memory = memory});
      CHECK(out.text() == expected);
      if (hash == core::Hash128{}) hash = sum.hash;
      CHECK(sum.hash == hash);
    }
  }
}
