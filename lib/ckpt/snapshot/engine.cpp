#include "ckpt/snapshot/engine.hpp"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <deque>
#include <exception>
#include <filesystem>
#include <mutex>
#include <thread>

#include "ckpt/engine/placed_writer.hpp"
#include "ckpt/protect/parity.hpp"
#include "ckpt/snapshot/pool.hpp"
#include "core/error.hpp"
#include "core/output_file.hpp"
#include "core/signals.hpp"

namespace stateutils::ckpt::snapshot {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr std::uint64_t kHeaderAlign = 4096;  // so that direct writes of the data are aligned
constexpr std::uint64_t kMirrorData = 4, kMirrorParity = 1;
constexpr int kMaxCopiers = 4;

double ms_since(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

// One snapshot on its way to its file.
struct Job {
  Job(std::uint64_t number, ProviderPtr from, const EngineSettings& settings)
      : step(number), state(std::move(from)), size(state->size()) {
    auto entries = state->layout();
    header = core::safetensors_header_bytes(entries, {}, kHeaderAlign);
    file = std::make_unique<core::OutputFile>(settings.folder + '/' + snapshot_name(step),
                                              core::OutputFileOptions{.sync = settings.sync});
    writer = std::make_unique<PlacedWriter>(file->fd(), file->path(),
                                            wants_direct(settings.io, header.size() + size));
  }
  [[nodiscard]] std::uint64_t chunk_size(std::uint64_t offset) const {
    return std::min(kPoolChunk, size - offset);
  }

  std::uint64_t step;
  ProviderPtr state;
  std::uint64_t size;
  std::string header;
  std::unique_ptr<core::OutputFile> file;
  std::unique_ptr<PlacedWriter> writer;
  Clock::time_point start = Clock::now();
  std::uint64_t claimed = 0, copied = 0, written = 0;  // bytes
  double blocked_ms = 0;
};
using JobPtr = std::shared_ptr<Job>;

struct Filled {
  JobPtr job;
  std::uint64_t offset, size, slot;
};

void write_small_file(const std::string& path, const std::string& text, bool sync) {
  core::OutputFile file(path, {.sync = sync});
  file.write(text);
  file.commit();
}

}  // namespace

std::string snapshot_name(std::uint64_t step) {
  char text[64];
  std::snprintf(text, sizeof text, "step-%08llu.safetensors",
                static_cast<unsigned long long>(step));
  return text;
}

class SnapshotEngine::Impl {
 public:
  explicit Impl(EngineSettings settings) : settings_(std::move(settings)), pool_(settings_.pool) {
    fs::create_directories(settings_.folder);
    if (!settings_.mirror.empty()) fs::create_directories(settings_.mirror);
    if (settings_.pin) pinned_ = settings_.pin(pool_.data(0), pool_.count() * kPoolChunk);
    if (settings_.mode == Mode::kBlocking) return;
    const int copiers = std::clamp(settings_.threads, 1, kMaxCopiers);
    for (int i = 0; i < copiers; ++i) {
      threads_.emplace_back([this] { guarded([this] { copy_loop(); }); });
    }
    threads_.emplace_back([this] { guarded([this] { flush_loop(); }); });
  }
  ~Impl() {
    {
      const std::lock_guard lock(mutex_);
      stop_ = true;
    }
    changed_.notify_all();
    threads_.clear();  // joins
  }

  void request(std::uint64_t step, ProviderPtr state) {
    const auto start = Clock::now();
    state->begin();
    const auto job = std::make_shared<Job>(step, std::move(state), settings_);
    current_ = job;
    if (settings_.mode == Mode::kBlocking) {
      write_through(*job);
      job->blocked_ms += ms_since(start);
      commit(*job);
      return;
    }
    {
      std::unique_lock lock(mutex_);
      rethrow();
      ++open_jobs_;
      if (job->size > 0) {
        jobs_.push_back(job);
      } else {
        filled_.push_back({job, 0, 0, kNoSlot});
      }
      changed_.notify_all();
      if (settings_.mode == Mode::kCopy) wait_copied(lock);
    }
    add_blocked(*job, ms_since(start));
  }

  void fence() {
    const auto start = Clock::now();
    {
      std::unique_lock lock(mutex_);
      wait_copied(lock);
    }
    if (current_) add_blocked(*current_, ms_since(start));
    current_.reset();
  }

  void finish() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return failure_ || open_jobs_ == 0; });
    rethrow();
    current_.reset();
  }

  std::vector<SnapshotRecord> take_committed() {
    const std::lock_guard lock(mutex_);
    std::vector<SnapshotRecord> records;
    // The newest one may still be waited for: its time is not complete.
    while (!committed_.empty() && committed_.front().first != current_) {
      records.push_back(committed_.front().second);
      records.back().blocked_ms = committed_.front().first->blocked_ms;
      committed_.pop_front();
    }
    return records;
  }

  double plain_copy_ms(std::uint64_t bytes) {
    const auto start = Clock::now();
    const std::uint64_t half = pool_.count() / 2;
    for (std::uint64_t at = 0, i = 0; at < bytes; at += kPoolChunk, ++i) {
      std::memcpy(pool_.data(half + i % half), pool_.data(i % half),
                  std::min(kPoolChunk, bytes - at));
    }
    return ms_since(start);
  }
  double plain_copy_ms(const StateProvider& state) {
    const auto start = Clock::now();
    for (std::uint64_t at = 0, i = 0; at < state.size(); at += kPoolChunk, ++i) {
      state.read(at, pool_.data(i % pool_.count()), std::min(kPoolChunk, state.size() - at));
    }
    return ms_since(start);
  }

 private:
  static constexpr std::uint64_t kNoSlot = ~std::uint64_t{0};

  template <class Work>
  void guarded(const Work& work) {
    try {
      work();
    } catch (...) {
      const std::lock_guard lock(mutex_);
      if (!failure_) failure_ = std::current_exception();
      changed_.notify_all();
    }
  }
  void rethrow() const {
    if (failure_) std::rethrow_exception(failure_);
  }
  void wait_copied(std::unique_lock<std::mutex>& lock) {
    changed_.wait(lock, [this] { return failure_ || jobs_.empty(); });
    rethrow();
  }
  void add_blocked(Job& job, double ms) {
    const std::lock_guard lock(mutex_);
    job.blocked_ms += ms;
  }
  // Chunks are claimed in the order of versions and offsets, each with a slot of the pool.
  bool claim(Filled& out) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return stop_ || failure_ || (next_job() && pool_.has_free()); });
    if (stop_ || failure_) return false;
    out.job = next_job();
    out.offset = out.job->claimed;
    out.size = out.job->chunk_size(out.offset);
    out.slot = pool_.take();
    out.job->claimed += out.size;
    return true;
  }
  [[nodiscard]] JobPtr next_job() const {
    for (const JobPtr& job : jobs_) {
      if (job->claimed < job->size) return job;
    }
    return nullptr;
  }

  void copy_loop() {
    Filled chunk{};
    while (claim(chunk)) {
      chunk.job->state->read(chunk.offset, pool_.data(chunk.slot), chunk.size);
      const std::lock_guard lock(mutex_);
      chunk.job->copied += chunk.size;
      filled_.push_back(chunk);
      while (!jobs_.empty() && jobs_.front()->copied == jobs_.front()->size) jobs_.pop_front();
      chunk.job.reset();
      changed_.notify_all();
    }
  }

  void flush_loop() {
    while (true) {
      Filled chunk{};
      {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return stop_ || failure_ || !filled_.empty(); });
        if (stop_ || failure_) return;
        chunk = std::move(filled_.front());
        filled_.pop_front();
      }
      Job& job = *chunk.job;
      if (chunk.slot != kNoSlot) {
        job.writer->write(job.header.size() + chunk.offset, pool_.data(chunk.slot), chunk.size);
        job.written += chunk.size;
        const std::lock_guard lock(mutex_);
        pool_.give(chunk.slot);
        changed_.notify_all();
      }
      if (job.written == job.size) commit(job, chunk.job);
    }
  }

  // Straight from the program's memory where it lies aligned, else through one chunk of the pool.
  void write_through(Job& job) {
    for (std::uint64_t at = 0; at < job.size; at += kPoolChunk) {
      core::check_stop();
      const std::uint64_t part = job.chunk_size(at);
      const char* data = job.state->view(at, part);
      if (data == nullptr || reinterpret_cast<std::uintptr_t>(data) % kHeaderAlign != 0) {
        job.state->read(at, pool_.data(0), part);
        data = pool_.data(0);
      }
      job.writer->write(job.header.size() + at, data, part);
    }
  }

  // The header comes last: until then the file is no checkpoint, even under its temporary name.
  void finish_file(Job& job) {
    job.writer->buffered();
    core::pwrite_fully(job.file->fd(), job.header.data(), job.header.size(), 0, job.file->path());
    job.file->commit();
    const std::string name = snapshot_name(job.step);
    // A small snapshot may be whole before the larger one that was asked for earlier.
    const bool newest = job.step >= newest_step_;
    if (newest) {
      newest_step_ = job.step;
      write_small_file(settings_.folder + "/latest", name + '\n', settings_.sync);
    }
    if (!settings_.mirror.empty()) mirror(name, newest);
  }

  // DIR/step-N/ holds a copy with its parity; the folder appears whole.
  void mirror(const std::string& name, bool newest) {
    const std::string stem = name.substr(0, name.find('.'));
    core::OutputFolder target(settings_.mirror + '/' + stem,
                              {.sync = settings_.sync, .replace = true});
    const std::string copy = target.temporary() + '/' + name;
    const ByteFilePtr source = plain_file(settings_.folder + '/' + name);
    OutputPlan plan{.name = name};
    plan.regions.push_back({.content = source, .size = source->size()});
    core::OutputFile file(copy, {.sync = settings_.sync});
    write_plan(plan, file, {.io = settings_.io});
    file.commit();
    protect::protect_folder(target.temporary(),
                            protect::make_layout(protect::list_data_files(target.temporary()),
                                                 kMirrorData, kMirrorParity, "rs"),
                            {.threads = 1, .sync = settings_.sync});
    target.commit();
    if (!newest) return;
    write_small_file(settings_.mirror + "/latest", stem + '/' + name + '\n', settings_.sync);
  }

  void commit(Job& job) {
    const auto start = Clock::now();
    finish_file(job);
    job.blocked_ms += ms_since(start);
    record(current_);
  }
  void commit(Job& job, const JobPtr& shared) {
    finish_file(job);
    record(shared);
    const std::lock_guard lock(mutex_);
    --open_jobs_;
    changed_.notify_all();
  }
  void record(const JobPtr& job) {
    const std::lock_guard lock(mutex_);
    committed_.emplace_back(job, SnapshotRecord{.step = job->step,
                                                .bytes = job->size,
                                                .blocked_ms = 0,
                                                .end_to_end_ms = ms_since(job->start)});
    job->file.reset();
    job->state.reset();
  }

  EngineSettings settings_;
  Pool pool_;
  std::shared_ptr<void> pinned_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<JobPtr> jobs_;    // not copied whole yet, oldest first
  std::deque<Filled> filled_;  // copied, not written yet
  std::deque<std::pair<JobPtr, SnapshotRecord>> committed_;
  JobPtr current_;  // the last one asked for, until the fence after it
  std::uint64_t open_jobs_ = 0;
  std::uint64_t newest_step_ = 0;  // committed; only the thread that commits uses it
  std::exception_ptr failure_;
  bool stop_ = false;
  std::vector<std::jthread> threads_;
};

SnapshotEngine::SnapshotEngine(EngineSettings settings)
    : impl_(std::make_unique<Impl>(std::move(settings))) {}
SnapshotEngine::~SnapshotEngine() = default;
void SnapshotEngine::request(std::uint64_t step, ProviderPtr state) {
  impl_->request(step, std::move(state));
}
void SnapshotEngine::fence() {
  impl_->fence();
}
void SnapshotEngine::finish() {
  impl_->finish();
}
std::vector<SnapshotRecord> SnapshotEngine::take_committed() {
  return impl_->take_committed();
}
double SnapshotEngine::plain_copy_ms(std::uint64_t bytes) {
  return impl_->plain_copy_ms(bytes);
}
double SnapshotEngine::plain_copy_ms(const StateProvider& state) {
  return impl_->plain_copy_ms(state);
}

}  // namespace stateutils::ckpt::snapshot
