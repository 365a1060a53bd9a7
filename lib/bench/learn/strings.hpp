// Samples of strings over a numbered alphabet: Abbadingo files, and trials whose commands are the
// symbols.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/input.hpp"
#include "core/jsonl.hpp"

namespace stateutils::bench {

using Symbol = std::uint16_t;
inline constexpr std::uint32_t kMaxAlphabet = 65536;

struct Strings {
  std::uint32_t alphabet = 0;
  std::vector<Symbol> symbols;
  std::vector<std::size_t> begin{0};      // string i is symbols[begin[i] .. begin[i+1])
  std::vector<std::int8_t> labels;        // 1, 0, or -1 for unknown; empty when there are none
  std::vector<std::string> symbol_names;  // of trials; empty for numbered symbols

  [[nodiscard]] std::size_t size() const { return begin.size() - 1; }
  [[nodiscard]] std::span<const Symbol> operator[](std::size_t i) const {
    return {symbols.data() + begin[i], begin[i + 1] - begin[i]};
  }
  void clear();
};

// "count alphabet", then one string a line: [label] length symbol... A line that says otherwise
// than the header, a symbol outside the alphabet and an empty file are kInput with their line.
class AbbadingoReader {
 public:
  AbbadingoReader(core::ByteSource& source, bool labelled);
  [[nodiscard]] std::uint32_t alphabet() const { return alphabet_; }
  // Appends up to `most` strings; false when there were none left (and the count is right).
  [[nodiscard]] bool append(Strings& out, std::size_t most);

 private:
  [[nodiscard]] std::uint64_t number(std::string_view& line, const char* what) const;
  void read_line(std::string_view line, Strings& out) const;

  core::LineReader lines_;
  bool labelled_;
  std::uint64_t count_ = 0, seen_ = 0;
  std::uint32_t alphabet_ = 0;
};

[[nodiscard]] Strings read_abbadingo(core::ByteSource& source, bool labelled);

// One string per trial, one symbol per step: the words before the first flag, and with `outcomes`
// whether the step failed. The label is the strict verdict.
[[nodiscard]] Strings read_trials(core::ByteSource& source, bool outcomes);

}  // namespace stateutils::bench
