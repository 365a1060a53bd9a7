// Which tensors of a catalogue a command works on, and under which names.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ckpt/formats/write_options.hpp"
#include "ckpt/model/catalogue.hpp"

namespace stateutils::ckpt {

struct Selection {
  std::vector<std::string> include, exclude;  // regular expressions, searched anywhere in the name
  std::vector<std::string> states;            // role names; empty: the command's default
};

// Keeps the tensors that pass; aliases of dropped tensors take their place. One state drops its
// suffix. `one_state`: without `states`, one entry per parameter, fp32 where there is one.
void apply_selection(Catalogue& catalogue, const Selection& selection, bool one_state);

// [[regex, replacement], ...] applied in order to every part that matches; \1 for groups. Two
// names made equal are kInput.
void apply_rename(Catalogue& catalogue, const std::string& file);

// A pattern that matches `name` literally.
[[nodiscard]] std::string quote_pattern(const std::string& name);

enum class Tied { kKeepFirst, kDuplicate, kAlias };

// The tensors behind their views. kKeepFirst leaves aliases for the writer to list, kAlias lets
// the target share storage, kDuplicate writes them whole.
[[nodiscard]] Target make_target(const Catalogue& catalogue, Tied tied);

}  // namespace stateutils::ckpt
