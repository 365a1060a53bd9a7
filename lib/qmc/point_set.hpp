// A randomized point set as people ask for it: sequence, dimensions, order, randomization.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "qmc/ld_file.hpp"
#include "qmc/points.hpp"
#include "qmc/randomness.hpp"
#include "qmc/sequences.hpp"

namespace stateutils::qmc {

enum class Sequence { kSobol, kNet, kLattice, kHalton, kFaure, kNetB, kKronecker, kIid };

// What is drawn; several parts may act together.
struct Randomize {
  bool shift = false, digital_shift = false, lms = false, permute = false, nested = false,
       multiply = false, owen_hash = false;
  friend bool operator==(const Randomize&, const Randomize&) = default;
};
// none shift ds lms lms+ds perm lms+perm nus qrng owen-hash; kUsage otherwise.
[[nodiscard]] Randomize parse_randomize(std::string_view name);
[[nodiscard]] std::string randomize_name(const Randomize& randomize);

// Randomness given instead of drawn: integers as in the file, or f64 fractions.
struct GivenArray {
  std::vector<std::uint64_t> shape, values;
  std::vector<double> fractions;  // replaces values
  std::string file;               // for messages
};
// Reads .npy (u64, i64 or f64), or the tensor `name` of a safetensors file.
[[nodiscard]] GivenArray read_given_array(const std::string& path, const std::string& name);

struct PointSpec {
  std::string sequence = "sobol";   // with ":FILE" where there is one
  std::optional<std::uint32_t> d;   // number of dimensions
  std::vector<std::uint32_t> dims;  // chosen dimensions from 0; empty: the first d
  Order order = Order::kNatural;
  std::optional<Randomize> randomize;  // the sequence's default
  unsigned alpha = 1;
  std::optional<unsigned> bits;
  std::uint64_t seed = 0;
  bool numpy = false;  // QMCPy's generator in place of Philox
  std::uint32_t replications = 1;
  std::optional<std::uint64_t> total;
  bool hammersley = false, allow_extend = false;
  std::optional<GivenArray> lms, shift, perms;
  std::optional<std::vector<std::uint64_t>> multipliers;
};

// The parts that were drawn for (or given to) one replication, as files of them hold them.
struct DrawnRandomness {
  unsigned bits = 64;                // digits of `shift` and rows of `lms`
  std::vector<std::uint64_t> lms;    // (dims alpha, bits)
  std::vector<std::uint64_t> shift;  // (dims)
  std::vector<std::uint32_t> perms;  // (dims, positions, largest base)
  std::vector<std::uint64_t> lms_shape, shift_shape, perms_shape;
};

class PointSet {
 public:
  // Checks everything that does not depend on the rows; kUsage for what is not defined.
  explicit PointSet(PointSpec spec);
  ~PointSet();
  PointSet(PointSet&&) noexcept;

  // Whether rows [first, first + rows) exist; kUsage when not.
  void require_rows(std::uint64_t first, std::uint64_t rows) const;
  // Natural sizes up to `most`: the largest power of 2 of points that there are.
  [[nodiscard]] std::uint64_t largest_size(std::uint64_t most) const;
  [[nodiscard]] std::unique_ptr<Points> replication(std::uint32_t r) const;
  // Only column `column` of a replication, for column-major output.
  [[nodiscard]] std::unique_ptr<Points> column(std::uint32_t r, std::size_t column) const;
  [[nodiscard]] DrawnRandomness drawn(std::uint32_t r) const;

  [[nodiscard]] std::size_t columns() const;  // hammersley's coordinate included
  [[nodiscard]] const Randomize& randomize() const;
  [[nodiscard]] bool is_net() const;     // powers of the base are the natural sizes
  [[nodiscard]] bool is_random() const;  // the seed matters
  [[nodiscard]] const PointSpec& spec() const;
  [[nodiscard]] Sequence sequence() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace stateutils::qmc
