// Random inputs through random presets, block sizes and thread counts come back as they were, and
// the streams do not depend on threads or kernels.
#include <doctest.h>

#include <random>

#include "core/input.hpp"
#include "statesmix/codec/codec.hpp"
#include "statesmix/eval/evaluate.hpp"

using namespace stateutils;
using namespace stateutils::statesmix;

namespace {

// Alternates between text-like, table-like, repeated, constant and random stretches.
std::string sample(std::mt19937_64& random, std::size_t size) {
  std::string s;
  while (s.size() < size) {
    const std::uint64_t r = random();
    switch (r % 5) {
      case 0:
        for (int i = 0; i < 40; ++i) s += "etaoin shrdlu,\n"[(random() % 15)];
        break;
      case 1:
        s += std::to_string(r % 1000) + "," + std::to_string(r >> 50) + "\n";
        break;
      case 2:
        if (s.size() > 50) s += s.substr(s.size() - 50 + r % 30, 20);
        break;
      case 3:
        s.append(r % 200, static_cast<char>(r >> 20));
        break;
      default:
        for (int i = 0; i < 16; ++i) s.push_back(static_cast<char>(random()));
    }
  }
  s.resize(size);
  return s;
}

std::string code(const std::string& raw, int preset, std::uint64_t block, int threads, Isa isa) {
  class Source : public core::ByteSource {
   public:
    explicit Source(const std::string& data) : data_(data) {}
    std::size_t read(char* out, std::size_t size) override {
      const std::size_t n = std::min(size, data_.size() - at_);
      data_.copy(out, n, at_);
      at_ += n;
      return n;
    }

   private:
    const std::string& data_;
    std::size_t at_ = 0;
  } source(raw);
  core::MemoryOutput out;
  CompressOptions o;
  o.preset = preset;
  o.block_size = block;
  o.threads = threads;
  o.isa = isa;
  compress(source, out, o);
  return out.text();
}

}  // namespace

TEST_CASE("round trips at every preset") {
  std::mt19937_64 random(11);
  for (int round = 0; round < 18; ++round) {
    const int preset = 1 + round % 9;
    const std::string raw = sample(random, random() % 3000);
    const std::uint64_t block = 1 + random() % 4000;
    CAPTURE(preset);
    CAPTURE(raw.size());
    CAPTURE(block);
    const std::string coded = code(raw, preset, block, 1 + round % 3, active_isa());
    const auto source = core::memory_input(coded);
    std::string back;
    DecompressOptions o;
    o.isa = active_isa();
    o.threads = 1 + round % 2;
    static_cast<void>(decompress(
        *source, [&](std::span<const std::uint8_t> part) { back.append(part.begin(), part.end()); },
        o));
    CHECK(back == raw);
  }
}

TEST_CASE("one stream for every kernel and number of threads") {
  std::mt19937_64 random(12);
  const std::string raw = sample(random, 3000);
  for (const int preset : {2, 6}) {
    const std::string want = code(raw, preset, 1000, 1, Isa::kScalar);
    for (const Isa isa : available_isas()) CHECK(code(raw, preset, 1000, 1, isa) == want);
    for (const int threads : {2, 7}) CHECK(code(raw, preset, 1000, threads, active_isa()) == want);
  }
}

TEST_CASE("eval counts the bytes that compress writes") {
  std::mt19937_64 random(13);
  const std::string raw = sample(random, 6000);
  for (const int preset : {1, 4}) {
    EvalOptions e;
    e.preset = preset;
    e.isa = active_isa();
    e.every = 1000;
    const EvalResult r =
        evaluate({reinterpret_cast<const std::uint8_t*>(raw.data()), raw.size()}, e);
    const EncodedBlock block =
        encode_block({reinterpret_cast<const std::uint8_t*>(raw.data()), raw.size()}, preset, 0,
                     active_isa(), {});
    CHECK(r.bytes_out == block.header.coded_size);
    CHECK(r.curve.size() == 6);
    CHECK(r.curve.back().at == 6000);
    CHECK(r.curve.back().bpb == doctest::Approx(r.bpb).epsilon(0.02));
  }
}
