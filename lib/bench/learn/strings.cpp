#include "bench/learn/strings.hpp"

#include <charconv>
#include <limits>

#include "core/error.hpp"

namespace stateutils::bench {

void Strings::clear() {
  symbols.clear();
  begin.assign(1, 0);
  labels.clear();
}

AbbadingoReader::AbbadingoReader(core::ByteSource& source, bool labelled)
    : lines_(source), labelled_(labelled) {
  std::string_view line;
  if (!lines_.next(line)) throw core::input_error({source.name()}, "holds no strings");
  count_ = number(line, "the number of strings");
  const std::uint64_t alphabet = number(line, "the size of the alphabet");
  if (alphabet < 1 || alphabet > kMaxAlphabet) {
    throw core::input_error(lines_.place(), "an alphabet has 1 to 65536 symbols");
  }
  alphabet_ = static_cast<std::uint32_t>(alphabet);
  if (line.find_first_not_of(" \t\r") != std::string_view::npos) {
    throw core::input_error(lines_.place(), "expected two numbers: count alphabet");
  }
}

std::uint64_t AbbadingoReader::number(std::string_view& line, const char* what) const {
  const std::size_t start = line.find_first_not_of(" \t\r");
  std::uint64_t value = 0;
  if (start != std::string_view::npos) {
    line.remove_prefix(start);
    const auto [end, status] = std::from_chars(line.data(), line.data() + line.size(), value);
    const bool whole =
        end == line.data() + line.size() || *end == ' ' || *end == '\t' || *end == '\r';
    if (status == std::errc() && whole) {
      line.remove_prefix(static_cast<std::size_t>(end - line.data()));
      return value;
    }
  }
  throw core::input_error(lines_.place(), std::string("expected ") + what);
}

void AbbadingoReader::read_line(std::string_view line, Strings& out) const {
  if (labelled_) {
    const std::size_t start = line.find_first_not_of(" \t");
    std::int8_t label = -1;
    if (start != std::string_view::npos && line.substr(start, 2) == "-1") {
      line.remove_prefix(start + 2);
    } else {
      const std::uint64_t given = number(line, "a label: 1, 0 or -1");
      if (given > 1) throw core::input_error(lines_.place(), "a label is 1, 0 or -1");
      label = static_cast<std::int8_t>(given);
    }
    out.labels.push_back(label);
  }
  const std::uint64_t length = number(line, "the length of the string");
  std::uint64_t read = 0;
  while (line.find_first_not_of(" \t\r") != std::string_view::npos) {
    const std::uint64_t symbol = number(line, "a symbol");
    if (symbol >= alphabet_) {
      throw core::input_error(lines_.place(), "symbol " + std::to_string(symbol) +
                                                  " is outside the alphabet of " +
                                                  std::to_string(alphabet_));
    }
    out.symbols.push_back(static_cast<Symbol>(symbol));
    ++read;
  }
  if (read != length) {
    throw core::input_error(lines_.place(), "says length " + std::to_string(length) + " and has " +
                                                std::to_string(read) + " symbols");
  }
  out.begin.push_back(out.symbols.size());
}

bool AbbadingoReader::append(Strings& out, std::size_t most) {
  out.alphabet = alphabet_;
  std::string_view line;
  std::size_t added = 0;
  while (added < most && lines_.next(line)) {
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    if (++seen_ > count_) throw core::input_error(lines_.place(), "more strings than announced");
    read_line(line, out);
    ++added;
  }
  if (added < most && seen_ != count_) {
    throw core::input_error(lines_.place(), "announces " + std::to_string(count_) +
                                                " strings and holds " + std::to_string(seen_));
  }
  return added > 0;
}

Strings read_abbadingo(core::ByteSource& source, bool labelled) {
  Strings out;
  AbbadingoReader reader(source, labelled);
  (void)reader.append(out, std::numeric_limits<std::size_t>::max());
  return out;
}

Strings read_trials(core::ByteSource& source, bool outcomes) {
  Strings out;
  std::map<std::string, Symbol> known;
  core::JsonlReader reader(source, {.format = "trials"});
  while (const core::Record* record = reader.next()) {
    for (const auto step : record->array("steps")) {
      std::string_view command;
      std::int64_t exit = 0;
      if (step["cmd"].get(command) != simdjson::SUCCESS ||
          step["exit"].get(exit) != simdjson::SUCCESS) {
        throw record->error("a step needs \"cmd\" and \"exit\"");
      }
      std::string name(command.substr(0, command.find(" --")));
      if (command == "done" || command.starts_with("done ")) name = "done";
      if (outcomes && exit != 0) name += "!";
      const auto [at, fresh] = known.try_emplace(name, static_cast<Symbol>(known.size()));
      if (fresh && known.size() > kMaxAlphabet) throw record->error("more than 65536 verbs");
      if (fresh) out.symbol_names.push_back(name);
      out.symbols.push_back(at->second);
    }
    out.begin.push_back(out.symbols.size());
    const auto verdict = record->find("verdict");
    bool strict = false;
    const bool judged = verdict && (*verdict)["strict"].get(strict) == simdjson::SUCCESS;
    out.labels.push_back(static_cast<std::int8_t>(judged ? strict : -1));
  }
  if (out.size() == 0) throw core::input_error({source.name()}, "holds no trials");
  out.alphabet = static_cast<std::uint32_t>(out.symbol_names.size());
  return out;
}

}  // namespace stateutils::bench
