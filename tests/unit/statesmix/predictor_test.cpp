// Range coder, integer tables, bit histories, mixers: known answers and kernels that agree.
#include <doctest.h>

#include <random>

#include "core/hash.hpp"
#include "statesmix/cm/counter_states.hpp"
#include "statesmix/cm/hash_table.hpp"
#include "statesmix/cm/logistic.hpp"
#include "statesmix/cm/match_model.hpp"
#include "statesmix/cm/mixer_kernels.hpp"
#include "statesmix/coder/range_coder.hpp"
#include "statesmix/isa.hpp"

using namespace stateutils;
using namespace stateutils::statesmix;

TEST_CASE("the range coder returns every bit under any probabilities") {
  std::mt19937_64 random(7);
  std::vector<std::uint32_t> p;
  std::vector<int> bits;
  for (int i = 0; i < 50000; ++i) {
    const std::uint64_t r = random();
    const std::uint32_t q =
        i % 3 == 0 ? 1 : (i % 3 == 1 ? 65535 : 1 + static_cast<std::uint32_t>(r % 65535));
    p.push_back(q);
    bits.push_back((r >> 40 & 0xFFFF) < q ? 1 : 0);
  }
  std::vector<std::uint8_t> coded;
  RangeEncoder encoder(coded);
  for (std::size_t i = 0; i < bits.size(); ++i) encoder.encode(bits[i], p[i]);
  encoder.finish();
  RangeDecoder decoder(coded.data(), coded.size());
  bool same = true;
  for (std::size_t i = 0; i < bits.size(); ++i) same = same && decoder.decode(p[i]) == bits[i];
  CHECK(same);
  CHECK_FALSE(decoder.overrun());
  CHECK(decoder.at_end());
}

TEST_CASE("a decoder that runs past its bytes says so") {
  const std::uint8_t data[2] = {1, 2};
  RangeDecoder decoder(data, 2);
  CHECK(decoder.overrun());
}

TEST_CASE("portable exp and log agree with known values") {
  CHECK(portable_exp(0) == 1.0);
  CHECK(portable_exp(1) == doctest::Approx(2.718281828459045).epsilon(1e-15));
  CHECK(portable_exp(-20) == doctest::Approx(2.061153622438558e-9).epsilon(1e-14));
  CHECK(portable_log(1) == 0.0);
  CHECK(portable_log(10) == doctest::Approx(2.302585092994046).epsilon(1e-15));
  CHECK(portable_log(1e-9) == doctest::Approx(-20.72326583694641).epsilon(1e-15));
}

TEST_CASE("the logistic tables are the ones of this model id") {
  const LogisticTables& t = logistic_tables();
  CHECK(squash(t, 0) == 32768);
  CHECK(squash(t, 256) == 47911);  // 65536 / (1 + e^-1)
  CHECK(squash(t, -4000) == squash(t, -kStretchLimit));
  for (int s = -1600; s <= 1600; s += 50) CHECK(std::abs(stretch(t, squash(t, s)) - s) <= 10);
  std::uint32_t crc = core::crc32c(0, t.squash, sizeof t.squash);
  crc = core::crc32c(crc, t.stretch, sizeof t.stretch);
  crc = core::crc32c(crc, t.map_rate, sizeof t.map_rate);
  CHECK(crc == 0xA5CCD95Eu);
}

TEST_CASE("bit histories count, forget and stay within bounds") {
  const CounterStates& s = counter_states();
  std::uint32_t state = 0;
  for (int i = 0; i < 10; ++i) state = s.after(state, 0);
  CHECK(s.start[state] == (1u << 22) * 2 / 54);  // n0 = 10, n1 = 0: (0 + 2/5) / (10 + 4/5)
  state = s.after(state, 1);                     // n0 drops from 10 to 6, n1 = 1
  CHECK(s.start[state] == (1u << 22) * 7 / 39);
  for (std::uint32_t i = 0; i < s.size(); ++i) {
    CHECK(s.after(i, 0) < s.size());
    CHECK(s.after(i, 1) < s.size());
  }
}

TEST_CASE("a bucket holds the second nibble that came first") {
  Bucket bucket{};
  CHECK(bucket.inside(0x1A) == bucket.second);  // the partial byte with its leading one
  CHECK(bucket.inside(0x1B) == bucket.second);  // nothing was learned yet
  bucket.second[0] = 1;
  CHECK(bucket.inside(0x1B) == bucket.second);
  CHECK(bucket.inside(0x1A) == nullptr);
}

TEST_CASE("the hash table finds what it keeps, and the least known gives way") {
  std::vector<Bucket> buckets(8);
  HashTable table;
  table.attach(buckets.data(), 3);
  const auto put = [&](std::uint16_t check, Slot state) {
    Bucket* b = table.find(4, check);
    b->first[0] = state;
    return b;
  };
  Bucket* const a = put(1, 30);
  Bucket* const b = put(2, 20);
  Bucket* const c = put(3, 40);
  CHECK(table.find(4, 1) == a);
  CHECK(table.find(4, 2) == b);
  CHECK(table.find(4, 3) == c);
  Bucket* const fresh = table.find(4, 4);
  CHECK(fresh == b);
  CHECK(fresh->first[0] == 0);
  CHECK(fresh->check == 4);
}

TEST_CASE("a match is found, followed and dropped on the first wrong bit") {
  std::vector<std::uint32_t> positions(1 << 10, 0), cells(MatchModel::kCells);
  MatchModel match;
  match.attach(positions.data(), 10, cells.data(), 5);
  const std::string text = "the quick fox the quick dog";
  const auto* h = reinterpret_cast<const std::uint8_t*>(text.data());
  for (std::size_t i = 0; i <= 20; ++i) {
    match.prepare_byte(h, i);
    match.start_byte(h, i);
  }
  CHECK(match.expected() == 'i');  // "the q|u" repeats: after "qu"... at position 20 comes "ick"
  CHECK(match.length() >= 5);
  CHECK(match.predict(logistic_tables(), 0).stretched < 0);  // the top bit of 'i' is 0
  match.update(1, logistic_tables());
  CHECK(match.length() == 0);
}

TEST_CASE("all mixer kernels give the same numbers") {
  std::mt19937 random(3);
  const int n = 240, sets = 5;  // more than the kernels take at once
  std::vector<std::int16_t> x(n);
  for (auto& v : x) v = static_cast<std::int16_t>(static_cast<int>(random() % 6143) - 3071);
  std::vector<std::vector<std::int32_t>> weights(sets, std::vector<std::int32_t>(n));
  for (auto& row : weights) {
    for (auto& w : row) w = static_cast<std::int32_t>(random() % 400000) - 200000;  // some saturate
  }
  std::vector<std::int16_t> error{-32768, 32767, 5, -1, 0};
  std::vector<std::int32_t> want_dot;
  std::vector<std::vector<std::int32_t>> want_weights;
  for (const Isa isa : available_isas()) {
    CAPTURE(isa_name(isa));
    auto copy = weights;
    std::vector<std::int32_t*> rows;
    for (auto& row : copy) rows.push_back(row.data());
    std::vector<std::int32_t> dots(sets);
    const MixerKernels k = mixer_kernels(isa);
    k.dot(x.data(), n, rows.data(), sets, 492, dots.data());
    k.train(x.data(), n, rows.data(), sets, error.data());
    if (isa == Isa::kScalar) {
      want_dot = dots;
      want_weights = copy;
    }
    CHECK(dots == want_dot);
    CHECK(copy == want_weights);
  }
}
