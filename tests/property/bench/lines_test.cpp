// What a stream's reader leaves out because it stood in a line before makes no difference.
#include <doctest.h>

#include <algorithm>

#include "bench/families/workshop.hpp"
#include "bench/pack/shipped.hpp"
#include "bench/run/agents.hpp"
#include "bench/run/trial.hpp"
#include "core/jsonl.hpp"
#include "core/rng.hpp"

using namespace stateutils;
using namespace stateutils::bench;

namespace {

// Tasks of the office pack with their plans; `shipped` ones do not carry their world.
std::vector<std::string> task_lines(std::uint64_t pairs, bool shipped) {
  const Document document(std::string(find_shipped("office")->text), "office", true);
  Store store;
  Pack pack = read_pack(document, store);
  pack.shipped = shipped;
  PackOptions options;
  options.family = "conflict17";
  const PackFamily family(pack, options);
  Workshop shop(pack.world_json, ValidateOptions{});
  std::vector<std::string> out;
  for (std::uint64_t pair = 0; pair < pairs; ++pair) {
    for (const TaskRecord& task : shop.harden(family.draw(pair, 0)).tasks) {
      out.push_back(task.json());
    }
  }
  return out;
}

// The trials of an agent that follows the reference, or the complaint about a line.
std::string trials(const std::string& text, bool shorten) {
  const auto source = core::memory_input(text, "tasks");
  core::JsonlReader reader(*source);
  Library library;
  if (shorten) reader.shorten_lines(library.shortener());
  const auto agent = make_agent("builtin:oracle");
  StateDigests digests;
  std::string out;
  try {
    while (const core::Record* record = reader.next()) {
      const JsonSource place{"tasks", {}, record->line()};
      const Cursor cursor(record->raw(), place);
      Task& task = shorten ? library.read_line(cursor, record->text()) : library.read(cursor);
      if (task.world == nullptr) throw record->error("no world");
      const Judge judge(task.contract, library.store(), task.initial);
      Episode episode(task, library.store(), judge);
      core::Rng rng(0, 0);
      TrialOptions options;
      options.agent = agent->name();
      if (shorten) options.digests = &digests;
      out += trial_json(episode, agent->play(episode, 0, rng), options) + "\n";
      out += record->text();
    }
  } catch (const core::Error& e) {
    out += e.what();
  }
  return out;
}

std::string joined(const std::vector<std::string>& lines) {
  std::string out;
  for (const std::string& line : lines) out += line + "\n";
  return out;
}

}  // namespace

TEST_CASE("known texts: the same trials as when every line is read whole") {
  for (const bool shipped : {true, false}) {
    std::vector<std::string> lines = task_lines(24, shipped);
    REQUIRE(lines.size() == 48);
    const std::string plain = trials(joined(lines), false);
    CHECK(plain.find("\"strict\":true") != std::string::npos);
    CHECK(plain == trials(joined(lines), true));
  }
}

TEST_CASE("known texts: the same complaints") {
  core::Rng rng(11, 0);
  const std::vector<std::string> lines = task_lines(2, false);
  std::size_t refused = 0;
  for (int round = 0; round < 300; ++round) {
    std::vector<std::string> changed = lines;
    std::string& line = changed[1 + rng.below(2)];
    const std::size_t at = rng.below(line.size());
    static constexpr std::string_view kBytes = "\"\\{}[]:,0a-\n";
    switch (rng.below(4)) {
      case 0:
        line[at] = kBytes[rng.below(kBytes.size())];
        break;
      case 1:
        line.erase(at, 1 + rng.below(40));
        break;
      case 2:
        line.insert(at, 1, kBytes[rng.below(kBytes.size())]);
        break;
      default:
        line.insert(at, line, rng.below(line.size()), 1 + rng.below(2000));
    }
    const std::string text = joined(changed), plain = trials(text, false);
    refused += plain.find("tasks:") != std::string::npos;
    CHECK_MESSAGE(plain == trials(text, true), "round ", round);
  }
  CHECK(refused > 100);
}

TEST_CASE("known texts: only in their place") {
  const std::vector<std::string> lines = task_lines(1, true);
  const auto member = [&](std::string_view key, std::string_view next) {
    const std::size_t from = lines[0].find(key), to = lines[0].find(next, from);
    return lines[0].substr(from, to - from);
  };
  const std::string tools = member("\"tools\":[", ",\"limits\":"),
                    base = member("\"base\":{", ",\"clock\":");
  const auto with = [&](std::string_view from, const std::string& to) {
    std::string line = lines[1];
    return joined({lines[0], line.replace(line.find(from), from.size(), to)});
  };
  std::string deep = "{" + tools + "}";
  for (int i = 0; i < 62; ++i) deep = "[" + deep + "]";
  for (const std::string& text :
       {with("\"gb\":1", "\"gb\":1,\"other\":{" + tools + "," + base + "}"),
        with("\"gb\":1", "\"gb\":1,\"other\":" + deep), with(base, "\"base\":{}"),
        with(base, "\"base\":3"), with("\"gb\":1", "\"gb\":1," + base),
        with(base, base + "," + base), with("\"gb\":1", "\"gb\":1,\"a,\"" + tools),
        with("\"gb\":1", "\"gb\":1,\"x\":[" + tools + "]"),
        with("\"gb\":1", "\"gb\":1,\"x\":\"," + tools + "\"")}) {
    CHECK(trials(text, false) == trials(text, true));
  }
}

TEST_CASE("state digests: as when each is taken anew") {
  core::Rng rng(5, 0);
  Store store;
  const Id table = store.table("things"), other = store.table("words");
  const auto text = [&](const char* stem, std::uint64_t n) {
    return store.atoms.string(stem + std::to_string(n));
  };
  const auto change = [&](Id state) {
    const Id t = rng.below(2) == 0 ? table : other, key = text("k", rng.below(9));
    if (rng.below(3) == 0) return store.without_row(state, t, key);
    return store.with_row(state, t,
                          store.row(key, {{text("f", rng.below(3)), text("v\"", rng.below(4))}}));
  };
  Id base = store.empty_state();
  for (int i = 0; i < 8; ++i) base = change(base);
  StateDigests followed;
  Id state = base;
  for (int i = 0; i < 500; ++i) {
    followed.follow(store, base);
    for (std::uint64_t n = rng.below(12); n > 0; --n) state = change(state);
    StateDigests fresh;
    fresh.follow(store, base);
    const std::string wanted(fresh.of(state));
    std::vector<Change> changes;
    store.compare(base, state, changes);
    std::vector<core::Sha256Digest> entries;
    for (const Change& c : changes) {
      std::string entry = "[\"" + store.info(c.table).name + "\",";
      if (c.kind == ChangeKind::kDelete) {
        entry += "{\"key\":\"" + std::string(store.atoms.text(c.key)) + "\"},null]";
      } else {
        store.write_row(c.table, c.new_row, entry);
        entry += "]";
      }
      entries.push_back(core::sha256(entry));
    }
    std::sort(entries.begin(), entries.end());
    std::string bytes;
    for (const auto& digest : entries) bytes.append(digest.begin(), digest.end());
    CHECK(wanted == core::sha256_hex(bytes));
    CHECK(followed.of(state) == wanted);
  }
}
