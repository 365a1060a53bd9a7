#include "core/io.hpp"

#include <chrono>
#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "core/gpu.hpp"
#include "core/isa.hpp"
#include "core/json_writer.hpp"
#include "core/usage.hpp"

namespace stateutils::core {
namespace {

// A second sink over the process's stdout; blocks pass through without another copy.
class StdoutOutput : public Output {
 public:
  explicit StdoutOutput(Output& out) : out_(out) {}
  void commit() override {
    flush();
    out_.flush();
  }

 protected:
  void deliver(const char* data, std::size_t size) override { out_.write(data, size); }

 private:
  Output& out_;
};

void append(JsonWriter& json, const nlohmann::ordered_json& value) {
  using Kind = nlohmann::ordered_json::value_t;
  switch (value.type()) {
    case Kind::object:
      json.begin_object();
      for (const auto& [key, child] : value.items()) append(json.key(key), child);
      json.end_object();
      return;
    case Kind::array:
      json.begin_array();
      for (const auto& child : value) append(json, child);
      json.end_array();
      return;
    case Kind::string:
      json.value(value.get_ref<const std::string&>());
      return;
    case Kind::boolean:
      json.value(value.get<bool>());
      return;
    case Kind::number_integer:
      json.value(value.get<std::int64_t>());
      return;
    case Kind::number_unsigned:
      json.value(value.get<std::uint64_t>());
      return;
    case Kind::number_float:
      json.value(value.get<double>());
      return;
    default:
      json.null();
  }
}

}  // namespace

std::unique_ptr<Output> Io::open_output(const std::string& path, bool replace) const {
  if (path == "-") return std::make_unique<StdoutOutput>(*out);
  return std::make_unique<OutputFile>(path, OutputFileOptions{sync, replace});
}

Progress Io::progress(const std::string& what, std::uint64_t total, Progress::Unit unit) const {
  return Progress(err_is_terminal && !quiet, what, total, unit);
}

void Io::require_json_target(bool stdout_used) const {
  if (json == "-" && stdout_used) {
    throw usage_error("--json: stdout carries data, name a file with --json=FILE");
  }
}

void Io::ensure_summary() const {
  if (json && !summarised && (*json != "-" || out->bytes_written() == 0)) {
    summary(nlohmann::ordered_json::object());
  }
}

void Io::summary(const nlohmann::ordered_json& values) const {
  summarised = true;
  if (!json) return;
  nlohmann::ordered_json all = values;
  all["tool"] = tool;
  all["version"] = version;
  if (!all.contains("seed")) all["seed"] = seed;
  all["threads"] = threads;
  all["isa"] = isa_name(active_isa());
  all["gpu"] = gpu_used ? gpu().name : std::string("none");
  all["wall_s"] = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  const Usage used = process_usage();
  all["cpu_s"] = used.cpu_s;
  all["peak_rss"] = used.peak_rss;
  std::string text;
  JsonWriter writer(text);
  append(writer, all);
  const auto target = open_output(*json);
  target->write(text + '\n');
  target->commit();
}

}  // namespace stateutils::core
