// Task records of one stream say much the same: the tools, the world, the state that all tasks of a
// pack start from. Such a text, met again byte for byte, is not parsed again: a mark that no input
// can foresee stands in its place.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/jsonl.hpp"

namespace stateutils::bench {

class KnownTexts : public core::LineShortener {
 public:
  enum Member : std::size_t { kWorld, kBase, kTools };  // in the order of the schema
  static constexpr std::size_t kMembers = 3;

  KnownTexts();
  [[nodiscard]] std::string_view shorten(std::string_view line) override;
  [[nodiscard]] bool stands(simdjson::dom::object object) override;

  // Takes over the texts of a line that was parsed and read without complaint, unless marks stood
  // for them.
  void learn(std::string_view line);
  [[nodiscard]] bool is_mark(Member member, const simdjson::dom::element& value) const;
  // What a mark stands for, as it was written; a text keeps its generation as long as it is known.
  [[nodiscard]] std::string_view text(Member member) const;
  [[nodiscard]] std::uint64_t generation(Member member) const { return known_[member].generation; }

 private:
  struct Known {
    std::string text;  // from the quote of its key to the closing bracket; empty: none yet
    std::string mark;  // a JSON string
    std::uint64_t generation = 0;
    int patience = 0;     // searches for a new text that may be made before one is met again
    bool marked = false;  // in the line at hand
  };

  std::array<Known, kMembers> known_;
  std::string short_;  // the line at hand, with marks
};

}  // namespace stateutils::bench
