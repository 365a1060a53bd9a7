// Compression round trips, every loss pattern of a code, snapshots under mutation, and what vector
// quantization promises, on seeded random inputs.
#include <doctest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "ckpt/ckz/read.hpp"
#include "ckpt/ckz/write.hpp"
#include "ckpt/engine/execute.hpp"
#include "ckpt/formats/open.hpp"
#include "ckpt/ops/scan.hpp"
#include "ckpt/plan/tensor_file.hpp"
#include "ckpt/protect/blocks.hpp"
#include "ckpt/protect/parity.hpp"
#include "ckpt/quant/store.hpp"
#include "ckpt/snapshot/engine.hpp"
#include "ckpt/snapshot/synthetic.hpp"
#include "core/error.hpp"
#include "core/isa.hpp"
#include "core/rng.hpp"

using namespace stateutils;
using namespace stateutils::ckpt;
namespace fs = std::filesystem;

namespace {

struct Folder {
  fs::path path;
  Folder() {
    std::string name = (fs::temp_directory_path() / "stateutils-rooms.XXXXXX").string();
    path = ::mkdtemp(name.data());
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() { fs::remove_all(path); }
};

std::string read_whole(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}
void write_whole(const fs::path& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

double normal(core::Rng& rng) {
  double sum = -6;
  for (int i = 0; i < 12; ++i) sum += rng.unit();
  return sum;
}

// Bytes that look like weights, counters, repeats, noise or one value.
std::string random_bytes(core::Rng& rng, std::uint64_t size, int kind) {
  std::string out(size, '\0');
  for (std::uint64_t i = 0; i + 3 < size; i += 4) {
    const auto weight = static_cast<float>(0.02 * normal(rng));
    std::uint32_t word = std::bit_cast<std::uint32_t>(weight);
    if (kind == 1) word = static_cast<std::uint32_t>(i / 4);
    if (kind == 2) word = static_cast<std::uint32_t>(i % 64);
    if (kind == 3) word = rng.u32();
    if (kind == 4) word = 0x3f803f80;
    if (kind == 5) word = word & 0xffff0000u;
    std::memcpy(out.data() + i, &word, 4);
  }
  return out;
}

std::string compressed(const Catalogue& catalogue, const Catalogue* base, std::uint64_t chunk,
                       int threads) {
  Target target;
  for (const Tensor& tensor : catalogue.tensors) {
    target.tensors.push_back({.name = tensor.name,
                              .dtype = tensor.dtype,
                              .shape = tensor.shape,
                              .bytes = tensor_file(tensor)});
  }
  core::MemoryOutput out;
  EngineOptions options;
  options.threads = threads;
  stream_plan(plan_ckz_delta(target, {}, base, chunk), out, options);
  return out.text();
}

}  // namespace

TEST_CASE("Plane kernels agree with each other and are undone") {
#if defined(__x86_64__)
  if (core::available_isas().size() < 2) return;
  using namespace ckz;
  core::Rng rng(5, 0);
  const PlaneKernels &plain = plane_kernels_scalar(), &fast = plane_kernels_avx2();
  const auto check = [&](auto split_a, auto split_b, auto join_a, auto join_b, unsigned item,
                         unsigned planes) {
    for (const std::uint64_t n : {0u, 1u, 7u, 33u, 1000u}) {
      const std::string data = random_bytes(rng, n * item + 4, 3).substr(0, n * item);
      std::vector<std::string> a(planes, std::string(n + 1, '\0')), b = a;
      PlaneData to_a{}, to_b{};
      for (unsigned p = 0; p < planes; ++p) to_a[p] = a[p].data(), to_b[p] = b[p].data();
      split_a(data.data(), n, to_a);
      split_b(data.data(), n, to_b);
      CHECK(a == b);
      std::string back(n * item, '\0'), again = back;
      join_a(to_a, n, back.data());
      join_b(to_b, n, again.data());
      CHECK(back == data);
      CHECK(again == data);
    }
  };
  check(plain.split_exponent16, fast.split_exponent16, plain.join_exponent16, fast.join_exponent16,
        2, 2);
  check(plain.split_exponent32, fast.split_exponent32, plain.join_exponent32, fast.join_exponent32,
        4, 4);
  check(plain.split_bytes2, fast.split_bytes2, plain.join_bytes2, fast.join_bytes2, 2, 2);
  check(plain.split_bytes4, fast.split_bytes4, plain.join_bytes4, fast.join_bytes4, 4, 4);
  check(plain.split_nibbles, fast.split_nibbles, plain.join_nibbles, fast.join_nibbles, 1, 2);
#endif
}

TEST_CASE("ckz gives back every byte: all types, sizes, contents, with a base and without") {
  core::Rng rng(7, 1);
  const DType types[] = {DType::kBF16, DType::kF32, DType::kF16,  DType::kF8E4M3, DType::kI64,
                         DType::kU8,   DType::kF64, DType::kBool, DType::kI16,    DType::kC64};
  Catalogue now{.format = "x"}, before{.format = "x"};
  for (int i = 0; i < 60; ++i) {
    const DType type = types[rng.below(std::size(types))];
    const std::uint64_t n = rng.below(5) == 0 ? rng.below(4) : rng.below(30000);
    const int kind = static_cast<int>(rng.below(6));
    std::string old = random_bytes(rng, n * item_bytes(type) + 4, kind);
    old.resize(n * item_bytes(type));
    std::string fresh = old;
    const std::uint64_t changes = rng.below(3) == 0 ? fresh.size() : fresh.size() / 50;
    for (std::uint64_t c = 0; c < changes; ++c) {
      char& byte = fresh[rng.below(fresh.size())];
      byte = static_cast<char>(byte + (rng.below(2) == 0 ? 1 : -1));
    }
    const std::string name = "t" + std::to_string(i) + (i % 7 == 0 ? "#1" : "");
    now.tensors.push_back(dense_tensor(name, type, {n}, memory_file(fresh, "now"), 0));
    before.tensors.push_back(dense_tensor(name, type, {n}, memory_file(old, "before"), 0));
  }
  for (const Catalogue* base :
       {static_cast<const Catalogue*>(nullptr), static_cast<const Catalogue*>(&before)}) {
    const std::string file = compressed(now, base, 4096, 1);
    CHECK(file == compressed(now, base, 4096, 3));
    Folder folder;
    ReadOptions options;
    if (base != nullptr) {
      const std::string stored = compressed(before, nullptr, 4096, 1);
      options.base = (folder.path / "base.ckz").string();
      write_whole(options.base, stored);
    }
    const ByteFilePtr bytes = memory_file(file, "f");
    REQUIRE(is_ckz(*bytes));
    const Catalogue read = open_ckz(bytes, options);
    REQUIRE(read.tensors.size() == now.tensors.size());
    CHECK(check_sums(read.sums, 1).empty());
    for (const Tensor& tensor : now.tensors) {
      const auto found = std::ranges::find(read.tensors, tensor.name, &Tensor::name);
      REQUIRE(found != read.tensors.end());
      const ByteFilePtr a = tensor_file(tensor), b = tensor_file(*found);
      REQUIRE(read_text(*a, 0, a->size()) == read_text(*b, 0, b->size()));
      const std::uint64_t at = a->size() / 3, part = (a->size() - at) / 2;
      CHECK(read_text(*a, at, part) == read_text(*b, at, part));
    }
    if (base == nullptr) continue;
    CHECK_THROWS_AS((void)check_sums(open_ckz(bytes, {}).sums, 1), core::Error);  // no base given
    write_whole(options.base, compressed(now, nullptr, 4096, 1));                 // another base
    CHECK_THROWS_AS((void)check_sums(open_ckz(bytes, options).sums, 1), core::Error);
  }
}

TEST_CASE("A changed byte of a ckz file is found or changes nothing") {
  core::Rng rng(8, 2);
  Catalogue now{.format = "x"};
  now.tensors.push_back(
      dense_tensor("w", DType::kBF16, {20000}, memory_file(random_bytes(rng, 40000, 5), "m"), 0));
  const std::string good = compressed(now, nullptr, 8192, 1);
  for (int i = 0; i < 300; ++i) {
    std::string bad = good;
    char& byte = bad[rng.below(bad.size())];
    byte = static_cast<char>(byte ^ (1 << rng.below(8)));
    try {
      const Catalogue read = open_ckz(memory_file(bad, "f"), {});
      if (read.tensors.size() == 1 && read.tensors[0].name == "w" &&
          check_sums(read.sums, 1).empty()) {
        const ByteFilePtr bytes = tensor_file(read.tensors[0]);
        CHECK(read_text(*bytes, 0, bytes->size()) ==
              read_text(*tensor_file(now.tensors[0]), 0, 40000));
      }
    } catch (const core::Error& error) {
      CHECK(error.category() == core::Category::kInput);
    }
  }
}

TEST_CASE("Every loss pattern up to M is repaired, every larger one refused with nothing written") {
  core::Rng rng(9, 3);
  for (const auto& [data, parity] : {std::pair{4, 2}, std::pair{3, 3}, std::pair{2, 1}}) {
    Folder folder;
    std::vector<std::string> names, contents;
    for (int i = 0; i < data; ++i) {
      names.push_back("f" + std::to_string(i));
      contents.push_back(random_bytes(rng, 1000 + 700 * static_cast<unsigned>(i), 3));
      write_whole(folder.path / names.back(), contents.back());
    }
    const std::string root = folder.path.string();
    const auto m = static_cast<std::uint64_t>(parity);
    protect::protect_folder(root,
                            protect::make_layout(protect::list_data_files(root),
                                                 static_cast<std::uint64_t>(data), m, "rs"),
                            {.sync = false});
    for (int p = 0; p < parity; ++p) {
      names.push_back(".parity/p0" + std::to_string(p) + ".bin");
      contents.push_back(read_whole(folder.path / names.back()));
    }
    for (unsigned lost = 0; lost < (1u << names.size()); ++lost) {
      for (std::size_t i = 0; i < names.size(); ++i) {
        if ((lost >> i & 1) == 0) continue;
        std::string bad = contents[i];
        bad[bad.size() / 2] = static_cast<char>(bad[bad.size() / 2] ^ 1);
        i % 2 == 0 ? (void)fs::remove(folder.path / names[i])
                   : write_whole(folder.path / names[i], bad);
      }
      const protect::Damage damage = protect::repair_folder(root, {.sync = false});
      const bool solvable = std::popcount(lost) <= parity;
      // Beyond M a column may still be whole where shorter files have ended, so only the count is
      // certain: refused exactly when a column has lost more than M.
      CHECK((damage.lost_columns == 0) == solvable);
      for (std::size_t i = 0; i < names.size(); ++i) {
        if (solvable) CHECK(read_whole(folder.path / names[i]) == contents[i]);
        if (!solvable && (lost >> i & 1) != 0) {
          CHECK(read_whole(folder.path / names[i]) != contents[i]);
        }
        write_whole(folder.path / names[i], contents[i]);
      }
    }
  }
}

TEST_CASE("GF(256) kernels agree at every length") {
#if defined(__x86_64__)
  if (core::available_isas().size() < 2) return;
  core::Rng rng(10, 4);
  for (std::size_t size = 0; size < 200; size += 7) {
    for (std::size_t rows = 1; rows <= protect::kRowsAtOnce; ++rows) {
      const std::size_t sources = 1 + rng.below(9);
      std::vector<std::string> data;
      std::vector<const std::uint8_t*> from;
      std::vector<protect::NibbleTable> tables;
      for (std::size_t j = 0; j < sources; ++j) data.push_back(random_bytes(rng, size + 4, 3));
      for (const std::string& d : data)
        from.push_back(reinterpret_cast<const std::uint8_t*>(d.data()));
      for (std::size_t i = 0; i < sources * rows; ++i) {
        tables.push_back(protect::nibble_table(static_cast<std::uint8_t>(rng.u32())));
      }
      std::vector<std::vector<std::uint8_t>> a(rows, std::vector<std::uint8_t>(size)), b = a;
      std::vector<std::uint8_t*> to_a, to_b;
      for (std::size_t r = 0; r < rows; ++r)
        to_a.push_back(a[r].data()), to_b.push_back(b[r].data());
      protect::gf_kernel_scalar(tables, from, to_a, size);
      protect::gf_kernel_avx2(tables, from, to_b, size);
      CHECK(a == b);
    }
  }
#endif
}

TEST_CASE(
    "A snapshot never mixes versions, though the state is overwritten right after the fence") {
  using namespace snapshot;
  for (const Mode mode : {Mode::kBlocking, Mode::kCopy, Mode::kLazy}) {
    Folder folder;
    SyntheticSource source(20u << 20);
    {
      // A pool far smaller than one snapshot.
      SnapshotEngine engine({.folder = folder.path.string(),
                             .mode = mode,
                             .pool = 8u << 20,
                             .threads = 2,
                             .sync = false});
      for (std::uint64_t step = 1; step <= 6; ++step) {
        engine.fence();
        source.overwrite(step);
        engine.request(step, source.provider());
      }
      engine.finish();
      CHECK(engine.take_committed().size() == 6);
    }
    CHECK(read_whole(folder.path / "latest") == snapshot_name(6) + "\n");
    for (std::uint64_t step = 1; step <= 6; ++step) {
      const Catalogue read = open_checkpoint((folder.path / snapshot_name(step)).string(), {});
      CHECK(read.tensors.size() == 4);
      for (const ScanResult& scan : scan_tensors(read, {.stats = true}, 1, 256u << 20)) {
        CHECK(scan.stats->min == static_cast<double>(step));
        CHECK(scan.stats->max == static_cast<double>(step));
      }
    }
  }
}

TEST_CASE("The pool's memory is pinned as long as the engine copies into it") {
  using namespace snapshot;
  Folder folder;
  SyntheticSource source(10u << 20);
  char* memory = nullptr;
  std::uint64_t bytes = 0;
  int released = 0;
  {
    SnapshotEngine engine({.folder = folder.path.string(),
                           .pool = 8u << 20,
                           .threads = 2,
                           .sync = false,
                           .pin = [&](char* data, std::uint64_t size) -> std::shared_ptr<void> {
                             memory = data;
                             bytes = size;
                             return {data, [&released, size](void* pinned) {
                                       static_cast<char*>(pinned)[size - 1] = 1;  // still there
                                       ++released;
                                     }};
                           }});
    source.overwrite(7);
    CHECK(engine.plain_copy_ms(*source.provider()) >= 0);
    REQUIRE(bytes == 8u << 20);
    std::uint64_t first = 0, last = 0;  // 10 MiB went round a pool of 8
    std::memcpy(&first, memory, 8);
    std::memcpy(&last, memory + bytes - 8, 8);
    CHECK(first == 7);
    CHECK(last == 7);
    engine.request(1, source.provider());
    engine.finish();
    CHECK(released == 0);
  }
  CHECK(released == 1);
}

TEST_CASE("A source that fails takes the snapshot with it and leaves no file") {
  using namespace snapshot;
  Folder folder;
  SnapshotEngine engine({.folder = folder.path.string(), .pool = 8u << 20, .sync = false});
  const ByteFilePtr cut = memory_file("short", "cut");
  engine.request(1, file_provider("t", DType::kU8, {9000}, cut));
  CHECK_THROWS_AS(engine.finish(), core::Error);
  CHECK_FALSE(fs::exists(folder.path / snapshot_name(1)));
}

TEST_CASE("Vector quantization: below RTN and half of its own error without the Hessian") {
  core::Rng rng(11, 5);
  const std::size_t rows = 384, columns = 48;
  quant::Weights w{rows, columns, std::vector<double>(rows * columns)};
  for (double& x : w.cells) x = static_cast<double>(static_cast<float>(0.02 * normal(rng)));
  std::vector<double> factor(columns * 5);
  for (double& x : factor) x = normal(rng);
  quant::Square h{columns, std::vector<double>(columns * columns)};
  for (std::size_t i = 0; i < columns; ++i) {
    for (std::size_t j = 0; j < columns; ++j) {
      for (std::size_t k = 0; k < 5; ++k) {
        h.cells[i * columns + j] += 2 * factor[i * 5 + k] * factor[j * 5 + k];
      }
      if (i == j) h.cells[i * columns + j] += 0.1;
    }
  }
  quant::QuantOptions options;
  options.v = 4;
  options.k = 256;
  const auto given = [&w] { return w; };
  const auto with = quant::quantize_layer(given, h, nullptr, DType::kF16, options);
  const auto without = quant::quantize_layer(given, {}, nullptr, DType::kF16, options);
  CHECK(with.proxy_error < with.rtn_proxy_error);
  // The same run without Hessian, measured with it: restore its weights and weigh the difference.
  const auto config = quant::plan_layer("w", DType::kF32, {rows, columns}, options);
  Catalogue stored{.format = "safetensors"};
  stored.metadata = {{quant::kConfigKey, quant::config_text({config})}};
  std::vector<std::string> bytes = quant::layer_bytes(config, without);
  for (std::size_t i = 0; const auto& tensor : quant::layer_tensors(config)) {
    REQUIRE(bytes[i].size() == *tensor_bytes(tensor.dtype, tensor.shape));
    stored.tensors.push_back(dense_tensor(tensor.name, tensor.dtype, tensor.shape,
                                          memory_file(std::move(bytes[i++]), "layer"), 0));
  }
  const Target restored = quant::dequantized_target(stored);
  Tensor layer = dense_tensor("w", DType::kF32, {rows, columns}, restored.tensors[0].bytes, 0);
  const quant::Weights back = quant::load_weights(layer);
  std::vector<double> difference(w.cells.size());
  for (std::size_t i = 0; i < difference.size(); ++i) difference[i] = w.cells[i] - back.cells[i];
  const double plain =
      quant::weighted_square(h, difference, rows, 1) / quant::weighted_square(h, w.cells, rows, 1);
  CHECK(with.proxy_error < plain / 2);
  const quant::Square identity{columns, {}};
  CHECK(quant::weighted_square(identity, difference, rows, 1) /
            quant::weighted_square(identity, w.cells, rows, 1) ==
        doctest::Approx(without.proxy_error).epsilon(1e-6));
  options.residual_k = 16;
  const auto finer = quant::quantize_layer(given, h, nullptr, DType::kF16, options);
  CHECK(finer.proxy_error < with.proxy_error / 2);
  options.threads = 3;
  CHECK(quant::quantize_layer(given, h, nullptr, DType::kF16, options).groups[0].indices ==
        finer.groups[0].indices);
}
