#include "bench/learn/model.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/json_writer.hpp"

namespace stateutils::bench {
namespace {

constexpr std::uint64_t kMaxModelCells = 1ull << 26;  // states x alphabet of one machine

std::uint32_t small_number(const Cursor& json, std::uint64_t most, const char* what) {
  const std::int64_t n = json.integer();
  if (n < 0 || static_cast<std::uint64_t>(n) > most) throw json.error(what);
  return static_cast<std::uint32_t>(n);
}

void set_size(StateMachine& m, std::uint64_t states, std::uint64_t alphabet, const Cursor& at) {
  if (states < 1 || alphabet < 1 || alphabet > kMaxAlphabet || states > kMaxModelCells / alphabet) {
    throw at.error("a machine has 1 to 65536 symbols and at most 2^26 / symbols states");
  }
  m.states = static_cast<std::uint32_t>(states);
  m.alphabet = static_cast<std::uint32_t>(alphabet);
  m.delta.assign(states * alphabet, StateMachine::kNowhere);
}

void read_acceptor(const Cursor& json, StateMachine& m) {
  const Cursor delta = json.at("delta");
  std::uint64_t width = 0;
  delta.items([&](const Cursor& row) { width = std::max<std::uint64_t>(width, row.size()); });
  set_size(m, delta.size(), width, delta);
  std::size_t state = 0;
  delta.items([&](const Cursor& row) {
    std::size_t symbol = 0;
    row.items([&](const Cursor& to) {
      const std::int64_t target = to.integer();
      if (target < -1 || target >= static_cast<std::int64_t>(m.states)) {
        throw to.error("no such state");
      }
      m.delta[state * m.alphabet + symbol++] = static_cast<std::int32_t>(target);
    });
    ++state;
  });
  m.accept.assign(m.states, 0);
  json.at("accept").items(
      [&](const Cursor& s) { m.accept[small_number(s, m.states - 1, "no such state")] = 1; });
}

void read_generator(const Cursor& json, StateMachine& m) {
  const auto size = [&](const char* key) {
    return std::uint64_t{small_number(json.at(key), kMaxModelCells, "out of range")};
  };
  set_size(m, size("states"), size("alphabet"), json);
  m.symbol_p.assign(m.delta.size(), 0);
  const auto probability = [](const Cursor& p) {
    const double value = p.number();
    if (!(value >= 0 && value <= 1)) throw p.error("a probability is from 0 to 1");
    return value;
  };
  json.at("final").items([&](const Cursor& p) { m.end_p.push_back(probability(p)); });
  if (m.end_p.size() != m.states) throw json.at("final").error("one probability per state");
  m.accept.assign(m.states, 1);
  json.at("transitions").items([&](const Cursor& t) {
    if (!t.is_array() || t.size() != 4) throw t.error("expected [from, symbol, to, probability]");
    std::size_t cell = 0;
    int place = 0;
    t.items([&](const Cursor& value) {
      switch (place++) {
        case 0:
          cell = std::size_t{small_number(value, m.states - 1, "no such state")} * m.alphabet;
          break;
        case 1:
          cell += small_number(value, m.alphabet - 1, "no such symbol");
          break;
        case 2:
          if (value.integer() < -1 || value.integer() >= static_cast<std::int64_t>(m.states)) {
            throw value.error("no such state");
          }
          m.delta[cell] = static_cast<std::int32_t>(value.integer());
          break;
        default:
          m.symbol_p[cell] = probability(value);
      }
    });
  });
}

void write_names(core::JsonWriter& json, const StateMachine& m) {
  if (m.symbol_names.empty()) return;
  json.key("symbols").begin_array();
  for (const std::string& name : m.symbol_names) json.value(name);
  json.end_array();
}

}  // namespace

bool StateMachine::accepts(std::span<const Symbol> string) const {
  std::int32_t at = static_cast<std::int32_t>(initial);
  for (const Symbol s : string) {
    if (s >= alphabet) return false;
    at = next(static_cast<std::uint32_t>(at), s);
    if (at == kNowhere) return false;
  }
  return accept[static_cast<std::size_t>(at)] != 0;
}

double StateMachine::log2_probability(std::span<const Symbol> string) const {
  const double uniform = 1.0 / (alphabet + 1.0);
  // Products of a few factors are far from the smallest double: one logarithm does for several.
  double sum = 0, product = 1;
  const auto times = [&](double p) {
    product *= p;
    if (product < 1e-200) {
      sum += std::log2(product);
      product = 1;
    }
  };
  std::int32_t at = static_cast<std::int32_t>(initial);
  for (const Symbol s : string) {
    if (at == kNowhere || s >= alphabet) {
      times(uniform);
      continue;
    }
    const std::size_t cell = static_cast<std::size_t>(at) * alphabet + s;
    times(symbol_p[cell]);
    at = delta[cell];
  }
  times(at == kNowhere ? uniform : end_p[static_cast<std::size_t>(at)]);
  return sum + std::log2(product);
}

std::string StateMachine::json() const {
  std::string out;
  core::JsonWriter json(out);
  json.begin_object().field("states", states).field("alphabet", alphabet).field("initial", initial);
  if (!generates()) {
    json.key("accept").begin_array();
    for (std::uint32_t s = 0; s < states; ++s) {
      if (accept[s] != 0) json.value(s);
    }
    json.end_array().key("delta").begin_array();
    for (std::uint32_t s = 0; s < states; ++s) {
      json.begin_array();
      for (std::uint32_t a = 0; a < alphabet; ++a) json.value(next(s, static_cast<Symbol>(a)));
      json.end_array();
    }
    json.end_array();
  } else {
    json.key("final").begin_array();
    for (const double p : end_p) json.value(p);
    json.end_array().key("transitions").begin_array();
    for (std::size_t cell = 0; cell < delta.size(); ++cell) {
      if (symbol_p[cell] <= 0) continue;
      json.begin_array().value(cell / alphabet).value(cell % alphabet).value(delta[cell]);
      json.value(symbol_p[cell]).end_array();
    }
    json.end_array();
  }
  write_names(json, *this);
  json.end_object();
  return out;
}

std::string StateMachine::dot() const {
  const auto name = [&](std::uint32_t symbol) {
    std::string text;
    append_json_string(
        text, symbol < symbol_names.size() ? symbol_names[symbol] : std::to_string(symbol));
    return text;
  };
  std::string out = "digraph learned {\n";
  for (std::uint32_t s = 0; s < states; ++s) {
    const std::string id = "s" + std::to_string(s);
    out += id + " [label=" + id;
    if (!generates() && accept[s] != 0) out += ", shape=doublecircle";
    out += "];\n";
  }
  for (std::size_t cell = 0; cell < delta.size(); ++cell) {
    if (delta[cell] == kNowhere) continue;
    out += "s" + std::to_string(cell / alphabet) + " -> s" + std::to_string(delta[cell]) +
           " [label=" + name(static_cast<std::uint32_t>(cell % alphabet)) + "];\n";
  }
  return out + "__start0 [label=\"\", shape=none];\n__start0 -> s" + std::to_string(initial) +
         " [label=\"\"];\n}\n";
}

StateMachine read_state_machine(const Cursor& json) {
  StateMachine m;
  if (json.find("delta")) {
    read_acceptor(json, m);
  } else {
    read_generator(json, m);
  }
  if (const auto initial = json.find("initial")) {
    m.initial = small_number(*initial, m.states - 1, "no such state");
  }
  if (const auto names = json.find("symbols")) {
    names->items([&](const Cursor& n) { m.symbol_names.emplace_back(n.string()); });
  }
  return m;
}

std::vector<Symbol> sample_string(const StateMachine& m, core::Rng& rng, std::size_t most) {
  std::vector<Symbol> out;
  std::int32_t at = static_cast<std::int32_t>(m.initial);
  while (out.size() < most) {
    if (at == StateMachine::kNowhere) {
      const std::uint64_t pick = rng.below(std::uint64_t{m.alphabet} + 1);
      if (pick == m.alphabet) break;
      out.push_back(static_cast<Symbol>(pick));
      continue;
    }
    const std::size_t row = static_cast<std::size_t>(at) * m.alphabet;
    if (!m.generates()) {
      std::vector<Symbol> ways;
      for (std::uint32_t a = 0; a < m.alphabet; ++a) {
        if (m.delta[row + a] != StateMachine::kNowhere) ways.push_back(static_cast<Symbol>(a));
      }
      const bool stop = m.accept[static_cast<std::size_t>(at)] != 0 && rng.below(8) == 0;
      if (ways.empty() || stop) break;
      out.push_back(ways[rng.below(ways.size())]);
      at = m.delta[row + out.back()];
      continue;
    }
    double left = rng.unit();
    std::uint32_t a = 0;
    while (a < m.alphabet && left >= m.symbol_p[row + a]) left -= m.symbol_p[row + a++];
    if (a == m.alphabet) break;
    out.push_back(static_cast<Symbol>(a));
    at = m.delta[row + a];
  }
  return out;
}

double perplexity(std::span<const double> target, std::span<const double> log2_p) {
  double target_sum = 0, candidate_sum = 0;
  for (const double p : target) target_sum += p;
  for (const double l : log2_p) candidate_sum += std::exp2(l);
  const double log_sum = std::log2(candidate_sum);
  double cross = 0;
  for (std::size_t i = 0; i < target.size(); ++i) {
    if (target[i] <= 0) continue;
    if (!std::isfinite(log2_p[i])) return std::numeric_limits<double>::infinity();
    cross += target[i] / target_sum * (log2_p[i] - log_sum);
  }
  return std::exp2(-cross);
}

}  // namespace stateutils::bench
