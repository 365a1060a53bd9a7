// Operation logs for tests/bench/sbus_checks.sh. `sbus_lines make RECORDS` writes a clean log of
// gets and commits of about 100 bytes each; `sbus_lines on-demand FILE` takes every field of every
// record by simdjson On-Demand, unchecked: the least that a reader of the log has to do.
#include <simdjson.h>

#include <cstdio>
#include <string>
#include <vector>

#include "core/error.hpp"
#include "core/input.hpp"
#include "core/jsonl.hpp"
#include "core/output.hpp"
#include "core/rng.hpp"
#include "core/units.hpp"

namespace {

using namespace stateutils;

// Agents that read one shard of their own and write it: nothing is ever stale.
void make(core::Output& out, std::uint64_t records) {
  constexpr std::uint64_t kAgents = 64;
  core::JsonlWriter writer(out, {.framed = false});
  core::Rng rng(1, 1);
  std::vector<std::uint64_t> versions(kAgents);
  std::vector<bool> read(kAgents);
  for (std::uint64_t i = 0; i < records; ++i) {
    const std::uint64_t agent = rng.below(kAgents);
    const bool commit = read[agent] && rng.chance(0.6);
    auto& json = writer.begin();
    json.field("ts", 1'700'000'000'000u + i * 1000);
    json.field("agent", "a" + std::to_string(agent)).field("op", commit ? "commit" : "get");
    json.field("key", "plans/" + std::to_string(agent));
    if (commit) json.field("expected_version", versions[agent]++);
    json.field("status", 200).field("version", versions[agent]);
    writer.end();
    read[agent] = true;
  }
}

std::uint64_t sum_on_demand(core::ByteSource& source) {
  core::LineReader lines(source);
  simdjson::ondemand::parser parser;
  std::string_view line;
  std::uint64_t sum = 0;
  while (lines.next(line)) {
    simdjson::ondemand::document document;
    simdjson::ondemand::object object;
    if (parser.iterate(line.data(), line.size(), line.size() + simdjson::SIMDJSON_PADDING)
                .get(document) != simdjson::SUCCESS ||
        document.get_object().get(object) != simdjson::SUCCESS) {
      throw core::input_error(lines.place(), "no object");
    }
    for (auto field : object) {
      const std::string_view key = field.unescaped_key().value();
      simdjson::ondemand::value value = field.value();
      if (key == "agent" || key == "op" || key == "key") {
        sum += value.get_string().value().size();
      } else {
        sum += static_cast<std::uint64_t>(value.get_int64().value());
      }
    }
  }
  return sum;
}

int run(const std::vector<std::string>& words) {
  core::FdOutput out(1, "stdout");
  const std::string command = words.size() < 2 ? "" : words[0];
  if (command == "make") {
    make(out, core::parse_u64(words[1]).value());
  } else if (command == "on-demand") {
    out.write(std::to_string(sum_on_demand(*core::open_input(words[1]))) + '\n');
  } else {
    throw core::usage_error("sbus_lines make RECORDS | on-demand FILE");
  }
  out.commit();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run({argv + 1, argv + argc});
  } catch (const core::Error& e) {
    std::fprintf(stderr, "sbus_lines: %s\n", e.what());
    return static_cast<int>(e.category());
  } catch (const std::exception& e) {
    std::fprintf(stderr, "sbus_lines: %s\n", e.what());
    return 70;
  }
}
