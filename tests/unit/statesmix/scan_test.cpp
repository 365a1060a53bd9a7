// Every form of the scan against known answers and against the recurrence.
#include "statesmix/scan/scan.hpp"

#include <doctest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <random>

using namespace stateutils::statesmix;

namespace {

std::vector<double> flat(const nlohmann::json& j) {
  std::vector<double> v;
  for (const auto& e : j) {
    if (e.is_array()) {
      const std::vector<double> inner = flat(e);
      v.insert(v.end(), inner.begin(), inner.end());
    } else {
      v.push_back(e.get<double>());
    }
  }
  return v;
}

template <class Real>
double distance(const std::vector<Real>& a, const std::vector<Real>& b) {
  double worst = 0;
  for (std::size_t i = 0; i < a.size(); ++i)
    worst = std::max(worst, std::fabs(static_cast<double>(a[i]) - static_cast<double>(b[i])));
  return a.size() == b.size() ? worst : 1e9;
}

template <class Real>
struct Case {
  std::vector<Real> a, b, c, x;
  ScanRows<Real> rows;

  Case(std::size_t t, std::size_t n, std::size_t p, unsigned seed) {
    std::mt19937 random(seed);
    std::uniform_real_distribution<Real> decay(Real(0.5), Real(1)), value(-1, 1);
    for (std::size_t i = 0; i < t; ++i) a.push_back(decay(random));
    for (std::size_t i = 0; i < t * n; ++i) b.push_back(value(random));
    for (std::size_t i = 0; i < t * n; ++i) c.push_back(value(random));
    for (std::size_t i = 0; i < t * p; ++i) x.push_back(value(random));
    rows = {t, n, p, a.data(), b.data(), c.data(), x.data()};
  }
};

template <class Real>
void forms_agree(double tolerance) {
  const Case<Real> c(101, 7, 3, 4);
  std::vector<Real> h0(21, Real(0.25)), y(303), h = h0;
  scan_recurrent(c.rows, h.data(), y.data());
  for (const std::size_t n : {1u, 2u, 10u, 64u, 500u}) {
    std::vector<Real> h1 = h0, y1(303), h2 = h0, y2(303);
    scan_chunked(c.rows, n, h1.data(), y1.data());
    scan_split(c.rows, n, h2.data(), y2.data());
    CHECK(distance(y, y1) < tolerance);
    CHECK(distance(h, h1) < tolerance);
    CHECK(distance(y, y2) < tolerance);
    CHECK(distance(h, h2) < tolerance);
  }
  // A prefix and one step more equal the scan of the whole.
  std::vector<Real> h3 = h0, y3(303);
  scan_recurrent(c.rows.part(0, 100), h3.data(), y3.data());
  scan_recurrent(c.rows.part(100, 101), h3.data(), y3.data() + 300);
  CHECK(y3 == y);
  CHECK(h3 == h);
}

}  // namespace

TEST_CASE("known answers: outputs, final state, ranks") {
  std::ifstream file(TESTDATA_DIR "/statesmix/ssd-known-answer.json");
  const nlohmann::json known = nlohmann::json::parse(file);
  const std::vector<double> a = flat(known["a"]), b = flat(known["B"]), c = flat(known["C"]),
                            x = flat(known["x"]);
  const ScanRows<double> rows{12, 3, 2, a.data(), b.data(), c.data(), x.data()};
  std::vector<double> h(6), y(24);
  scan_recurrent(rows, h.data(), y.data());
  CHECK(distance(y, flat(known["y"])) < 1e-12);
  CHECK(distance(h, flat(known["h_final"])) < 1e-12);
  for (std::size_t r = 0; r < 3; ++r) {
    const ScanSummary<double> s = summarise(rows.part(4 * r, 4 * r + 4));
    CHECK(std::fabs(s.decay - known["rank_decay_product"][r].get<double>()) < 1e-12);
    CHECK(distance(s.state, flat(known["rank_local_final_state"][r])) < 1e-12);
  }
}

TEST_CASE("all forms equal the recurrence") {
  forms_agree<double>(1e-12);
  forms_agree<float>(1e-5);
}

TEST_CASE("a prefix enters as the state it leaves") {
  const Case<double> c(9, 4, 2, 8);
  std::vector<double> pb(5 * 4, 0.5), px(5 * 2, 2.0), h(8), want(8), y(18);
  add_prefix(5, 4, 2, pb.data(), px.data(), h.data());
  for (double& v : want) v = 5.0;  // five pairs of 2 * 0.5
  CHECK(h == want);
  scan_recurrent(c.rows, h.data(), y.data());
  CHECK(std::isfinite(y.back()));
}

TEST_CASE("bidirectional: every token is in both directions") {
  const Case<double> c(6, 2, 1, 3);
  std::vector<double> h(2), y(6);
  scan_bidirectional(c.rows, h.data(), y.data());
  for (std::size_t t = 0; t < 6; ++t) {
    double want = 0;
    for (std::size_t j = 0; j < 6; ++j) {
      double decay = 1;
      for (std::size_t k = std::min(j, t) + (j < t ? 1 : 0); k < std::max(j, t) + (j < t ? 1 : 0);
           ++k)
        decay *= c.a[k];
      const double cb = c.c[2 * t] * c.b[2 * j] + c.c[2 * t + 1] * c.b[2 * j + 1];
      want += cb * c.x[j] * (j == t ? 2 : decay);
    }
    CHECK(y[t] == doctest::Approx(want).epsilon(1e-12));
  }
}

TEST_CASE("order: ascending, ties by index") {
  const std::vector<double> degree{3, 1, 2, 1};
  CHECK(ascending_order(degree) == std::vector<std::size_t>{1, 3, 2, 0});
}

// Reading twice (JRT): a state of s slots holds any s keys. The first pass finds which keys of the
// second set matter, the second pass keeps only those: set intersection with a state as small as
// the smaller set, which one pass cannot do without holding the larger set.
TEST_CASE("a repeated prompt solves set intersection in a state of s slots") {
  const std::vector<int> large{2, 3, 5, 7, 11, 13, 17, 19, 23, 29}, small{4, 5, 19};
  const std::size_t keys = 32, slots = small.size();
  const auto run = [&](bool twice) {
    // Slot i stands for small[i]: known only once the small set has been read.
    std::vector<std::vector<int>> passes{large, small};
    if (twice) {
      passes.push_back(large);
      passes.push_back(small);
    }
    std::vector<std::size_t> slot_of(keys, slots);
    std::vector<double> h(slots, 0.0);
    for (std::size_t pass = 0; pass < passes.size(); ++pass) {
      for (const int key : passes[pass]) {
        const auto k = static_cast<std::size_t>(key);
        if (pass % 2 == 1) {
          slot_of[k] =
              static_cast<std::size_t>(std::find(small.begin(), small.end(), key) - small.begin());
          continue;
        }
        std::vector<double> b(slots, 0.0);
        if (slot_of[k] < slots) b[slot_of[k]] = 1;
        const double a = 1, x = 1;
        double y = 0;
        const ScanRows<double> row{1, slots, 1, &a, b.data(), b.data(), &x};
        scan_recurrent(row, h.data(), &y);
      }
    }
    std::vector<int> found;
    for (std::size_t i = 0; i < slots; ++i) {
      if (h[i] > 0) found.push_back(small[i]);
    }
    return found;
  };
  CHECK(run(false).empty());
  CHECK(run(true) == std::vector<int>{5, 19});
}
