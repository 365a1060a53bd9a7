#include <algorithm>
#include <cmath>
#include <span>

#include "core/error.hpp"
#include "core/hash.hpp"
#include "known_answers.hpp"
#include "qmc/net2.hpp"

namespace stateutils::qmc {

TEST_CASE("Philox4x32-10 of Salmon et al. 2011") {
  const auto zero = core::philox4x32({0, 0, 0, 0}, 0, 0);
  CHECK(zero == core::PhiloxBlock{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  const auto ones = core::philox4x32({~0u, ~0u, ~0u, ~0u}, ~0u, ~0u);
  CHECK(ones == core::PhiloxBlock{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
}

TEST_CASE("Sobol' points: first 64 of 16 dimensions") {
  for (const bool gray : {false, true}) {
    PointSpec spec = spec_of("sobol", 16, "none");
    spec.order = gray ? Order::kGray : Order::kNatural;
    const auto expected =
        kat_integers(gray ? "sobol_gray_64x16_u32.npy" : "sobol_natural_64x16_u32.npy");
    CHECK(shifted_right(words_of(spec, 0, 64), 32) == expected);
  }
}

TEST_CASE("Sobol' spot values up to dimension 21201 and index 2^32 - 1") {
  const auto file = kat_json("known-answers.json");
  for (const auto& spot : file["sobol_spots"]) {
    PointSpec spec = spec_of("sobol", 21201, "none");
    spec.dims = {spot["dim"].get<std::uint32_t>() - 1};
    const auto i = spot["i"].get<std::uint64_t>();
    CHECK((words_of(spec, i, 1)[0] >> 32) == spot["natural_u32"].get<std::uint64_t>());
    spec.order = Order::kGray;
    CHECK((words_of(spec, i, 1)[0] >> 32) == spot["gray_u32"].get<std::uint64_t>());
  }
}

TEST_CASE("SHA-256 of slices of doubles") {
  const auto file = kat_json("known-answers.json");
  for (const auto& row : file["sobol_sha256_f64_C_order"]) {
    PointSpec spec = spec_of("sobol", row["d"].get<std::uint32_t>(), "none");
    spec.order = row["order"] == "gray" ? Order::kGray : Order::kNatural;
    const auto x =
        doubles_of(spec, row["start"].get<std::uint64_t>(), row["n"].get<std::uint64_t>());
    CHECK(core::sha256_hex({reinterpret_cast<const char*>(x.data()), x.size() * 8}) ==
          row["sha256"].get<std::string>());
  }
}

TEST_CASE("linear matrix scrambling with given matrices and shift") {
  PointSpec spec;
  spec.d = 4;
  spec.lms = read_given_array(kat_path("lms_S_rows_u64_d4_t53.npy"), "lms");
  spec.shift = read_given_array(kat_path("lms_shift_u64_d4_t53.npy"), "shift");
  CHECK(shifted_right(words_of(spec, 0, 64), 11) == kat_integers("lms_ds_points_u64_64x4_t53.npy"));

  const auto rows = kat_integers("lms_S_rows_u64_d4_t53.npy");
  const auto expected = kat_integers("lms_C_scrambled_u64_d4_t53.npy");
  const std::vector<std::uint32_t> dims = {0, 1, 2, 3};
  const Net2 net = sobol_net(dims);
  std::vector<std::uint64_t> columns(32);
  for (std::size_t j = 0; j < 4; ++j) {
    scramble_columns(std::span(rows).subspan(j * 53, 53), 32, net.matrix(j), columns);
    for (std::size_t c = 0; c < 32; ++c) CHECK((columns[c] >> 11) == expected[j * 32 + c]);
  }
}

TEST_CASE("digit interlacing") {
  for (const unsigned alpha : {2u, 3u, 4u}) {
    PointSpec spec = spec_of("sobol", 3, "none");
    spec.alpha = alpha;
    spec.bits = 64;
    CHECK(words_of(spec, 0, 32) ==
          kat_integers("ho_alpha" + std::to_string(alpha) + "_points_u64_32x3_t64.npy"));
  }
  PointSpec spec;
  spec.d = 3;
  spec.alpha = 2;
  spec.lms = read_given_array(kat_path("ho2_lms_S_rows_u64_d6_t63.npy"), "lms");
  CHECK(shifted_right(words_of(spec, 0, 32), 1) == kat_integers("ho2_lms_points_u64_32x3_t63.npy"));
}

TEST_CASE("rank-1 lattice in three orders") {
  PointSpec spec = spec_of("lattice", 6, "none");
  CHECK(doubles_of(spec, 0, 32) == kat_doubles("lattice_33002_natural_f64_32x6.npy"));
  spec.order = Order::kGray;
  CHECK(doubles_of(spec, 0, 32) == kat_doubles("lattice_33002_gray_f64_32x6.npy"));
  spec.order = Order::kLinear;
  spec.total = 32;
  CHECK(doubles_of(spec, 0, 32) == kat_doubles("lattice_33002_linear_f64_32x6.npy"));
}

TEST_CASE("a lattice shifted by given fractions") {
  // The file was computed with doubles, rounded; ours is the 64-bit sum, truncated.
  PointSpec spec = spec_of("lattice", 6, "shift");
  spec.shift = GivenArray{};
  spec.shift->shape = {6};
  const auto file = kat_json("known-answers.json");
  for (const auto& x : file["lattice_shift"]) {
    spec.shift->fractions.push_back(x.get<double>());
  }
  const auto expected = kat_doubles("lattice_33002_natural_shift_f64_32x6.npy");
  const auto x = doubles_of(spec, 0, 32);
  for (std::size_t i = 0; i < x.size(); ++i) CHECK(std::abs(x[i] - expected[i]) <= 0x1p-53);
}

TEST_CASE("linear order of any total is exact") {
  PointSpec spec = spec_of("lattice", 3, "none");
  spec.order = Order::kLinear;
  spec.total = 1000;
  const std::uint64_t g[] = {1, 182667, 213731};
  const auto x = doubles_of(spec, 0, 1000);
  for (std::uint64_t i = 0; i < 1000; ++i) {
    for (std::size_t j = 0; j < 3; ++j) {
      const double exact = static_cast<double>(i * g[j] % 1000) / 1000;
      CHECK(std::abs(x[i * 3 + j] - exact) <= 0x1p-53);
      CHECK(x[i * 3 + j] <= exact);
    }
  }
}

TEST_CASE("Philox draws: shift, ds, LMS, iid, exact nested scrambling") {
  const auto file = kat_json("philox-seed7.json");
  for (const auto& known : file["cases"]) {
    const auto r = known["replication"].get<std::uint32_t>();
    const auto check = [&](const char* sequence, const char* randomize, unsigned alpha,
                           const char* key) {
      PointSpec spec = spec_of(sequence, 4, randomize);
      spec.seed = 7;
      spec.alpha = alpha;
      spec.replications = r + 1;
      const auto expected = flat(known[key]);
      CHECK(shifted_right(words_of(spec, 0, expected.size() / 4, r), 11) == expected);
    };
    check("sobol", "lms+ds", 1, "lms_ds_points_u53");
    check("sobol", "ds", 1, "ds_points_u53");
    check("iid", "none", 1, "iid_points_u53");
    check("sobol", "nus", 1, "nus_points_u53");
    check("sobol", "nus", 2, "nus_alpha2_points_u53");
    PointSpec spec = spec_of("lattice", 4, "shift");
    spec.seed = 7;
    CHECK(words_of(spec, 0, 1, r) == known["shift64"].get<std::vector<std::uint64_t>>());
    const auto rows = known["lms_rows_dim2_first8"].get<std::vector<std::uint64_t>>();
    const auto drawn = draw_lms_rows({7, r}, 1, 53, 32);
    CHECK(std::vector<std::uint64_t>(drawn.begin(), drawn.begin() + 8) == rows);
  }
}

TEST_CASE("Halton and Faure points") {
  CHECK(doubles_of(spec_of("halton", 6, "none"), 0, 64) == kat_doubles("halton_f64_64x6.npy"));
  // Ours are the nearest doubles; the file was summed digit by digit.
  const auto faure = doubles_of(spec_of("faure", 5, "none"), 0, 125);
  const auto summed = kat_doubles("faure_b5_f64_125x5.npy");
  for (std::size_t i = 0; i < faure.size(); ++i) {
    CHECK(std::abs(faure[i] - summed[i]) <= 0x1p-53);
    CHECK(faure[i] == std::round(faure[i] * 125) / 125);
  }
  const auto primes = first_primes(1000);
  const auto file = kat_json("known-answers.json");
  for (const auto& spot : file["halton_spots"]) {
    const auto base = spot["base"].get<std::uint32_t>();
    PointSpec spec = spec_of("halton", 1000, "none");
    const auto found = std::find(primes.begin(), primes.end(), base);
    spec.dims = {static_cast<std::uint32_t>(found - primes.begin())};
    const double expected = spot["value"].get<double>();
    const double x = doubles_of(spec, spot["i"].get<std::uint64_t>(), 1)[0];
    CHECK(std::abs(x - expected) <= std::nextafter(expected, 1) - expected);
  }
}

TEST_CASE("permutations of Halton's digits") {
  const auto file = kat_json("philox-seed7.json");
  const std::uint32_t bases[] = {2, 3, 5, 7};
  for (const auto& known : file["cases"]) {
    const Stream stream{7, known["replication"].get<std::uint32_t>()};
    for (std::uint32_t j = 0; j < 4; ++j) {
      CHECK(draw_permutation(stream, Tag::kPermutation, j, bases[j], 0) ==
            known["halton_perm_base_2_3_5_7_digit0"][j].get<std::vector<std::uint32_t>>());
    }
    CHECK(draw_permutation(stream, Tag::kPermutation, 3, 7, 3) ==
          known["halton_perm_base_7_digit3"].get<std::vector<std::uint32_t>>());
  }
}

TEST_CASE("QMCPy's numbers for seed 7") {
  const auto known = kat_json("qmcpy-compat.json");
  PointSpec lattice = spec_of("lattice", 2, "shift");
  lattice.seed = 7;
  lattice.numpy = true;
  CHECK(doubles_of(lattice, 0, 1) == known["lattice_shift_seed7_d2"].get<std::vector<double>>());

  const auto& net = known["digital_net_lms_ds_seed7_d2_t63"];
  PointSpec spec = spec_of("sobol", 2, "lms+ds");
  spec.seed = 7;
  spec.numpy = true;
  const auto x = doubles_of(spec, 0, 16);
  for (std::size_t i = 0; i < x.size(); ++i) {
    CHECK(std::abs(x[i] - net["points_first16"][i / 2][i % 2].get<double>()) <= 0x1p-53);
  }
  const PointSet set(spec);
  const DrawnRandomness drawn = set.drawn(0);
  CHECK(drawn.shift == net["shift_u64"].get<std::vector<std::uint64_t>>());
  CHECK(drawn.lms == flat(net["S_rows_u64"]));
}

TEST_CASE("Kronecker constants: the golden ratio and its generalization") {
  CHECK(kronecker_constants(1)[0] == 0x9E3779B97F4A7C15u);  // floor(2^64 / 1.618...)
  // d = 2: the plastic number 1.32471795724474602596 (Roberts's R2 sequence).
  const auto two = kronecker_constants(2);
  CHECK(static_cast<double>(two[0]) * 0x1p-64 ==
        doctest::Approx(0.7548776662466927).epsilon(1e-15));
  CHECK(static_cast<double>(two[1]) * 0x1p-64 ==
        doctest::Approx(0.5698402909980532).epsilon(1e-15));
}

TEST_CASE("conversions truncate and never reach 1") {
  const std::uint64_t words[] = {~0ull, 0, 1ull << 63, ~0ull << 11, 0x7FF};
  for (const core::Isa isa : core::available_isas()) {
    const BlockKernels& kernels = block_kernels(isa);
    std::vector<double> f64(5), open(5);
    std::vector<float> f32(5), open32(5);
    kernels.convert[static_cast<int>(Format::kF64)](words, 5, f64.data());
    kernels.convert[static_cast<int>(Format::kF64Open)](words, 5, open.data());
    kernels.convert[static_cast<int>(Format::kF32)](words, 5, f32.data());
    kernels.convert[static_cast<int>(Format::kF32Open)](words, 5, open32.data());
    CHECK(f64 == std::vector<double>{1 - 0x1p-53, 0, 0.5, 1 - 0x1p-53, 0});
    CHECK(open == std::vector<double>{1 - 0x1p-53, 0x1p-53, 0.5 + 0x1p-53, 1 - 0x1p-53, 0x1p-53});
    CHECK(f32 == std::vector<float>{1 - 0x1p-24f, 0, 0.5, 1 - 0x1p-24f, 0});
    CHECK(open32 ==
          std::vector<float>{1 - 0x1p-24f, 0x1p-24f, 0.5f + 0x1p-24f, 1 - 0x1p-24f, 0x1p-24f});
  }
}

TEST_CASE("requests that are not defined are usage errors") {
  const auto usage = [](const PointSpec& spec, std::uint64_t first, std::uint64_t rows) {
    try {
      const PointSet set(spec);
      set.require_rows(first, rows);
    } catch (const core::Error& error) {
      return error.category() == core::Category::kUsage;
    }
    return false;
  };
  CHECK(usage(spec_of("sobol", 21202, "none"), 0, 1));
  CHECK(usage(spec_of("sobol", 1, "shift"), 0, 1));
  CHECK(usage(spec_of("lattice", 1, "lms"), 0, 1));
  CHECK(usage(spec_of("sobol", 1, "none"), 1ull << 32, 1));
  CHECK(usage(spec_of("lattice", 1, "none"), 0, (1 << 20) + 1));
  CHECK(usage(spec_of("sobol", 1, "none"), ~0ull, 2));
  CHECK(usage(spec_of("sobl", 1, "none"), 0, 1));
  CHECK_FALSE(usage(spec_of("sobol", 21201, "none"), (1ull << 32) - 1, 1));
  PointSpec extended = spec_of("lattice", 1, "none");
  extended.allow_extend = true;
  CHECK_FALSE(usage(extended, 1 << 20, 5));
}

}  // namespace stateutils::qmc
