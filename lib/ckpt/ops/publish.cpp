#include "ckpt/ops/publish.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "ckpt/engine/placed_writer.hpp"
#include "ckpt/engine/retry.hpp"
#include "ckpt/ops/partial.hpp"
#include "ckpt/ops/record.hpp"
#include "ckpt/ops/scan.hpp"
#include "ckpt/plan/tensor_file.hpp"
#include "core/error.hpp"
#include "core/json_writer.hpp"
#include "core/signals.hpp"
#include "core/threads.hpp"

namespace stateutils::ckpt {
namespace {

namespace fs = std::filesystem;

bool outputs_match(const nlohmann::json& record, const std::string& dst, bool folder,
                   const EngineOptions& engine) {
  for (const nlohmann::json& output : record.at("outputs")) {
    const std::string path =
        folder ? without_slash(dst) + '/' + output.at("name").get<std::string>() : dst;
    std::error_code failed;
    if (!fs::is_regular_file(path, failed) || fs::file_size(path, failed) != output.at("size"))
      return false;
    if (sum_file(path, engine).hash.hex() != output.at("xxh3")) return false;
  }
  return true;
}

void sync_path(const std::string& path, int flags) {
  const int fd =
      retry_interrupted([&] { return ::open(path.c_str(), flags | O_RDONLY | O_CLOEXEC); });
  if (fd < 0) throw core::system_error(path, "open", errno);
  const int result =
      retry_interrupted([&] { return (flags & O_DIRECTORY) != 0 ? ::fsync(fd) : ::fdatasync(fd); });
  const int code = errno;
  ::close(fd);
  if (result != 0) throw core::system_error(path, "sync", code);
}

// All files of a folder at once: thousands of small ones then share the commits of the journal,
// where one sync after each file would wait for thousands.
void sync_tree(const std::string& folder, const std::vector<Written>& files, int threads) {
  std::set<std::string> folders;
  for (const Written& file : files) {
    for (fs::path at = fs::path(file.name).parent_path(); !at.empty(); at = at.parent_path())
      folders.insert(at.string());
  }
  core::parallel_for(files.size(), threads, [&](std::uint64_t i) {
    core::check_stop();
    sync_path(folder + '/' + files[i].name, 0);
  });
  for (const std::string& inner : folders) sync_path(folder + '/' + inner, O_DIRECTORY);
}

// Asks for the write-back to begin, so that the sync at the end finds little to do.
void begin_write_back(int fd) {
#ifdef SYNC_FILE_RANGE_WRITE
  (void)::sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE);
#else
  (void)fd;
#endif
}

}  // namespace

bool is_already_there(const std::string& dst, const PublishOptions& options) {
  std::error_code failed;
  const bool folder = fs::is_directory(without_slash(dst), failed);
  if (!folder && !fs::is_regular_file(dst, failed)) return false;
  const nlohmann::json record = load_record(record_path(dst, folder));
  const nlohmann::json inputs = input_records(options.inputs);
  try {
    return record.is_object() && !inputs.is_null() && record.at("inputs") == inputs &&
           record.at("options_sha256") == options_hash(options) &&
           outputs_match(record, dst, folder, options.engine);
  } catch (const nlohmann::json::exception&) {
    return false;
  }
}

void require_free(const std::string& dst, const PublishOptions& options) {
  const std::string path = without_slash(dst);
  std::error_code failed;
  const auto status = fs::status(path, failed);
  if (!fs::exists(status) || options.force) return;
  if (fs::is_directory(status) && fs::is_empty(path, failed)) return;
  if (!fs::is_directory(status) && !fs::is_regular_file(status)) return;  // pipes and devices
  throw core::environment_error(path + ": already exists (--force replaces it)");
}

Published publish(const std::vector<OutputPlan>& plans, const std::string& dst,
                  const PublishOptions& options) {
  const bool folder = options.folder || plans.size() > 1;
  std::error_code failed;
  const bool special = !folder && fs::exists(dst, failed) && !fs::is_regular_file(dst, failed);
  const bool in_parts = options.engine.deadline || !options.slice.whole() || has_partial(dst);
  if (in_parts && !special) return publish_partial(plans, dst, options);
  // Files of a folder that is not there yet are synced together.
  const core::OutputFileOptions file_options{.sync = options.sync && !folder, .replace = true};
  Published done;
  std::vector<Written> written;
  EngineOptions engine = options.engine;
  engine.blocks = std::make_shared<BlockPool>();
  if (options.engine.progress) {
    engine.progress = [&](std::uint64_t bytes) { options.engine.progress(done.bytes + bytes); };
  }
  const auto write_one = [&](const OutputPlan& plan, const std::string& path) {
    auto file = std::make_unique<core::OutputFile>(path, file_options);
    const FileSum sum = write_plan(plan, *file, engine);
    written.push_back({plan.name, sum.size, sum.hash.hex()});
    ++done.files;
    done.bytes += sum.size;
    return file;
  };
  if (!folder) {
    const auto file = write_one(plans.front(), dst);
    if (options.before_commit) options.before_commit();
    file->commit();
    if (!special) write_record(record_path(dst, false), options, written);
    return done;
  }
  core::OutputFolder target(without_slash(dst), {.sync = options.sync, .replace = options.force});
  for (const OutputPlan& plan : plans) {
    const fs::path path = fs::path(target.temporary()) / plan.name;
    fs::create_directories(path.parent_path());
    const auto file = write_one(plan, path.string());
    if (options.sync) begin_write_back(file->fd());
    file->commit();
  }
  if (options.sync) sync_tree(target.temporary(), written, options.engine.threads);
  if (options.before_commit) options.before_commit();
  write_record(record_path(target.temporary(), true), options, written);
  target.commit();
  return done;
}

void describe_plans(const std::vector<OutputPlan>& plans, const std::string& dst, bool folder,
                    const std::function<void(const std::string&)>& line) {
  for (const OutputPlan& plan : plans) {
    const std::string path =
        folder || plans.size() > 1 ? without_slash(dst) + '/' + plan.name : dst;
    const auto describe = [&](const PlannedRun& run, std::optional<std::uint64_t> at,
                              const char* operation) {
      std::string text;
      core::JsonWriter json(text);
      json.begin_object().field("dst", path).key("dst_offset");
      at ? json.value(*at) : json.null();
      json.field("src", run.source)
          .field("src_offset", run.source_offset)
          .field("length", run.length)
          .field("op", operation)
          .end_object();
      line(text);
    };
    std::uint64_t at = 0;
    for (const Region& region : plan.regions) {
      describe_runs(*region.content, region.offset, region.size,
                    [&](const PlannedRun& run) { describe(run, at + run.target, run.operation); });
      at += region.size;
    }
    for (const ByteFilePtr& source : plan.tail_sources) {
      describe_runs(*source, 0, source->size(),
                    [&](const PlannedRun& run) { describe(run, std::nullopt, "compress"); });
    }
  }
}

}  // namespace stateutils::ckpt
