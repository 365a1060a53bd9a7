#include <cmath>

#include "bench/learn/fit.hpp"
#include "bench/learn/stream_learner.hpp"
#include "commands.hpp"
#include "streams.hpp"

namespace stateutils::tools {
namespace {

struct LearnOptions {
  std::string train, output = "-", score = "likelihood", dot, form = "auto", abstract = "verb";
  std::string model, test, solution, labels, blue = "largest", sketch = "count-min";
  std::optional<double> alpha;
  bool labelled = false, probs = false;
  core::Count n{1000}, batch{500}, max_length{1000}, max_states{512};
};

void write_machine(const bench::StateMachine& machine, const LearnOptions& o, core::Io& io) {
  const auto out = io.open_output(o.output);
  out->write(machine.json() + "\n");
  out->commit();
  if (!o.dot.empty()) {
    const auto dot = io.open_output(o.dot);
    dot->write(machine.dot());
    dot->commit();
  }
  summarize(io, o.output, {{"states", machine.states}, {"alphabet", machine.alphabet}});
}

// A stream of records begins with a brace, an Abbadingo file with a number.
bool is_records(core::Io& io, const std::string& path, const std::string& form) {
  if (form != "auto") return form == "trials";
  if (path == "-") return false;
  const auto source = io.open_input(path);
  char first = ' ';
  return source->read(&first, 1) == 1 && first == '{';
}

int fit(const LearnOptions& o, core::Io& io) {
  bench::FitOptions options;
  options.alpha = o.alpha;
  options.largest_blue = o.blue == "largest";
  options.score = o.score == "rpni"      ? bench::MergeScore::kRpni
                  : o.score == "edsm"    ? bench::MergeScore::kEdsm
                  : o.score == "alergia" ? bench::MergeScore::kAlergia
                                         : bench::MergeScore::kLikelihood;
  const bool wants_labels = o.score == "rpni" || o.score == "edsm";
  const bool records = is_records(io, o.train, o.form);
  const auto source = io.open_input(o.train);
  const bench::Strings sample = records
                                    ? bench::read_trials(*source, o.abstract == "verb+outcome")
                                    : bench::read_abbadingo(*source, wants_labels || o.labelled);
  write_machine(bench::fit(sample, options), o, io);
  return 0;
}

int stream(const LearnOptions& o, core::Io& io) {
  const auto source = io.open_input(o.train);
  bench::AbbadingoReader reader(*source, o.labelled);
  bench::StreamOptions options;
  options.alpha = o.alpha.value_or(options.alpha);
  options.min_hash = o.sketch == "min-hash";
  options.max_states = static_cast<std::uint32_t>(o.max_states.value);
  bench::StreamLearner learner(reader.alphabet(), options);
  bench::Strings batch;
  while (reader.append(batch, o.batch.value)) {
    learner.learn(batch);
    batch.clear();
  }
  write_machine(learner.machine(), o, io);
  return 0;
}

// "count", then one probability per test string.
std::vector<double> read_solution(const std::string& path, std::size_t count, core::Io& io) {
  const auto source = io.open_input(path);
  core::LineReader lines(*source);
  std::vector<double> out;
  std::string_view line;
  bool first = true;
  while (lines.next(line)) {
    line = line.substr(0, line.find_last_not_of(" \t\r") + 1);
    if (line.empty()) continue;
    const auto value = core::parse_double(line);
    if (!value || *value < 0) throw core::input_error(lines.place(), "expected a probability");
    if (!first) out.push_back(*value);
    first = false;
  }
  if (out.size() != count) {
    throw core::input_error({path}, "holds " + std::to_string(out.size()) + " probabilities for " +
                                        std::to_string(count) + " test strings");
  }
  return out;
}

double accuracy(const bench::StateMachine& machine, const bench::Strings& test,
                const std::string& path) {
  std::string labels = core::read_file(path, 64u << 20);
  std::erase_if(labels, [](char c) { return c == '\n' || c == '\r' || c == ' '; });
  if (labels.size() != test.size()) {
    throw core::input_error({path}, "holds " + std::to_string(labels.size()) + " labels for " +
                                        std::to_string(test.size()) + " test strings");
  }
  std::size_t right = 0;
  for (std::size_t i = 0; i < test.size(); ++i) {
    right += machine.accepts(test[i]) == (labels[i] == '1');
  }
  return test.size() == 0 ? 0 : static_cast<double>(right) / static_cast<double>(test.size());
}

void print_numbers(const bench::StateMachine& machine, const bench::Strings& test,
                   core::Output& out) {
  for (std::size_t i = 0; i < test.size(); ++i) {
    out.write(machine.generates()
                  ? core::format_double(std::exp2(machine.log2_probability(test[i]))) + "\n"
                  : std::string(machine.accepts(test[i]) ? "1\n" : "0\n"));
  }
}

// Test strings of acceptor problems carry a label (-1), those of generators none.
int eval(const LearnOptions& o, core::Io& io) {
  const bench::Document document{core::read_file(o.model, 64u << 20), o.model, false};
  const bench::StateMachine machine = read_state_machine(document.root());
  if (!o.solution.empty() && !machine.generates()) {
    throw core::usage_error("--solution needs a model with probabilities");
  }
  const bool labelled = o.labelled || !machine.generates();
  const auto source = io.open_input(o.test);
  const bench::Strings test = bench::read_abbadingo(*source, labelled);
  const auto out = io.open_output(o.output);
  if (o.probs) {
    print_numbers(machine, test, *out);
  } else {
    std::string text;
    core::JsonWriter json(text);
    json.begin_object().field("strings", test.size()).field("states", machine.states);
    if (!o.labels.empty()) json.field("accuracy", accuracy(machine, test, o.labels));
    if (!o.solution.empty()) {
      std::vector<double> log2_p;
      for (std::size_t i = 0; i < test.size(); ++i) {
        log2_p.push_back(machine.log2_probability(test[i]));
      }
      const double value = bench::perplexity(read_solution(o.solution, test.size(), io), log2_p);
      json.key("perplexity");
      std::isfinite(value) ? json.value(value) : json.null();
    }
    json.end_object();
    out->write(text + "\n");
  }
  out->commit();
  summarize(io, o.output, {{"strings", test.size()}});
  return 0;
}

// String i depends on (seed, i) alone, so that slices and threads could not change it.
int sample(const LearnOptions& o, core::Io& io) {
  const bench::Document document{core::read_file(o.model, 64u << 20), o.model, false};
  const bench::StateMachine machine = read_state_machine(document.root());
  const auto out = io.open_output(o.output);
  out->write(std::to_string(o.n.value) + " " + std::to_string(machine.alphabet) + "\n");
  for (std::uint64_t i = 0; i < o.n.value; ++i) {
    core::Rng rng(io.seed, i);
    const std::vector<bench::Symbol> string =
        sample_string(machine, rng, static_cast<std::size_t>(o.max_length.value));
    std::string line;
    if (!machine.generates()) line = machine.accepts(string) ? "1 " : "0 ";
    line += std::to_string(string.size());
    for (const bench::Symbol s : string) line += " " + std::to_string(s);
    out->write(line + "\n");
  }
  out->commit();
  summarize(io, o.output, {{"strings", o.n.value}});
  return 0;
}

void model_output(core::Command& cmd, LearnOptions& o) {
  cmd.option("-o,--output", &o.output, "write the model there instead of stdout")
      .value_name("FILE");
  cmd.option("--dot", &o.dot, "write the model as a Graphviz digraph too").value_name("FILE");
}

void register_fit(core::Command& learn) {
  auto o = std::make_shared<LearnOptions>();
  auto cmd = learn.subcommand("fit", "a state machine from strings or trials");
  cmd.option("TRAIN", &o->train, "Abbadingo strings, or trial records").required();
  cmd.option("--score", &o->score, "rpni and edsm learn acceptors, the others generators")
      .one_of({"rpni", "edsm", "alergia", "likelihood"});
  cmd.option("--alpha", &o->alpha, "significance; 0.05 for alergia, 1e-5 for likelihood")
      .range(1e-300, 1);
  cmd.option("--blue", &o->blue, "edsm: which states are tried before each merge")
      .one_of({"largest", "all"});
  cmd.option("--labelled", &o->labelled, "each line begins with a label");
  cmd.option("--from", &o->form, "what TRAIN holds; auto looks at a file's first byte")
      .one_of({"auto", "abbadingo", "trials"});
  cmd.option("--abstract", &o->abstract, "trials: the symbol of a step")
      .one_of({"verb", "verb+outcome"});
  model_output(cmd, *o);
  cmd.run([o](core::Io& io) { return fit(*o, io); });
}

void register_stream(core::Command& learn) {
  auto o = std::make_shared<LearnOptions>();
  auto cmd = learn.subcommand("stream", "the same from a stream, in memory that does not grow");
  cmd.option("TRAIN", &o->train, "Abbadingo strings; - is stdin").required();
  cmd.option("--batch", &o->batch, "strings between two searches").value_name("N").at_least(1);
  cmd.option("--alpha", &o->alpha, "significance; default 0.05").range(1e-300, 1);
  cmd.option("--sketch", &o->sketch, "what is hashed: the next symbols, or their set")
      .one_of({"count-min", "min-hash"});
  cmd.option("--max-states", &o->max_states, "no more states than this")
      .value_name("N")
      .range(1, 65536);
  cmd.option("--labelled", &o->labelled, "each line begins with a label");
  model_output(cmd, *o);
  cmd.run([o](core::Io& io) { return stream(*o, io); });
}

void register_eval(core::Command& learn) {
  auto o = std::make_shared<LearnOptions>();
  auto cmd = learn.subcommand("eval", "accuracy or perplexity on a test set");
  cmd.option("--model", &o->model, "a model of fit or stream").value_name("FILE").required();
  cmd.option("TEST", &o->test, "Abbadingo strings").required();
  cmd.option("--solution", &o->solution, "the target's probabilities: prints the perplexity")
      .value_name("FILE");
  cmd.option("--labels", &o->labels, "one character per test string: prints the accuracy")
      .value_name("FILE");
  cmd.option("--probs", &o->probs, "one number per test string");
  cmd.option("--labelled", &o->labelled, "each line begins with a label");
  cmd.option("-o,--output", &o->output, "write there instead of stdout").value_name("FILE");
  cmd.run([o](core::Io& io) { return eval(*o, io); });
}

void register_sample(core::Command& learn) {
  auto o = std::make_shared<LearnOptions>();
  auto cmd = learn.subcommand("sample", "strings that a model generates");
  cmd.option("--model", &o->model, "a model").value_name("FILE").required();
  cmd.option("-n,--count", &o->n, "how many").value_name("N");
  cmd.option("--max-length", &o->max_length, "cut longer strings off").value_name("N");
  cmd.option("-o,--output", &o->output, "write there instead of stdout").value_name("FILE");
  cmd.run([o](core::Io& io) { return sample(*o, io); });
}

}  // namespace

void register_learn(core::Tool& tool) {
  auto learn = tool.subcommand("learn", "state machines from traces");
  register_fit(learn);
  register_stream(learn);
  register_eval(learn);
  register_sample(learn);
}

}  // namespace stateutils::tools
