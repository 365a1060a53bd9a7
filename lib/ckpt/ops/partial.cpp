#include "ckpt/ops/partial.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "ckpt/engine/placed_writer.hpp"
#include "ckpt/engine/retry.hpp"
#include "ckpt/ops/record.hpp"
#include "core/error.hpp"
#include "core/json.hpp"
#include "core/lock.hpp"
#include "core/signals.hpp"

namespace stateutils::ckpt {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr const char* kBooks = "/.job";  // what the runs tell each other, inside DST.partial

std::string partial_path(const std::string& dst) {
  return without_slash(dst) + ".partial";
}

std::string mtime_text(const struct stat& found) {
  return std::to_string(static_cast<std::int64_t>(found.st_mtim.tv_sec) * 1'000'000'000 +
                        found.st_mtim.tv_nsec);
}

// A file being written under its own name: unfinished ones are known by the books.
class OpenFile {
 public:
  OpenFile(const std::string& path, bool keep)
      : path_(path), fd_(retry_interrupted([&path] {
          return ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
        })) {
    if (fd_ < 0) throw core::system_error(path, "create", errno);
    if (!keep) cut(0);
  }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  ~OpenFile() { ::close(fd_); }

  [[nodiscard]] int fd() const { return fd_; }
  void finish(std::uint64_t size, bool sync) {
    cut(size);
    if (sync && retry_interrupted([this] { return ::fdatasync(fd_); }) != 0) fail("sync");
  }

 private:
  void cut(std::uint64_t size) {
    const auto bytes = static_cast<off_t>(size);
    if (retry_interrupted([&] { return ::ftruncate(fd_, bytes); }) != 0) fail("cut");
  }
  [[noreturn]] void fail(const char* action) const {
    const int code = errno;
    throw core::system_error(path_, action, code);
  }
  const std::string& path_;
  int fd_;
};

class Job {
 public:
  Job(const std::vector<OutputPlan>& plans, const std::string& dst, const PublishOptions& options)
      : plans_(plans),
        dst_(dst),
        options_(options),
        folder_(partial_path(dst)),
        owners_(slice_owners(plans, options.slice.count)),
        as_folder_(options.folder || plans.size() > 1) {
    if (!options.slice.whole() && !as_folder_) {
      throw core::usage_error("--slice needs a folder of several files as destination");
    }
    identity_ = {{"format", "stateutils.partial"},
                 {"version", 1},
                 {"options_sha256", options_hash(options)},
                 {"inputs", input_records(options.inputs)},
                 {"slices", options.slice.count}};
    if (identity_["inputs"].is_null()) {
      throw core::usage_error("--deadline and --slice need inputs that are files");
    }
  }

  Published run() {
    claim();
    read_books();
    for (std::size_t i = 0; i < plans_.size(); ++i) {
      if (owners_[i] == options_.slice.index && !plans_[i].closing) write(i);
    }
    complete_ = true;
    write_books();
    done_.published = publish_when_complete();
    return done_;
  }

 private:
  [[nodiscard]] std::string name_of(std::size_t i) const {
    return plans_[i].name.empty() ? "data" : plans_[i].name;
  }
  [[nodiscard]] std::string books(std::uint64_t slice) const {
    return folder_ + kBooks + "/slice-" + std::to_string(slice) + ".json";
  }
  void save(const std::string& path, const nlohmann::json& content) const {
    core::OutputFile file(path, {.sync = options_.sync, .replace = true});
    file.write(core::canonical_json(content) + '\n');
    file.commit();
  }

  // Makes DST.partial, or finds it to be of this very job. The identity appears whole through
  // link(2), so that of two processes that begin at once one makes it and the other compares.
  void claim() {
    std::error_code failed;
    fs::create_directories(folder_ + kBooks, failed);
    if (failed) throw core::system_error(folder_, "create", failed.value());
    const std::string path = folder_ + kBooks + "/job.json";
    const std::string own = path + '.' + std::to_string(::getpid());
    save(own, identity_);
    const bool fresh = ::link(own.c_str(), path.c_str()) == 0;
    const int code = errno;
    ::unlink(own.c_str());
    if (fresh || load_record(path) == identity_) return;
    if (code != EEXIST) throw core::system_error(path, "create", code);
    if (!options_.force || !options_.slice.whole()) {
      throw core::environment_error(folder_ + ": begun with other inputs or options (remove it" +
                                    (options_.slice.whole() ? ", or --force begins anew)" : ")"));
    }
    fs::remove_all(folder_, failed);
    fs::create_directories(folder_ + kBooks, failed);
    save(path, identity_);
  }

  struct Known {
    std::uint64_t size = 0;
    std::string hash, mtime;
  };
  void read_books() {
    try {
      const nlohmann::json mine = load_record(books(options_.slice.index));
      if (!mine.is_object()) return;
      for (const nlohmann::json& output : mine.at("outputs")) {
        known_[output.at("name").get<std::string>()] = {output.at("size").get<std::uint64_t>(),
                                                        output.at("xxh3").get<std::string>(),
                                                        output.at("mtime_ns").get<std::string>()};
      }
      if (mine.contains("writing")) {
        begun_ = mine.at("writing").at("name").get<std::string>();
        begun_bytes_ = mine.at("writing").at("bytes").get<std::uint64_t>();
      }
    } catch (const nlohmann::json::exception&) {
      known_.clear();  // damaged books: begin again
    }
  }
  void write_books() const {
    nlohmann::json outputs = nlohmann::json::array();
    for (const auto& [name, known] : known_) {
      outputs.push_back(
          {{"name", name}, {"size", known.size}, {"xxh3", known.hash}, {"mtime_ns", known.mtime}});
    }
    nlohmann::json mine{{"outputs", outputs}, {"complete", complete_}};
    if (!begun_.empty()) mine["writing"] = {{"name", begun_}, {"bytes", begun_bytes_}};
    save(books(options_.slice.index), mine);
  }

  [[nodiscard]] bool is_finished(const std::string& name, const Known& known) const {
    struct stat found {};
    return ::stat((folder_ + '/' + name).c_str(), &found) == 0 &&
           static_cast<std::uint64_t>(found.st_size) == known.size &&
           mtime_text(found) == known.mtime;
  }

  void write(std::size_t i) {
    const std::string name = name_of(i), path = folder_ + '/' + name;
    const auto known = known_.find(name);
    if (known != known_.end() && is_finished(name, known->second)) {
      done_.bytes += known->second.size;
      return;
    }
    if (fresh_ && options_.engine.deadline && Clock::now() >= *options_.engine.deadline) stop();
    fs::create_directories(fs::path(path).parent_path());
    const bool go_on = begun_ == name;
    OpenFile file(path, go_on);
    EngineOptions engine = options_.engine;
    engine.blocks = blocks_;
    if (engine.progress) {
      engine.progress = [this](std::uint64_t bytes) {
        options_.engine.progress(done_.bytes + bytes);
      };
    }
    const Placed placed = place_plan(plans_[i], file.fd(), path, go_on ? begun_bytes_ : 0, engine);
    file.finish(placed.bytes, options_.sync);
    done_.bytes += placed.bytes;
    if (!placed.complete) {
      begun_ = name;
      begun_bytes_ = placed.bytes;
      stop();
    }
    begun_.clear();
    remember(name, path, placed.sum);
    ++done_.files;
    fresh_ = true;
    write_books();
  }
  void remember(const std::string& name, const std::string& path, const FileSum& sum) {
    struct stat found {};
    if (::stat(path.c_str(), &found) != 0) throw core::system_error(path, "stat", errno);
    known_[name] = {sum.size, sum.hash.hex(), mtime_text(found)};
  }
  [[noreturn]] void stop() const {
    write_books();
    throw core::environment_error(folder_ + ": the deadline has passed; " +
                                  std::to_string(done_.bytes) +
                                  " bytes are there, the same command goes on");
  }

  // All slices' outputs by name; nothing while one of them is not complete.
  [[nodiscard]] std::optional<std::map<std::string, Written>> collect() const {
    std::map<std::string, Written> outputs;
    for (std::uint64_t slice = 0; slice < options_.slice.count; ++slice) {
      const nlohmann::json part = load_record(books(slice));
      try {
        if (!part.is_object() || !part.at("complete").get<bool>()) return std::nullopt;
        for (const nlohmann::json& output : part.at("outputs")) {
          const auto name = output.at("name").get<std::string>();
          outputs[name] = {name, output.at("size").get<std::uint64_t>(),
                           output.at("xxh3").get<std::string>()};
        }
      } catch (const nlohmann::json::exception&) {
        return std::nullopt;
      }
    }
    return outputs;
  }

  // False when other slices are missing, or one of them is at it already.
  bool publish_when_complete() {
    if (!collect()) return false;
    std::unique_ptr<core::FileLock> lock;
    try {
      lock = std::make_unique<core::FileLock>(folder_ + kBooks + "/finish");
    } catch (const core::Error&) {
      if (options_.slice.whole()) throw;
      return false;
    }
    auto outputs = collect();
    if (!outputs) return false;  // published and gone in the meantime
    std::vector<Written> written;
    for (std::size_t i = 0; i < plans_.size(); ++i) {
      if (plans_[i].closing) (*outputs)[name_of(i)] = close(i);
      written.push_back(outputs->at(name_of(i)));
      written.back().name = plans_[i].name;
    }
    core::check_stop();
    if (options_.before_commit) options_.before_commit();
    as_folder_ ? rename_folder(written) : rename_file(written);
    return true;
  }
  Written close(std::size_t i) {
    core::OutputFile file(folder_ + '/' + plans_[i].name, {.sync = options_.sync, .replace = true});
    const FileSum sum = write_plan(plans_[i], file, options_.engine);
    file.commit();
    ++done_.files;
    done_.bytes += sum.size;
    return {plans_[i].name, sum.size, sum.hash.hex()};
  }
  void rename_folder(const std::vector<Written>& written) const {
    write_record(record_path(folder_, true), options_, written);
    core::OutputFolder target(without_slash(dst_),
                              {.sync = options_.sync, .replace = options_.force});
    if (std::rename(folder_.c_str(), target.temporary().c_str()) != 0)
      throw core::system_error(folder_, "rename", errno);
    std::error_code failed;
    fs::remove_all(target.temporary() + kBooks, failed);
    target.commit();
  }
  void rename_file(const std::vector<Written>& written) const {
    if (std::rename((folder_ + "/data").c_str(), dst_.c_str()) != 0)
      throw core::system_error(dst_, "rename", errno);
    write_record(record_path(dst_, false), options_, written);
    std::error_code failed;
    fs::remove_all(folder_, failed);
  }

  const std::vector<OutputPlan>& plans_;
  const std::string& dst_;
  const PublishOptions& options_;
  std::string folder_;
  std::vector<std::uint64_t> owners_;
  bool as_folder_;
  nlohmann::json identity_;
  std::shared_ptr<BlockPool> blocks_ = std::make_shared<BlockPool>();
  std::map<std::string, Known> known_;  // finished files of this slice
  std::string begun_;                   // the file that a deadline cut, and its bytes
  std::uint64_t begun_bytes_ = 0;
  bool complete_ = false, fresh_ = false;  // fresh: this run has finished a file
  Published done_;
};

}  // namespace

bool has_partial(const std::string& dst) {
  std::error_code failed;
  return fs::is_directory(partial_path(dst) + kBooks, failed);
}

std::vector<std::uint64_t> slice_owners(const std::vector<OutputPlan>& plans,
                                        std::uint64_t slices) {
  std::uint64_t total = 0;
  for (const OutputPlan& plan : plans) total += plan.closing ? 0 : plan.size();
  std::vector<std::uint64_t> owners;
  // The slice in whose share of all bytes, laid end to end, the middle of the file falls.
  std::uint64_t at = 0, owner = 0;
  for (const OutputPlan& plan : plans) {
    const std::uint64_t size = plan.closing ? 0 : plan.size();
    while (owner + 1 < slices && core::Slice{owner, slices}.range(total).second <= at + size / 2)
      ++owner;
    owners.push_back(owner);
    at += size;
  }
  return owners;
}

Published publish_partial(const std::vector<OutputPlan>& plans, const std::string& dst,
                          const PublishOptions& options) {
  return Job(plans, dst, options).run();
}

}  // namespace stateutils::ckpt
