// What a PointSet is made of: the choices of its specification, checked, and the files behind them.
// Internal to lib/qmc: point_set.cpp chooses and checks, point_set_build.cpp draws and builds.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "qmc/digit_points.hpp"
#include "qmc/point_set.hpp"

namespace stateutils::qmc {

struct PointSet::State {
  PointSpec spec;
  Sequence sequence = Sequence::kSobol;
  std::string path;
  LdFile file;
  Randomize randomize;
  std::vector<std::uint32_t> dims;  // chosen, from 0
  std::uint32_t d = 0;              // that defines the sequence where it depends on d
  unsigned bits = 64;
  std::uint64_t limit = 0;  // rows that exist; 0: 2^64
  std::vector<std::uint64_t> numpy_lms, numpy_shift;
  std::vector<std::uint32_t> primes;  // halton's bases; faure's single one

  void choose_dims();
  void load();
  void choose_randomize();
  void choose_bits();
  void check_order();
  void check_given(const GivenArray& array, std::size_t tail, std::uint64_t dims_wanted,
                   const char* option) const;
  void draw_numpy();

  [[nodiscard]] bool is_net2() const {
    return sequence == Sequence::kSobol || sequence == Sequence::kNet;
  }
  [[nodiscard]] Stream stream(std::uint32_t r) const { return {spec.seed, r}; }
  [[nodiscard]] std::uint64_t given_at(const GivenArray& array, std::uint32_t r,
                                       std::uint64_t per_dim, std::size_t position,
                                       std::uint64_t offset) const;
  [[nodiscard]] Net2 net(const std::vector<std::size_t>& positions, unsigned alpha) const;
  [[nodiscard]] std::vector<std::uint64_t> lms_rows(std::uint32_t r, std::size_t position,
                                                    unsigned k, unsigned t_in) const;
  [[nodiscard]] std::uint64_t shift_word(std::uint32_t r, std::size_t position) const;
  [[nodiscard]] std::vector<std::uint64_t> shifts(std::uint32_t r,
                                                  const std::vector<std::size_t>& positions) const;
  [[nodiscard]] std::unique_ptr<Points> build(std::uint32_t r,
                                              const std::vector<std::size_t>& positions) const;
  [[nodiscard]] std::unique_ptr<Points> build_net2(std::uint32_t r,
                                                   const std::vector<std::size_t>& positions) const;
  [[nodiscard]] DigitMatrix digit_matrix(std::uint32_t dim) const;
  [[nodiscard]] std::vector<std::vector<std::uint32_t>> digit_maps(std::uint32_t r,
                                                                   std::size_t position,
                                                                   std::uint32_t base) const;
  [[nodiscard]] std::unique_ptr<Points> build_digits(
      std::uint32_t r, const std::vector<std::size_t>& positions) const;
  [[nodiscard]] std::unique_ptr<Points> build_lattice(
      std::uint32_t r, const std::vector<std::size_t>& positions) const;
};

}  // namespace stateutils::qmc
