// Shares of `generate --slice` and `run --slice` back into the bytes of the unsliced stream.
#include <memory>
#include <queue>

#include "commands.hpp"
#include "core/slice.hpp"
#include "streams.hpp"

namespace stateutils::tools {
namespace {

struct MergeOptions {
  std::vector<std::string> parts;
  std::string output = "-";
};

constexpr std::string_view kSliceKey = "\"slice\":\"";

// One share, read record by record.
class Part {
 public:
  Part(const std::string& path, core::Io& io)
      : path_(path), source_(io.open_input(path)), reader_(*source_) {
    advance();
    if (!reader_.header()) {
      throw core::input_error({path}, "has no header record: which share it is cannot be known");
    }
    const std::string& json = reader_.header()->json;
    const std::size_t at = json.find(kSliceKey), begin = at + kSliceKey.size();
    const std::size_t end = at == std::string::npos ? at : json.find('"', begin);
    if (end == std::string::npos) throw core::input_error({path}, "its header names no slice");
    slice_ = core::parse_slice(json.substr(begin, end - begin));
    rest_ = json.substr(0, begin) + "0/1" + json.substr(end);
    tasks_ = reader_.header()->name == "tasks";
    if (!tasks_ && reader_.header()->name != "trials") {
      throw core::input_error({path}, "holds neither tasks nor trials");
    }
    if (record_ != nullptr) note_place();
  }

  [[nodiscard]] bool done() const { return record_ == nullptr; }
  [[nodiscard]] std::uint64_t place() const { return place_; }
  [[nodiscard]] bool has_tasks() const { return tasks_; }
  [[nodiscard]] const core::Slice& slice() const { return slice_; }
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] const std::string& header_of_whole() const { return rest_; }
  // The record as the unsliced stream has it.
  [[nodiscard]] std::string text() const {
    std::string out(record_->text());
    if (tasks_ || slice_.whole()) return out;
    out.erase(out.rfind(",\"place\":"));
    return out + "}";
  }
  void next() {
    advance();
    if (record_ != nullptr) note_place();
  }

 private:
  void advance() { record_ = reader_.next(); }

  // Tasks carry their index, trials of shares the place of their task.
  void note_place() {
    const std::uint64_t before = place_;
    const char* key = tasks_ ? "index" : "place";
    if (slice_.whole() && !tasks_) return static_cast<void>(++place_);
    place_ = record_->u64(key);
    if (seen_ && place_ < before) throw record_->error("the share is out of order");
    if (tasks_ && seen_ && place_ == before) throw record_->error("the share repeats an index");
    if (!tasks_ && place_ % slice_.count != slice_.index) {
      throw record_->error("does not belong to the share " + slice_.text());
    }
    seen_ = true;
  }

  std::string path_;
  std::unique_ptr<core::ByteSource> source_;
  core::JsonlReader reader_;
  const core::Record* record_ = nullptr;
  core::Slice slice_;
  std::string rest_;
  std::uint64_t place_ = 0;
  bool tasks_ = true, seen_ = false;
};

void check_complete(const std::vector<std::unique_ptr<Part>>& parts) {
  const Part& first = *parts.front();
  std::vector<const Part*> holders(parts.size(), nullptr);
  for (const auto& part : parts) {
    if (part->header_of_whole() != first.header_of_whole() ||
        part->slice().count != first.slice().count) {
      throw core::input_error({part->path()},
                              "is a share of another run than " + core::quoted(first.path()));
    }
    if (part->slice().count != parts.size()) {
      throw core::input_error({part->path()}, "is one of " + std::to_string(part->slice().count) +
                                                  " shares, but " + std::to_string(parts.size()) +
                                                  " are given");
    }
    const Part*& holder = holders[part->slice().index];
    if (holder != nullptr) {
      throw core::input_error({part->path()}, "is share " + part->slice().text() + " like " +
                                                  core::quoted(holder->path()));
    }
    holder = part.get();
  }
}

int merge(const MergeOptions& o, core::Io& io) {
  std::vector<std::unique_ptr<Part>> parts;
  for (const std::string& path : o.parts) parts.push_back(std::make_unique<Part>(path, io));
  check_complete(parts);
  const auto later = [](const Part* a, const Part* b) { return a->place() > b->place(); };
  std::priority_queue<Part*, std::vector<Part*>, decltype(later)> queue(later);
  for (const auto& part : parts) {
    if (!part->done()) queue.push(part.get());
  }
  const auto out = io.open_output(o.output);
  out->write(parts.front()->header_of_whole() + "\n");
  std::uint64_t records = 0;
  std::optional<std::uint64_t> last;
  while (!queue.empty()) {
    Part* part = queue.top();
    queue.pop();
    if (part->has_tasks() && last == part->place()) {
      throw core::input_error({part->path()},
                              "index " + std::to_string(*last) + " is in another share too");
    }
    last = part->place();
    out->write(part->text() + "\n");
    ++records;
    part->next();
    if (!part->done()) queue.push(part);
  }
  out->write("{\"end\":true,\"records\":" + std::to_string(records) + "}\n");
  out->commit();
  summarize(io, o.output, {{"parts", parts.size()}, {"records", records}});
  return 0;
}

}  // namespace

void register_merge(core::Tool& tool) {
  auto o = std::make_shared<MergeOptions>();
  auto cmd = tool.subcommand("merge", "shares back into one stream");
  cmd.option("PART", &o->parts, "outputs of generate --slice or run --slice, all of them")
      .value_name("PART")
      .required();
  cmd.option("-o,--output", &o->output, "write there instead of stdout").value_name("FILE");
  cmd.run([o](core::Io& io) { return merge(*o, io); });
}

}  // namespace stateutils::tools
