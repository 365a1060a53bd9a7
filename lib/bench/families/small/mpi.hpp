// Parallel programs without their communication: MPI calls are taken out of C or C++ files and
// asked back.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace stateutils::bench {

struct MpiCall {
  std::uint64_t line = 1;    // of its first letter, from 1
  std::uint64_t offset = 0;  // in the original, bytes
  std::string text;          // "MPI_Send(...)" as it stands there
  [[nodiscard]] std::string function() const;
  [[nodiscard]] std::string arguments() const;  // blanks left out
};

struct StrippedSource {
  std::string text;  // calls gone, every line where it was
  std::vector<MpiCall> calls;
};

// Calls in comments, texts and preprocessor lines stay.
[[nodiscard]] StrippedSource strip_mpi(std::string_view source);
[[nodiscard]] std::string restore_mpi(const StrippedSource& stripped);

struct MpiAnswer {
  std::uint64_t line = 0;
  std::string call;
};
struct MpiScores {  // F1 measures
  double function = 0, place = 0, arguments = 0;
};
// Functions as a multiset; functions within one line of where they belong; of those, the ones with
// the right arguments too. Calls and answers are matched in order of their lines.
[[nodiscard]] MpiScores score_mpi(const std::vector<MpiCall>& wanted,
                                  const std::vector<MpiAnswer>& given);

}  // namespace stateutils::bench
