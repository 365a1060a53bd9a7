// Known answers from testdata/qmc-sample.
#pragma once

#include <doctest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/input.hpp"
#include "core/json.hpp"
#include "core/npy.hpp"
#include "qmc/point_set.hpp"

namespace stateutils::qmc {

inline std::string kat_path(const std::string& name) {
  return std::string(TESTDATA_DIR) + "/qmc-sample/" + name;
}
inline std::vector<std::uint64_t> kat_integers(const std::string& name) {
  return read_given_array(kat_path(name), "").values;
}
inline std::vector<double> kat_doubles(const std::string& name) {
  return read_given_array(kat_path(name), "").fractions;
}
inline nlohmann::json kat_json(const std::string& name) {
  return core::load_json(kat_path(name));
}

// Rows of one replication.
inline std::vector<std::uint64_t> words_of(const PointSpec& spec, std::uint64_t first,
                                           std::uint64_t rows, std::uint32_t r = 0) {
  const PointSet set(spec);
  std::vector<std::uint64_t> out(rows * set.columns());
  set.replication(r)->fill(first, rows, Format::kU64, out.data());
  return out;
}
inline std::vector<double> doubles_of(const PointSpec& spec, std::uint64_t first,
                                      std::uint64_t rows, std::uint32_t r = 0) {
  const PointSet set(spec);
  std::vector<double> out(rows * set.columns());
  set.replication(r)->fill(first, rows, Format::kF64, out.data());
  return out;
}
inline PointSpec spec_of(const std::string& sequence, std::uint32_t d,
                         const std::string& randomize) {
  PointSpec spec;
  spec.sequence = sequence;
  spec.d = d;
  spec.randomize = parse_randomize(randomize);
  return spec;
}
inline std::vector<std::uint64_t> shifted_right(std::vector<std::uint64_t> words, unsigned bits) {
  for (std::uint64_t& word : words) word >>= bits;
  return words;
}
// Nested arrays of integers, row by row.
inline std::vector<std::uint64_t> flat(const nlohmann::json& rows) {
  std::vector<std::uint64_t> out;
  for (const auto& row : rows) {
    for (const auto& value : row) out.push_back(value.get<std::uint64_t>());
  }
  return out;
}

}  // namespace stateutils::qmc
