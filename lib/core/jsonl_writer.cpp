#include "core/jsonl.hpp"

namespace stateutils::core {

JsonlWriter::JsonlWriter(Output& out, FrameOptions options) : out_(out), options_(options) {}

void JsonlWriter::deliver() {
  text_ += '\n';
  out_.write(text_);
  if (line_buffered_) out_.flush();
}

void JsonlWriter::header(std::string_view name, int version,
                         const std::function<void(JsonWriter&)>& extra) {
  if (!options_.framed) return;
  text_.clear();
  json_.restart().begin_object();
  json_.field("format", "stateutils." + std::string(name)).field("version", version);
  if (extra) extra(json_);
  json_.end_object();
  deliver();
}

JsonWriter& JsonlWriter::begin() {
  text_.clear();
  return json_.restart().begin_object();
}

void JsonlWriter::end() {
  json_.end_object();
  ++records_;
  deliver();
}

void JsonlWriter::record(std::string_view json) {
  text_.assign(json);
  ++records_;
  deliver();
}

void JsonlWriter::trailer(const std::function<void(JsonWriter&)>& extra) {
  if (!options_.framed) return;
  text_.clear();
  json_.restart().begin_object().field("end", true).field("records", records_);
  if (extra) extra(json_);
  json_.end_object();
  deliver();
}

}  // namespace stateutils::core
