#include "bench_rows.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <limits>
#include <memory>
#include <thread>

#include "core/error.hpp"
#include "core/output.hpp"
#include "core/signals.hpp"
#include "core/threads.hpp"
#include "point_output.hpp"
#include "qmc/kernels.hpp"
#include "qmc/normal.hpp"
#include "qmc/point_set.hpp"

namespace stateutils::tools {
namespace {

constexpr std::size_t kMemoryBytes = 256u << 20;  // far beyond every cache
constexpr std::size_t kPipeBytes = 512u << 20;

double seconds_of(clockid_t clock) {
  timespec time{};
  ::clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

qmc::AlignedWords touched(std::size_t bytes) {
  qmc::AlignedWords words(bytes / 8);
  std::memset(words.data(), 1, bytes);
  return words;
}

// One allocation for all rows to memory, touched beforehand.
double* memory_area() {
  static qmc::AlignedWords area = touched(kMemoryBytes);
  return reinterpret_cast<double*>(area.data());
}

// Reads and drops everything, as `wc -c` would. A thread and no child: after a fork every page of
// the measured memory would fault once more.
class PipeReader {
 public:
  PipeReader() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) throw core::system_error("pipe", "open", errno);
    fd_ = ends[1];
    thread_ = std::thread([from = ends[0]] {
      const auto sink = std::make_unique<char[]>(core::kBlockBytes);
      while (::read(from, sink.get(), core::kBlockBytes) > 0) {
      }
      ::close(from);
    });
  }
  PipeReader(const PipeReader&) = delete;
  PipeReader& operator=(const PipeReader&) = delete;
  ~PipeReader() {
    ::close(fd_);
    thread_.join();
  }
  [[nodiscard]] int fd() const { return fd_; }

 private:
  int fd_ = -1;
  std::thread thread_;
};

void write_blocks(core::Output& out, std::size_t bytes) {
  static qmc::AlignedWords block = touched(core::kBlockBytes);
  for (std::size_t done = 0; done < bytes; done += core::kBlockBytes) {
    out.write(block.data(), core::kBlockBytes);
  }
}

qmc::PointSpec spec_of(const std::string& sequence, const char* randomize, unsigned d) {
  qmc::PointSpec spec;
  spec.sequence = sequence;
  spec.d = d;
  spec.randomize = qmc::parse_randomize(randomize);
  spec.seed = 7;
  return spec;
}

std::shared_ptr<const qmc::Points> make(const std::string& sequence, const char* randomize,
                                        unsigned d) {
  return qmc::PointSet(spec_of(sequence, randomize, d)).replication(0);
}

BenchRow memory_row(const std::string& sequence, const char* randomize, unsigned d, int threads,
                    std::size_t bytes) {
  const auto points = make(sequence, randomize, d);
  const std::uint64_t block = points->block_rows();
  // Whole blocks, so that every part starts at a cache line.
  const std::uint64_t part = std::max<std::uint64_t>(1, (1u << 20) / (8 * d * block)) * block;
  const std::uint64_t n = std::min<std::uint64_t>(bytes / (8 * d), 1u << 20 << 2) / part * part;
  BenchRow row{sequence, randomize, d, n, Dest::kMemory, threads, n * d * 8, n * d, {}, 0};
  row.run = [points, n, part, d, threads] {
    double* out = memory_area();
    core::parallel_for(n / part, threads, [&](std::uint64_t p) {
      points->fill_streaming(p * part, part, out + p * part * d);
    });
  };
  return row;
}

BenchRow buffer_row(const std::string& sequence, const char* randomize, unsigned d,
                    std::size_t bytes) {
  const auto points = make(sequence, randomize, d);
  const std::uint64_t block = points->block_rows();
  const std::uint64_t part =
      std::max<std::uint64_t>(1, core::kBlockBytes / (8 * d * block)) * block;
  const std::uint64_t limit = sequence == "lattice" ? qmc::kLatticePoints : 1ull << 32;
  const std::uint64_t n =
      std::max(part, std::min<std::uint64_t>(bytes / (8 * d), limit) / part * part);
  auto buffer = std::make_shared<qmc::AlignedWords>(touched(part * d * 8 + 64));
  BenchRow row{sequence, randomize, d, n, Dest::kBuffer, 1, n * d * 8, n * d, {}, 0};
  row.run = [points, n, part, buffer] {
    for (std::uint64_t i = 0; i < n; i += part) {
      points->fill(i, part, qmc::Format::kF64, buffer->data());
    }
  };
  return row;
}

BenchRow pipe_row(const std::string& sequence, const char* randomize, unsigned d) {
  const auto points = make(sequence, randomize, d);
  const std::uint64_t n = kPipeBytes / (8 * d);
  BenchRow row{sequence, randomize, d, n, Dest::kPipe, 1, n * d * 8, n * d, {}, 0};
  row.run = [points, n] {
    const PipeReader reader;
    core::FdOutput out(reader.fd(), "pipe");
    RowStream stream;
    stream.columns = points->dims();
    stream.block_rows = points->block_rows();
    stream.fill = [&](std::uint64_t first, std::uint64_t rows, void* data) {
      points->fill(first, rows, qmc::Format::kF64, data);
    };
    const auto pages = fresh_pages(reader.fd(), "pipe");
    write_rows(out, stream, 0, n, TextFormat::kNone, 1, pages.get());
  };
  return row;
}

// The inverse normal over values that stay in the cache, the copy of them included.
BenchRow normal_row(std::size_t count) {
  constexpr std::size_t kPart = 1u << 14;
  const auto uniform = std::make_shared<std::vector<double>>(kPart);
  make("iid", "none", 1)->fill(0, kPart, qmc::Format::kF64Open, uniform->data());
  const auto out = std::make_shared<std::vector<double>>(kPart);
  const std::size_t n = count / kPart * kPart;
  BenchRow row{"normal", "none", 1, n, Dest::kBuffer, 1, 0, n, {}, 0};
  row.run = [=] {
    for (std::size_t done = 0; done < n; done += kPart) {
      *out = *uniform;
      qmc::normal_quantiles(out->data(), kPart);
    }
  };
  return row;
}

std::vector<double> wave(std::size_t n) {
  std::vector<double> y(n);
  for (std::size_t i = 0; i < n; ++i) y[i] = static_cast<double>(i * 2654435761u % 4096) * 0x1p-12;
  return y;
}

// Transforms and one kernel system, in memory that fits the caches; nothing is set against a limit.
void add_kernel_rows(std::vector<BenchRow>& rows) {
  constexpr std::size_t kLarge = 1u << 20, kSystem = 1u << 12;
  auto y = std::make_shared<std::vector<double>>(wave(kLarge));
  BenchRow fwht_row{"fwht", "none", 1, kLarge, Dest::kBuffer, 1, 0, kLarge, {}, 0};
  fwht_row.run = [y] { qmc::fwht(*y); };
  rows.push_back(fwht_row);

  auto fft = std::make_shared<qmc::FftBr>(kLarge);
  auto re = std::make_shared<std::vector<double>>(kLarge / 2 + 1);
  auto im = std::make_shared<std::vector<double>>(kLarge / 2 + 1);
  BenchRow fft_row{"fftbr", "none", 1, kLarge, Dest::kBuffer, 1, 0, kLarge, {}, 0};
  fft_row.run = [y, fft, re, im] { fft->forward(*y, *re, *im); };
  rows.push_back(fft_row);

  qmc::KernelSpec kernel;
  kernel.alpha.assign(4, 2);
  kernel.gamma.assign(4, 1);
  const auto values = std::make_shared<std::vector<double>>(wave(kSystem));
  const auto points = make("sobol", "none", 4);
  BenchRow solve_row{"solve", "none", 4, kSystem, Dest::kBuffer, 1, 0, kSystem, {}, 0};
  solve_row.run = [kernel, values, points] {
    const auto column = qmc::first_column(kernel, *points, kSystem);
    (void)qmc::Gram(kernel.type, column, 0).solve(*values);
  };
  rows.push_back(solve_row);
}

enum class Clock { kThread, kWall };

// One-thread rows by the processor time of the thread: other programs do not matter then. Through
// a pipe the clock on the wall counts, as its reader is served while the writer computes.
Clock clock_of(const BenchRow& row) {
  return row.threads > 1 || row.dest == Dest::kPipe ? Clock::kWall : Clock::kThread;
}

double time_of(Clock clock, const std::function<void()>& run) {
  const bool wall = clock == Clock::kWall;
  const double start = wall ? wall_seconds() : thread_seconds();
  run();
  return (wall ? wall_seconds() : thread_seconds()) - start;
}

void keep_best(double& best, std::size_t bytes, double seconds) {
  best = std::max(best, 1e-9 * static_cast<double>(bytes) / seconds);
}

void measure_limits(BenchLimits& limits, int threads) {
  double* area = memory_area();
  const std::size_t count = kMemoryBytes / 8;
  const auto& kernels = qmc::block_kernels();
  keep_best(limits.store_gbs, kMemoryBytes,
            time_of(Clock::kThread, [&] { kernels.store_stream(0.5, count, area); }));
  const std::size_t part = count / 256;
  keep_best(limits.store_all_gbs, kMemoryBytes, time_of(Clock::kWall, [&] {
              core::parallel_for(256, threads, [&](std::uint64_t p) {
                kernels.store_stream(0.5, part, area + p * part);
              });
            }));
  keep_best(limits.copy_gbs, kMemoryBytes / 2, time_of(Clock::kThread, [&] {
              std::memcpy(area, area + count / 2, kMemoryBytes / 2);
            }));
  keep_best(limits.pipe_gbs, kPipeBytes, time_of(Clock::kWall, [&] {
              const PipeReader reader;
              core::FdOutput out(reader.fd(), "pipe");
              write_blocks(out, kPipeBytes);
            }));
}

}  // namespace

double thread_seconds() {
  return seconds_of(CLOCK_THREAD_CPUTIME_ID);
}
double wall_seconds() {
  return seconds_of(CLOCK_MONOTONIC);
}

std::vector<BenchRow> point_rows(int threads, bool quick) {
  std::vector<BenchRow> rows;
  const std::size_t bytes = quick ? kMemoryBytes / 2 : kMemoryBytes;
  for (const unsigned d : {2u, 16u, 256u, 3u, 7u, 100u}) {
    rows.push_back(memory_row("sobol", "lms+ds", d, 1, bytes));
    rows.push_back(buffer_row("sobol", "lms+ds", d, bytes));
    rows.push_back(memory_row("lattice", "shift", d, 1, bytes));
    rows.push_back(buffer_row("lattice", "shift", d, bytes));
  }
  rows.push_back(memory_row("sobol", "lms+ds", 16, threads, bytes));
  rows.push_back(memory_row("lattice", "shift", 16, threads, bytes));
  rows.push_back(buffer_row("sobol", "nus", 16, bytes / 8));
  rows.back().what = "nus";
  for (const unsigned d : {2u, 16u}) {
    rows.push_back(buffer_row("halton", "none", d, bytes / 8));
    rows.push_back(buffer_row("halton", "perm", d, bytes / 8));
  }
  rows.push_back(normal_row(bytes / 64));
  rows.push_back(pipe_row("sobol", "lms+ds", 16));
  rows.push_back(pipe_row("lattice", "shift", 16));
  add_kernel_rows(rows);
  return rows;
}

void measure(std::vector<BenchRow>& rows, BenchLimits& limits, int threads, bool quick) {
  for (BenchRow& row : rows) row.seconds = std::numeric_limits<double>::infinity();
  const int rounds = quick ? 12 : 60;
  for (int round = 0; round < rounds; ++round) {
    measure_limits(limits, threads);
    for (BenchRow& row : rows) {
      core::check_stop();
      row.seconds = std::min(row.seconds, time_of(clock_of(row), row.run));
    }
  }
}

}  // namespace stateutils::tools
