#include "ckpt/ops/publish.hpp"

#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "ckpt/ops/partial.hpp"
#include "ckpt/ops/record.hpp"
#include "ckpt/ops/scan.hpp"
#include "ckpt/plan/tensor_file.hpp"
#include "core/error.hpp"
#include "core/json_writer.hpp"

namespace stateutils::ckpt {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

bool outputs_match(const json& record, const std::string& dst, bool folder,
                   const EngineOptions& engine) {
  for (const json& output : record.at("outputs")) {
    const std::string path =
        folder ? without_slash(dst) + '/' + output.at("name").get<std::string>() : dst;
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
  const bool folder = fs::is_directory(without_slash(dst), failed);
  if (!folder && !fs::is_regular_file(dst, failed)) return false;
  const json record = load_record(record_path(dst, folder));
  const json inputs = input_records(options.inputs);
  try {
    return record.is_object() && !inputs.is_null() && record.at("inputs") == inputs &&
           record.at("options_sha256") == options_hash(options) &&
           outputs_match(record, dst, folder, options.engine);
  } catch (const json::exception&) {
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
  const core::OutputFileOptions file_options{.sync = options.sync, .replace = true};
  Published done;
  std::vector<Written> written;
  EngineOptions engine = options.engine;
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
    write_one(plans.front(), dst)->commit();
    if (!special) write_record(record_path(dst, false), options, written);
    return done;
  }
  core::OutputFolder target(without_slash(dst), {.sync = options.sync, .replace = options.force});
  for (const OutputPlan& plan : plans) {
    const fs::path path = fs::path(target.temporary()) / plan.name;
    fs::create_directories(path.parent_path());
    write_one(plan, path.string())->commit();
  }
  write_record(record_path(target.temporary(), true), options, written);
  target.commit();
  return done;
}

void check_stored_sums(const Catalogue& catalogue, std::vector<OutputPlan>& plans, int threads) {
  std::vector<StoredSum> rest;
  std::map<std::pair<const ByteFile*, std::uint64_t>, Region*> regions;
  for (OutputPlan& plan : plans) {
    for (Region& region : plan.regions) {
      std::uint64_t base = region.offset;
      const ByteFile* file = underlying(*region.content, base);
      regions.emplace(std::pair{file, base}, &region);
    }
  }
  // A tensor's own hash matters only where that tensor is used.
  std::set<const ByteFile*> used;
  for (const Tensor& tensor : catalogue.tensors) {
    for (const Piece& piece : tensor.pieces) used.insert(piece.file.get());
  }
  for (const StoredSum& sum : catalogue.sums) {
    if (sum.hash && !used.contains(sum.file.get())) continue;
    const auto found = regions.find({sum.file.get(), sum.offset});
    if (found == regions.end() || found->second->size != sum.size) {
      rest.push_back(sum);
      continue;
    }
    if (sum.hash) {
      found->second->expected_hash = sum.hash;
    } else {
      found->second->expected_crc = sum.crc;
    }
    found->second->what = sum_subject(sum);
  }
  for (const Finding& finding : check_sums(rest, threads)) {
    throw core::input_error({catalogue.source}, finding.detail);
  }
}

void describe_plans(const std::vector<OutputPlan>& plans, const std::string& dst, bool folder,
                    const std::function<void(const std::string&)>& line) {
  for (const OutputPlan& plan : plans) {
    const std::string path =
        folder || plans.size() > 1 ? without_slash(dst) + '/' + plan.name : dst;
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
