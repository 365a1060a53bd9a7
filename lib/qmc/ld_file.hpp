// Generating vectors and matrices from files: LDData text (lattice, plattice, dnet, sobol,
// soboljk), the direction-number text of Joe and Kuo, and .npy.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/input.hpp"
#include "qmc/net2.hpp"
#include "qmc/netb.hpp"

namespace stateutils::qmc {

struct LdFile {
  enum class Kind { kLattice, kNet2, kNetB };
  Kind kind = Kind::kLattice;
  std::string keyword;                   // as in the file: lattice, plattice, dnet, sobol, soboljk
  std::uint64_t points = 0;              // the most that the file promises; 0: no bound
  std::vector<std::uint64_t> generator;  // kLattice
  Net2 net;                              // kNet2
  std::vector<DigitMatrix> matrices;     // kNetB

  [[nodiscard]] std::size_t dims() const;
};

// Parses the text of a file; `name` is for messages. Everything wrong is kInput with the line.
[[nodiscard]] LdFile parse_ld_text(std::string_view text, const std::string& name);
// Reads a file of at most 256 MiB, .npy (a vector is a lattice, a matrix the columns of a net in
// base 2, one dimension a row) or text.
[[nodiscard]] LdFile read_ld_file(const std::string& path);

// One integer a line, '#' comments.
[[nodiscard]] std::vector<std::uint64_t> parse_integers(std::string_view text,
                                                        const std::string& name);

// The net of a polynomial lattice: point h has the coordinates phi(h a_j / Q), phi the value in the
// base of a Laurent series in 1/z. Polynomials are integers whose digit i belongs to z^i.
[[nodiscard]] Net2 polynomial_lattice2(std::uint64_t modulus, unsigned degree,
                                       const std::vector<std::uint64_t>& polynomials);
[[nodiscard]] DigitMatrix polynomial_lattice(std::uint32_t base, std::uint64_t modulus,
                                             unsigned degree, std::uint64_t polynomial);

// LDData text of a lattice or of a net in base 2.
[[nodiscard]] std::string lattice_text(const std::vector<std::uint64_t>& generator,
                                       std::uint64_t points);
[[nodiscard]] std::string dnet_text(const Net2& net);

}  // namespace stateutils::qmc
