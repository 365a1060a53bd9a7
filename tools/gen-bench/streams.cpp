#include "streams.hpp"

#include <nlohmann/json.hpp>

#include "core/hash.hpp"
#include "core/input.hpp"
#include "core/json.hpp"

namespace stateutils::tools {

void stream_options(core::Command& cmd, StreamOptions& options) {
  cmd.option("-o,--output", &options.output, "write there instead of stdout").value_name("FILE");
  cmd.option("--no-frame", &options.no_frame, "leave out the header and trailer records");
}

void shared_base_option(core::Command& cmd, std::string& path) {
  cmd.option("--shared-base", &path, "the base state that generate moved out of the tasks")
      .value_name("FILE");
}

void add_shared_base(bench::Library& library, const std::string& path) {
  if (path.empty()) return;
  const bench::Document document{core::read_file(path, 64u << 20), path, false};
  library.add_base(bench::canonical(document.root().element()));
}

void identify(core::JsonWriter& json, const core::Io& io, const std::string& slice,
              const std::string& options_text) {
  json.field("tool", io.tool).field("tool_version", io.version).field("seed", io.seed);
  json.field("slice", slice).field("options_sha256", core::sha256_hex(options_text));
}

void summarize(const core::Io& io, const std::string& output,
               std::initializer_list<std::pair<const char*, std::uint64_t>> counts) {
  if (io.json == "-" && output == "-") return;
  nlohmann::ordered_json values = nlohmann::ordered_json::object();
  for (const auto& [name, count] : counts) values[name] = count;
  io.summary(values);
}

void summarize_json(const core::Io& io, const std::string& output, const std::string& json) {
  if (io.json == "-" && output == "-") return;
  io.summary(core::parse_ordered_json(json, "summary"));
}

RecordCursor::RecordCursor(const core::Record& record)
    : source_{record.place().file, {}, record.line()}, cursor_(record.raw(), source_) {}

std::vector<std::pair<std::string, std::string>> parse_params(
    const std::vector<std::string>& params) {
  std::vector<std::pair<std::string, std::string>> out;
  for (const std::string& text : params) {
    const std::size_t equals = text.find('=');
    if (equals == 0 || equals == std::string::npos) {
      throw core::usage_error("--param wants NAME=VALUE, not " + core::quoted(text));
    }
    out.emplace_back(text.substr(0, equals), text.substr(equals + 1));
  }
  return out;
}

void write_text(core::Io& io, const std::string& path, const std::string& text) {
  const auto out = io.open_output(path);
  out->write(text);
  out->commit();
}

}  // namespace stateutils::tools
