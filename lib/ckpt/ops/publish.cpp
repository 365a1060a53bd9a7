#include "ckpt/ops/publish.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "ckpt/plan/tensor_file.hpp"
#include "core/error.hpp"
#include "core/hash.hpp"
#include "core/input.hpp"
#include "core/json.hpp"
#include "core/json_writer.hpp"

namespace stateutils::ckpt {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr const char* kRecord = ".ckpt-convert.json";

std::string trimmed(std::string path) {
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  return path;
}

constexpr std::size_t kMaxName = 255;

// Beside a file `.NAME.ckpt-convert.json`, inside a folder `.ckpt-convert.json`. A NAME so long
// that its record could not be named lends the record its first bytes.
std::string record_path(const std::string& dst, bool folder) {
  const std::string path = trimmed(dst);
  if (folder) return path + '/' + kRecord;
  const auto slash = path.rfind('/');
  std::string name = slash == std::string::npos ? path : path.substr(slash + 1);
  name.resize(std::min(name.size(), kMaxName - 1 - std::string_view(kRecord).size()));
  return (slash == std::string::npos ? "" : path.substr(0, slash + 1)) + '.' + name + kRecord;
}

json input_records(const std::vector<std::string>& inputs) {
  json list = json::array();
  for (const std::string& path : inputs) {
    struct stat found {};
    if (::stat(path.c_str(), &found) != 0) return json();  // stdin has no identity
    const auto mtime =
        static_cast<std::int64_t>(found.st_mtim.tv_sec) * 1'000'000'000 + found.st_mtim.tv_nsec;
    list.push_back({{"name", path},
                    {"size", static_cast<std::uint64_t>(found.st_size)},
                    {"mtime_ns", std::to_string(mtime)}});
  }
  return list;
}

struct Written {
  std::string name;
  FileSum sum;
};

std::string record_text(const PublishOptions& options, const std::vector<Written>& outputs) {
  json record{{"format", "stateutils.record"},
              {"version", 1},
              {"options_sha256", core::sha256_hex(options.options_text)},
              {"inputs", input_records(options.inputs)}};
  json list = json::array();
  for (const Written& output : outputs) {
    list.push_back(
        {{"name", output.name}, {"size", output.sum.size}, {"xxh3", output.sum.hash.hex()}});
  }
  record["outputs"] = list;
  return core::canonical_json(record) + '\n';
}

json load_record(const std::string& path) {
  std::error_code failed;
  if (!fs::is_regular_file(path, failed)) return {};
  try {
    return core::parse_json(core::read_file(path, 64u << 20), path);
  } catch (const core::Error&) {
    return {};  // a damaged record proves nothing
  }
}

bool outputs_match(const json& record, const std::string& dst, bool folder,
                   const EngineOptions& engine) {
  for (const json& output : record.at("outputs")) {
    const std::string path =
        folder ? trimmed(dst) + '/' + output.at("name").get<std::string>() : dst;
    std::error_code failed;
    if (!fs::is_regular_file(path, failed) || fs::file_size(path, failed) != output.at("size"))
      return false;
    if (sum_file(path, engine).hash.hex() != output.at("xxh3")) return false;
  }
  return true;
}

}  // namespace

bool is_already_there(const std::string& dst, const PublishOptions& options) {
  std::error_code failed;
  const bool folder = fs::is_directory(trimmed(dst), failed);
  if (!folder && !fs::is_regular_file(dst, failed)) return false;
  const json record = load_record(record_path(dst, folder));
  const json inputs = input_records(options.inputs);
  try {
    return record.is_object() && !inputs.is_null() && record.at("inputs") == inputs &&
           record.at("options_sha256") == core::sha256_hex(options.options_text) &&
           outputs_match(record, dst, folder, options.engine);
  } catch (const json::exception&) {
    return false;
  }
}

void require_free(const std::string& dst, const PublishOptions& options) {
  const std::string path = trimmed(dst);
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
  const core::OutputFileOptions file_options{.sync = options.sync, .replace = true};
  Published done;
  std::vector<Written> written;
  const auto write_one = [&](const OutputPlan& plan, const std::string& path) {
    auto file = std::make_unique<core::OutputFile>(path, file_options);
    written.push_back({plan.name, write_plan(plan, *file, options.engine)});
    ++done.files;
    done.bytes += written.back().sum.size;
    return file;
  };
  if (!folder) {
    std::error_code failed;
    const bool special = fs::exists(dst, failed) && !fs::is_regular_file(dst, failed);
    auto file = write_one(plans.front(), dst);
    file->commit();
    if (!special) {
      core::OutputFile record(record_path(dst, false), file_options);
      record.write(record_text(options, written));
      record.commit();
    }
    return done;
  }
  core::OutputFolder target(trimmed(dst), {.sync = options.sync, .replace = options.force});
  for (const OutputPlan& plan : plans) {
    const fs::path path = fs::path(target.temporary()) / plan.name;
    fs::create_directories(path.parent_path());
    write_one(plan, path.string())->commit();
  }
  core::OutputFile record(target.temporary() + '/' + kRecord, file_options);
  record.write(record_text(options, written));
  record.commit();
  target.commit();
  return done;
}

void describe_plans(const std::vector<OutputPlan>& plans, const std::string& dst, bool folder,
                    const std::function<void(const std::string&)>& line) {
  for (const OutputPlan& plan : plans) {
    const std::string path = folder || plans.size() > 1 ? trimmed(dst) + '/' + plan.name : dst;
    std::uint64_t at = 0;
    for (const Region& region : plan.regions) {
      describe_runs(*region.content, region.offset, region.size, [&](const PlannedRun& run) {
        std::string text;
        core::JsonWriter(text)
            .begin_object()
            .field("dst", path)
            .field("dst_offset", at + run.target)
            .field("src", run.source)
            .field("src_offset", run.source_offset)
            .field("length", run.length)
            .field("op", run.operation)
            .end_object();
        line(text);
      });
      at += region.size;
    }
  }
}

}  // namespace stateutils::ckpt
