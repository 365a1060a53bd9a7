// The option table: parsing, ranges, common errors. The parser behind it is CLI11; what is tested
// is the contract of core/cli.hpp.
#include "core/cli.hpp"

#include <doctest.h>

#include "core/cli_table.hpp"
#include "core/error.hpp"

using namespace stateutils::core;

namespace {

struct Fixture {
  std::shared_ptr<Command::State> table = std::make_shared<Command::State>();
  Command root{table};
  int agents = 3;
  bool bound = true;
  std::vector<std::string> files, mutants;
  std::vector<std::int64_t> sizes;
  std::string order = "log";
  std::optional<ByteSize> memory;
  std::optional<std::string> json;
  int level = 0;

  Fixture() {
    table->name = "toy";
    Command run = root.subcommand("run", "runs");
    run.option("--agents", &agents, "how many").range(1, 16);
    run.option("--bound,!--no-bound", &bound, "print the bound");
    run.option("--mutant", &mutants, "a mutant, repeatable");
    run.option("--sizes", &sizes, "capacities").comma_list();
    run.option("--order", &order, "order").one_of({"log", "interval"});
    run.option("--mem", &memory, "memory").excludes("--order");
    run.option("FILE", &files, "inputs");
    run.flag(
        "-1", [this] { level = 1; }, "fast");
    run.flag(
        "-9", [this] { level = 9; }, "small");
    run.run([](Io&) { return 0; });
    Command kernel = root.subcommand("kernel", "kernels");
    kernel.subcommand("eig", "eigenvalues").run([](Io&) { return 0; });
  }

  Parsed parse(std::vector<std::string> words) {
    words.insert(words.begin(), "toy");
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    return parse_command_line(*table, static_cast<int>(words.size()), argv.data());
  }
};

Category failure(Fixture& fixture, std::vector<std::string> words) {
  try {
    (void)fixture.parse(std::move(words));
  } catch (const Error& error) {
    CHECK(std::string(error.what()).find('\n') == std::string::npos);
    return error.category();
  }
  FAIL("accepted");
  return Category::kVerdict;
}

}  // namespace

TEST_CASE("options, repeated options, lists, negations and positionals reach their targets") {
  Fixture f;
  const Parsed parsed = f.parse({"run", "--agents=5", "--mutant", "a", "x.jsonl", "--mutant", "b",
                                 "--sizes", "1,-2,3", "--no-bound", "--", "-odd"});
  CHECK(parsed.path == "run");
  CHECK(f.agents == 5);
  CHECK_FALSE(f.bound);
  CHECK(f.mutants == std::vector<std::string>{"a", "b"});
  CHECK(f.sizes == std::vector<std::int64_t>{1, -2, 3});
  CHECK(f.files == std::vector<std::string>{"x.jsonl", "-odd"});
}

TEST_CASE("a dash is a file name and the last of two levels wins") {
  Fixture f;
  (void)f.parse({"run", "-1", "-9", "-"});
  CHECK(f.level == 9);
  CHECK(f.files == std::vector<std::string>{"-"});
}

TEST_CASE("bad usage is one line of category usage") {
  Fixture f;
  CHECK(failure(f, {"run", "--agents", "17"}) == Category::kUsage);
  CHECK(failure(f, {"run", "--agents", "x"}) == Category::kUsage);
  CHECK(failure(f, {"run", "--agen", "3"}) == Category::kUsage);
  CHECK(failure(f, {"run", "--order", "clock"}) == Category::kUsage);
  CHECK(failure(f, {"run", "--mem", "1G", "--order", "log"}) == Category::kUsage);
  CHECK(failure(f, {"walk"}) == Category::kUsage);
  CHECK(failure(f, {"kernel"}) == Category::kUsage);
  CHECK(failure(f, {}) == Category::kUsage);
}

TEST_CASE("nested subcommands are named by their path; help is an outcome, not an error") {
  Fixture f;
  CHECK(f.parse({"kernel", "eig"}).path == "kernel eig");
  Fixture g;
  const Parsed help = g.parse({"run", "--help"});
  CHECK(help.what == Parsed::What::kHelp);
  CHECK(help.help.find("1..16") != std::string::npos);
}

TEST_CASE("the dump names every option with its default and range") {
  Fixture f;
  const std::string dump = dump_cli(*f.table);
  CHECK(dump.find(R"("names":["--agents"],"type":"INT","default":"3","range":"1..16")") !=
        std::string::npos);
  CHECK(dump.find(R"("names":["--bound","--no-bound"],"type":"FLAG")") != std::string::npos);
}
