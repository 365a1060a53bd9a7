#include "bench/run/episode.hpp"

#include <algorithm>

#include "core/dom.hpp"
#include "core/json_writer.hpp"
#include "core/utf8.hpp"

namespace stateutils::bench {
namespace {

constexpr std::size_t kMaxLine = 1u << 20;

bool contains(const std::vector<Id>& list, Id id) {
  return std::find(list.begin(), list.end(), id) != list.end();
}

}  // namespace

void truncate(std::string& text, std::size_t limit) {
  if (text.size() <= limit) return;
  static constexpr std::string_view kGap = "\n[...]\n";
  if (limit <= kGap.size()) return text.resize(limit);
  std::size_t head = (limit - kGap.size()) / 2, tail = text.size() - (limit - kGap.size() - head);
  const auto inside = [&](std::size_t at) {
    return (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80;
  };
  while (head > 0 && inside(head)) --head;
  while (tail < text.size() && inside(tail)) ++tail;
  text = text.substr(0, head) + std::string(kGap) + text.substr(tail);
}

std::string canonical_answer(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  text = text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
  simdjson::dom::parser parser;
  simdjson::dom::element element;
  if (core::parse_json(parser, text).get(element) == simdjson::SUCCESS) {
    return canonical(element);
  }
  std::string out;
  append_json_string(out, core::is_valid_utf8(text) ? text : std::string_view("?"));
  return out;
}

Episode::Episode(const Task& task, Store& store, const Judge& judge, Surface* surface)
    : task_(task),
      store_(store),
      judge_(judge),
      surface_(surface),
      machine_(*task.world, store, task.initial),
      state_(task.initial) {
  verdict_ = judge_.judge(state_, answer_);
  steps_.reserve(static_cast<std::size_t>(std::min(task.limits.steps, 16)));
}

void Episode::note_tables(const Call& call) {
  const Verb& verb = task_.world->verbs[call.verb];
  for (const Effect& e : verb.effects) {
    if (!contains(read_, e.table)) written_unread_.push_back(e.table);
  }
  if (verb.mutates()) return;
  for (const Piece& p : verb.out.pieces) {
    if (p.table != kNone) read_.push_back(p.table);
  }
}

void Episode::run_line(std::string_view line, Observation& seen) {
  result_.out.clear();
  result_.error.clear();
  result_.state = state_;
  result_.exit = machine_.parse(line, call_, result_.error);
  if (result_.exit == 0) {
    machine_.run(state_, call_, static_cast<std::int64_t>(steps_.size()), result_);
    if (result_.exit == 0) note_tables(call_);
  }
  state_ = result_.state;
  seen.exit = result_.exit;
  seen.out.swap(result_.out);
  seen.error.swap(result_.error);
}

const Observation& Episode::step(std::string_view line) {
  StepRecord record;
  record.cmd = std::string(line);
  seen_.exit = 0;
  seen_.truncated = false;
  seen_.out.clear();
  seen_.error.clear();
  if (line.size() > kMaxLine || !core::is_valid_utf8(line)) {
    seen_.exit = 2;
    seen_.error = line.size() > kMaxLine ? "a command has at most 1 MiB" : "invalid UTF-8";
    record.cmd = core::quoted(line.substr(0, 200));
  } else if (line == "done" || line.starts_with("done ")) {
    done_ = true;
    answer_ = canonical_answer(line.substr(4));
  } else if (surface_ != nullptr) {
    surface_->run(*this, line, seen_, record);
  } else {
    run_line(line, seen_);
  }
  record.exit = seen_.exit;
  if (surface_ == nullptr || record.out_sha256.empty()) record.out = seen_.out;
  if (record.out_bytes == 0) record.out_bytes = record.out.size();
  if (!forgotten_.empty()) forget_variables();
  record.state = state_;
  if (done_ || state_ != (steps_.empty() ? task_.initial : steps_.back().state)) {
    const double before = verdict_.potential();
    verdict_ = judge_.judge(state_, answer_);
    record.reward = verdict_.potential() - before;
  }
  steps_.push_back(std::move(record));
  const auto limit = static_cast<std::size_t>(task_.limits.output_bytes);
  if (seen_.out.size() > limit) {
    truncate(seen_.out, limit);
    seen_.truncated = true;
  }
  return seen_;
}

void Episode::forget_variables() {
  const auto rows = store_.rows_of(state_, Store::kConfig);
  std::vector<Id> kept;
  for (const Id row : rows) {
    if (!store_.atoms.text(store_.key_of(row)).starts_with(forgotten_)) kept.push_back(row);
  }
  if (kept.size() != rows.size()) {
    state_ = store_.with_rows(state_, Store::kConfig, std::move(kept));
  }
}

Observation Episode::apply(std::string_view line) {
  Observation seen;
  run_line(line, seen);
  return seen;
}

bool Episode::inspected() const {
  for (std::size_t i = 0; i < task_.preset.size(); ++i) {
    if (task_.preset_kinds[i] == "none" || task_.preset_kinds[i] == "decoy") continue;
    const Id table = task_.preset[i].table;
    if (!contains(read_, table) || contains(written_unread_, table)) return false;
  }
  return true;
}

std::string Episode::journal_line(std::size_t index) const {
  std::vector<Change> changes;
  store_.compare(index == 0 ? task_.initial : steps_[index - 1].state, steps_[index].state,
                 changes);
  std::string out;
  core::JsonWriter json(out);
  json.begin_object().field("step", index + 1).field("cmd", steps_[index].cmd);
  json.field("exit", steps_[index].exit).key("effects").begin_array();
  const auto row = [&](const char* name, Id table, Id id) {
    std::string text = "null";
    if (id != kNone) text.clear(), store_.write_row(table, id, text);
    json.key(name).raw(text);
  };
  for (const Change& c : changes) {
    json.begin_object().field("op", op_name(c.kind));
    json.field("table", store_.info(c.table).name);
    std::string key;
    store_.atoms.write_json(c.key, key);
    json.key("key").raw(key);
    row("old", c.table, c.old_row);
    row("new", c.table, c.new_row);
    json.end_object();
  }
  json.end_array().end_object();
  return out;
}

}  // namespace stateutils::bench
