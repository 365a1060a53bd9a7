// Learning a random machine from what it says: strings with their counts are shown, the
// probabilities of others are asked for.
#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "bench/families/small/small.hpp"
#include "bench/learn/model.hpp"
#include "core/dom.hpp"
#include "core/json_writer.hpp"

namespace stateutils::bench {
namespace {

constexpr double kTolerance = 1.02;  // of the target's perplexity, which counts as right
constexpr std::size_t kAsked = 16, kShown = 2000, kLongest = 24;
constexpr std::uint64_t kParts = 64;  // probabilities are multiples of 1/64

using Numbers = std::vector<double>;

std::string numbers_json(const Numbers& numbers) {
  std::string out;
  core::JsonWriter json(out);
  json.begin_array();
  for (const double n : numbers) json.value(n);
  json.end_array();
  return out;
}

// The numbers of an answer when they can be probabilities; else nothing.
Numbers read_answer_numbers(std::string_view answer) {
  simdjson::dom::parser parser;
  simdjson::dom::array array;
  Numbers out;
  if (core::parse_json(parser, answer).get(array) != simdjson::SUCCESS) return {};
  for (const auto item : array) {
    double value = 0;
    if (item.get(value) != simdjson::SUCCESS || !(value > 0 && value <= 1)) return {};
    out.push_back(value);
  }
  return out;
}

class PdfaCheck : public FamilyCheck {
 public:
  PdfaCheck(Numbers solution, Numbers unigram)
      : solution_(std::move(solution)), unigram_(std::move(unigram)) {}

  [[nodiscard]] std::string_view name() const override { return "perplexity"; }

  // From 0, as good as no knowledge at all, to 1, as good as the machine itself.
  [[nodiscard]] double quality(const Store&, Id, std::string_view answer) const override {
    const Numbers given = read_answer_numbers(answer);
    if (given.size() != solution_.size()) return 0;
    const double best = perplexity_of(solution_), got = perplexity_of(given);
    if (got <= kTolerance * best) return 1;
    const auto nothing = static_cast<double>(solution_.size());
    return std::clamp((nothing - got) / (nothing - best), 0.0, 0.99);
  }

  // By the divergence of the two distributions, term by term.
  [[nodiscard]] bool is_right(const Store&, Id, std::string_view answer) const override {
    const Numbers given = read_answer_numbers(answer);
    if (given.size() != solution_.size()) return false;
    double all = 0, sum = 0, divergence = 0;
    for (const double p : solution_) all += p;
    for (const double q : given) sum += q;
    for (std::size_t i = 0; i < given.size(); ++i) {
      const double p = solution_[i] / all;
      divergence += p * std::log(p / (given[i] / sum));
    }
    return divergence <= std::log(kTolerance);
  }

  [[nodiscard]] std::vector<std::vector<std::string>> plans() const override {
    return {{"done " + numbers_json(solution_)}};
  }

  [[nodiscard]] std::vector<WrongAnswer> wrong_answers() const override {
    std::vector<WrongAnswer> out;
    const auto add = [&](const char* op, const Numbers& n) {
      out.push_back({op, numbers_json(n)});
    };
    for (std::size_t i = 0; i < solution_.size(); ++i) {
      const auto place = static_cast<std::ptrdiff_t>(i);
      Numbers n = solution_;
      n.erase(n.begin() + place);
      add("item_drop", n);
      n.insert(n.begin() + place, 2, solution_[i]);
      add("item_double", n);
      n = solution_;
      n[i] = 0;
      add("item_zero", n);
      n[i] = std::min(1.0, 16 * solution_[i]);
      add("item_inflate", n);
      n = solution_;
      std::swap(n[i], n[(i + 1) % n.size()]);
      add("item_swap", n);
    }
    add("uniform", Numbers(solution_.size(), 0.5));
    add("unigram", unigram_);
    add("list_reverse", {solution_.rbegin(), solution_.rend()});
    Numbers turned = solution_;
    std::rotate(turned.begin(), turned.begin() + 1, turned.end());
    add("list_rotate", turned);
    add("list_empty", {});
    std::string text;
    append_json_string(text, numbers_json(solution_));
    out.push_back({"list_text", text});
    return out;
  }

 private:
  [[nodiscard]] double perplexity_of(const Numbers& candidate) const {
    Numbers logs;
    for (const double p : candidate) logs.push_back(std::log2(p));
    return perplexity(solution_, logs);
  }

  Numbers solution_, unigram_;
};

StateMachine draw_machine(std::uint32_t states, std::uint32_t alphabet, core::Rng& rng) {
  StateMachine m;
  m.states = states;
  m.alphabet = alphabet;
  for (std::uint32_t s = 0; s < states; ++s) {
    std::uint64_t left = kParts - 4 - rng.below(9);
    m.end_p.push_back(static_cast<double>(kParts - left) / kParts);
    for (std::uint32_t a = 0; a < alphabet; ++a) {
      const std::uint64_t part = a + 1 == alphabet ? left : rng.below(left + 1);
      left -= part;
      m.symbol_p.push_back(static_cast<double>(part) / kParts);
      m.delta.push_back(part == 0 ? StateMachine::kNowhere
                                  : static_cast<std::int32_t>(rng.below(states)));
    }
  }
  m.accept.assign(states, 1);
  return m;
}

// A product of multiples of 1/64 in a fixed order: the same bits everywhere.
double probability(const StateMachine& m, const std::vector<Symbol>& string) {
  double p = 1;
  std::uint32_t at = m.initial;
  for (const Symbol s : string) {
    p *= m.symbol_p[std::size_t{at} * m.alphabet + s];
    at = static_cast<std::uint32_t>(m.next(at, s));
  }
  return p * m.end_p[at];
}

std::string digits_of(const std::vector<Symbol>& string) {
  std::string out;
  for (const Symbol s : string) out.push_back(static_cast<char>('0' + s));
  return out.empty() ? "-" : out;
}

std::string texts_json(const std::vector<std::string>& texts) {
  std::string out;
  core::JsonWriter json(out);
  json.begin_array();
  for (const std::string& text : texts) json.value(text);
  json.end_array();
  return out;
}

struct Sample {
  std::map<std::string, std::size_t> shown;
  std::vector<std::string> asked;
  Numbers solution, unigram;
};

// What a model without states makes of a string: its symbols and its end, each as often as seen.
Numbers without_states(const Sample& sample, std::uint32_t alphabet) {
  std::vector<std::uint64_t> seen(alphabet + std::size_t{1}, 1);  // the last one: ends
  for (const auto& [text, count] : sample.shown) {
    seen[alphabet] += count;
    for (const char c : text) {
      if (c != '-') seen[static_cast<std::size_t>(c - '0')] += count;
    }
  }
  std::uint64_t all = 0;
  for (const std::uint64_t n : seen) all += n;
  Numbers out;
  for (const std::string& text : sample.asked) {
    double p = static_cast<double>(seen[alphabet]) / static_cast<double>(all);
    for (const char c : text) {
      if (c == '-') continue;
      p *= static_cast<double>(seen[static_cast<std::size_t>(c - '0')]) / static_cast<double>(all);
    }
    out.push_back(p);
  }
  return out;
}

Sample draw_sample(const StateMachine& machine, core::Rng& rng) {
  Sample out;
  for (std::size_t i = 0; i < kShown; ++i) {
    ++out.shown[digits_of(sample_string(machine, rng, 1000))];
  }
  std::set<std::string> known;
  for (std::size_t tries = 0; tries < kShown && out.asked.size() < kAsked; ++tries) {
    const std::vector<Symbol> string = sample_string(machine, rng, 1000);
    if (string.size() > kLongest || !known.insert(digits_of(string)).second) continue;
    out.asked.push_back(digits_of(string));
    out.solution.push_back(probability(machine, string));
  }
  out.unigram = without_states(out, machine.alphabet);
  return out;
}

}  // namespace

TaskRecord make_pdfa(const SmallOptions& options, std::uint64_t index, core::Rng& rng) {
  if (!options.params.empty()) throw core::usage_error("pdfa takes no parameters");
  const bool easy = options.difficulty == "easy", hard = options.difficulty == "hard";
  const std::uint32_t states = easy ? 2 : hard ? 7 : 4, alphabet = easy ? 2 : hard ? 4 : 3;
  Sample sample;
  StateMachine machine;
  while (sample.asked.size() < kAsked) {  // a machine that says too little is drawn again
    machine = draw_machine(states, alphabet, rng);
    sample = draw_sample(machine, rng);
  }
  std::string lines, asked;
  for (const auto& [text, count] : sample.shown) lines += text + " " + std::to_string(count) + "\n";
  for (const std::string& text : sample.asked) asked += (asked.empty() ? "" : " ") + text;
  TaskRecord task = small_record(
      options, std::to_string(states) + "_states", "learning", index,
      "A machine with few states draws each symbol, or the end, with a probability that depends on "
      "its state alone, and each symbol leads to one state. These are " +
          std::to_string(kShown) +
          " strings of it, each with how often it came (- is the empty string):\n" + lines +
          "Finish with a JSON array of the probabilities of these strings, in this order: " +
          asked +
          ". It is right when its perplexity, both sides normalised over these strings, is at most "
          "1.02 times the machine's own.");
  task.set("machine", machine.json());
  task.set("asked", texts_json(sample.asked));
  task.set("solution", numbers_json(sample.solution));
  task.set("unigram", numbers_json(sample.unigram));
  return task;
}

void read_pdfa(const Cursor& json, Store& store, Task& task) {
  const auto numbers = [&](const char* key) {
    Numbers out;
    json.at(key).items([&](const Cursor& n) {
      out.push_back(n.number());
      if (!(out.back() > 0 && out.back() <= 1))
        throw n.error("a probability is above 0, at most 1");
    });
    return out;
  };
  Numbers solution = numbers("solution"), unigram = numbers("unigram");
  if (solution.empty() || solution.size() != unigram.size()) {
    throw json.at("unigram").error("as many probabilities as in \"solution\", at least one");
  }
  judge_by(std::make_shared<PdfaCheck>(std::move(solution), std::move(unigram)), store, task);
}

}  // namespace stateutils::bench
