#include "ckpt/bench/measure.hpp"

#include <fcntl.h>
#include <unistd.h>
#include <zstd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <numbers>
#include <thread>

#include "ckpt/engine/placed_writer.hpp"
#include "ckpt/formats/open.hpp"
#include "ckpt/ops/convert.hpp"
#include "ckpt/ops/publish.hpp"
#include "ckpt/ops/scan.hpp"
#include "ckpt/ops/select.hpp"
#include "ckpt/protect/gf256.hpp"
#include "ckpt/snapshot/engine.hpp"
#include "ckpt/snapshot/synthetic.hpp"
#include "core/error.hpp"
#include "core/hash.hpp"
#include "core/rng.hpp"
#include "core/signals.hpp"

namespace stateutils::ckpt::bench {
namespace {

namespace fs = std::filesystem;
using Work = std::function<void()>;

// A folder that goes with this object.
class ScratchFolder {
 public:
  explicit ScratchFolder(const std::string& parent)
      : path_(parent + "/.ckpt-bench." + std::to_string(::getpid())) {
    fs::create_directories(path_);
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  ~ScratchFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  [[nodiscard]] std::string file(const char* name) const { return path_ + '/' + name; }

 private:
  std::string path_;
};

double wall_seconds() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration<double>(now).count();
}
double cpu_seconds() {
  std::timespec now{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  const std::size_t half = values.size() / 2;
  return values.size() % 2 != 0 ? values[half] : (values[half - 1] + values[half]) / 2;
}

class Bench {
 public:
  Bench(const BenchOptions& options, const std::function<void(const Measured&)>& each)
      : options_(options), each_(each), scratch_(options.folder) {}

  void run() {
    make_inputs();
    conversion();
    verification();
    compression();
    parity();
    snapshots();
  }

 private:
  [[nodiscard]] PublishOptions publishing() const {
    return {.engine = {.threads = options_.threads}, .force = true, .sync = options_.sync};
  }
  void write(const std::string& format, const Target& target, const std::string& path) const {
    publish(plan_format(format, target, {}), path, publishing());
  }
  static Target target_of(const Catalogue& catalogue) {
    return make_target(catalogue, Tied::kDuplicate);
  }

  void alternate(Measured measured, double (*clock)(), const Work& ours, const Work& limit) {
    std::vector<double> ours_s, limit_s, ratios;
    for (int round = 0; round <= options_.rounds; ++round) {
      core::check_stop();
      const double start = clock();
      ours();
      const double middle = clock();
      limit();
      const double end = clock();
      if (round == 0) continue;
      ours_s.push_back(middle - start);
      limit_s.push_back(end - middle);
      const double ratio = ours_s.back() / std::max(1e-9, limit_s.back());
      ratios.push_back(measured.higher_is_better ? 1 / std::max(1e-9, ratio) : ratio);
    }
    measured.ours_s = median(ours_s);
    measured.limit_s = median(limit_s);
    measured.ratio = median(ratios);
    each_(measured);
  }

  // F32 noise, and BF16 weights of a normal distribution (Box and Muller), as files.
  void make_inputs() {
    bytes_.resize(options_.bytes);
    core::Rng rng(1, 0);
    for (std::size_t i = 0; i + 8 <= bytes_.size(); i += 8) {
      const std::uint64_t word = rng.u64();
      std::memcpy(bytes_.data() + i, &word, 8);
    }
    Target noise;
    constexpr std::uint64_t kTensors = 16;
    const std::uint64_t each = bytes_.size() / kTensors / 4 * 4;
    const ByteFilePtr all = memory_file(std::string(bytes_), "noise");
    for (std::uint64_t i = 0; i < kTensors; ++i) {
      noise.tensors.push_back({.name = "layers." + std::to_string(i) + ".weight",
                               .dtype = DType::kF32,
                               .shape = {each / 4},
                               .bytes = sub_file(all, i * each, each)});
    }
    write("pt", noise, scratch_.file("noise.pt"));
    make_weights(rng);
  }

  // Several segments of ckz where the size allows: memory that a segment touches first costs as
  // much time as coding it, and a large checkpoint pays that once. What repeats does so far past
  // the window of either side.
  void make_weights(core::Rng& rng) {
    constexpr std::uint64_t kMost = 256u << 20, kDrawn = 64u << 20;
    weights_.resize(std::min(options_.bytes, kMost) / 2 * 2);
    const std::size_t drawn = std::min<std::size_t>(weights_.size(), kDrawn);
    for (std::size_t i = 0; i < drawn; i += 2) {
      const double radius = std::sqrt(-2 * std::log(1 - rng.unit()));
      const auto x =
          static_cast<float>(0.02 * radius * std::cos(2 * std::numbers::pi * rng.unit()));
      std::uint32_t bits = 0;
      std::memcpy(&bits, &x, 4);
      const auto half = static_cast<std::uint16_t>((bits + 0x8000) >> 16);
      std::memcpy(weights_.data() + i, &half, 2);
    }
    for (std::size_t i = drawn; i < weights_.size(); ++i) weights_[i] = weights_[i - drawn];
  }

  // Blocks past the page cache where the file system takes them, then fsync: what a disk can do.
  void plain_write(const char* name, const char* data, std::uint64_t size, bool direct) const {
    const std::string path = scratch_.file(name);
    const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0) throw core::system_error(path, "create", errno);
    {
      PlacedWriter writer(fd, path, direct);
      const AlignedBuffer block = aligned_buffer(kLargestBlock);
      for (std::uint64_t at = 0; at < size; at += kLargestBlock) {
        const std::uint64_t part = std::min<std::uint64_t>(kLargestBlock, size - at);
        std::memcpy(block.get(), data + at, part);
        writer.write(at, block.get(), part);
      }
    }
    if (options_.sync && direct) ::fsync(fd);
    ::close(fd);
  }

  void conversion() {
    const std::string to = scratch_.file("noise.safetensors");
    alternate(
        {.what = ".pt to safetensors", .limit = "direct writes of the bytes", .target = 1.10},
        wall_seconds,
        [&] {
          write("safetensors", target_of(open_checkpoint(scratch_.file("noise.pt"), {})), to);
        },
        [&] { plain_write("plain", bytes_.data(), bytes_.size(), true); });
  }

  void verification() {
    const std::string path = scratch_.file("noise.safetensors");
    alternate(
        {.what = "XXH3 of every tensor", .limit = "reading and XXH3 of the file", .target = 1.15},
        cpu_seconds,
        [&] { (void)scan_tensors(open_checkpoint(path, {}), {.xxh3 = true}, 1, 64u << 20); },
        [&] {
          const ByteFilePtr file = plain_file(path);
          (void)hash_of(*file, 0, file->size());
        });
  }

  void compression() {
    Target target;
    target.tensors.push_back({.name = "w",
                              .dtype = DType::kBF16,
                              .shape = {weights_.size() / 2},
                              .bytes = memory_file(std::string(weights_), "weights")});
    const std::string path = scratch_.file("w.ckz");
    std::string packed(ZSTD_compressBound(weights_.size()), '\0'), back(weights_.size(), '\0');
    std::size_t size = 0;
    PublishOptions single = publishing();
    single.engine.threads = 1;
    single.sync = false;
    alternate(
        {.what = "ckz compress, one core",
         .limit = "zstd -3, from memory to a file",
         .target = 2.5,
         .higher_is_better = true},
        cpu_seconds, [&] { publish(plan_format("ckz", target, {}), path, single); },
        [&] {
          size = ZSTD_compress(packed.data(), packed.size(), weights_.data(), weights_.size(), 3);
          plain_write("w.zst", packed.data(), size, false);
        });
    alternate(
        {.what = "ckz decompress, one core",
         .limit = "zstd -d, from a file to memory",
         .target = 2.2,
         .higher_is_better = true},
        cpu_seconds,
        [&] {
          const Catalogue catalogue = open_checkpoint(path, {});
          (void)scan_tensors(catalogue, {.xxh3 = true}, 1, 64u << 20);
        },
        [&] {
          const std::string stored = read_text(*plain_file(scratch_.file("w.zst")), 0, size);
          (void)ZSTD_decompress(back.data(), back.size(), stored.data(), stored.size());
        });
    const double whole = static_cast<double>(weights_.size());
    const double ours = 1 - static_cast<double>(fs::file_size(path)) / whole;
    const double theirs = 1 - static_cast<double>(size) / whole;
    each_({.what = "share saved by ckz less that of zstd -3, points",
           .limit = "zstd -3",
           .ratio = 100 * (ours - theirs),
           .target = 10,
           .higher_is_better = true});
  }

  void parity() {
    constexpr std::size_t kData = 8, kParity = 2, kSize = 1u << 20;
    const std::size_t rounds = std::max<std::size_t>(1, bytes_.size() / (kData * kSize));
    const protect::Matrix rows = protect::cauchy_rows(kData, kParity);
    std::vector<std::uint8_t> room(kParity * kSize), copy(kData * kSize);
    const auto* from = reinterpret_cast<const std::uint8_t*>(bytes_.data());
    std::vector<const std::uint8_t*> sources;
    for (std::size_t i = 0; i < kData; ++i) {
      sources.push_back(from + std::min(i * kSize, bytes_.size() - kSize));
    }
    std::vector<std::uint8_t*> outputs{room.data(), room.data() + kSize};
    alternate(
        {.what = "parity 8+2, one core", .limit = "memcpy of the data", .target = 4}, cpu_seconds,
        [&] {
          for (std::size_t i = 0; i < rounds; ++i) protect::gf_apply(rows, sources, outputs, kSize);
        },
        [&] {
          for (std::size_t i = 0; i < rounds; ++i) {
            for (std::size_t k = 0; k < kData; ++k) {
              std::memcpy(copy.data() + k * kSize, sources[k], kSize);
            }
          }
        });
  }

  // How long a step waits for a snapshot of its state, beside one plain copy of it.
  void snapshots() {
    snapshot::SyntheticSource source(options_.bytes);
    snapshot::SnapshotEngine engine({.folder = scratch_.file("steps"),
                                     .pool = std::min<std::uint64_t>(1u << 30, 2 * options_.bytes),
                                     .threads = options_.threads,
                                     .sync = options_.sync});
    const double copy_s = engine.plain_copy_ms(options_.bytes) / 1000;
    std::vector<double> blocked;
    for (int step = 1; step <= options_.rounds + 1; ++step) {
      core::check_stop();
      engine.request(static_cast<std::uint64_t>(step), source.provider());
      std::this_thread::sleep_for(std::chrono::duration<double>(2 * copy_s));  // the step computes
      engine.fence();
      source.overwrite(static_cast<std::uint64_t>(step));
      engine.finish();
      for (const auto& record : engine.take_committed())
        blocked.push_back(record.blocked_ms / 1000);
    }
    if (blocked.size() > 1) blocked.erase(blocked.begin());
    const double wait = median(blocked);
    each_({.what = "snapshot: time a step waits",
           .limit = "memcpy of the state",
           .ours_s = wait,
           .limit_s = copy_s,
           .ratio = wait / std::max(1e-9, copy_s),
           .target = 1.2});
  }

  const BenchOptions& options_;
  const std::function<void(const Measured&)>& each_;
  ScratchFolder scratch_;
  std::string bytes_, weights_;
};

}  // namespace

void run_bench(const BenchOptions& options, const std::function<void(const Measured&)>& each) {
  Bench(options, each).run();
}

}  // namespace stateutils::ckpt::bench
