// The SSM: gradients against finite differences, kernels against the scalar one, learning.
#include <doctest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "statesmix/cm/arena.hpp"
#include "statesmix/ssm/kernels_impl.hpp"
#include "statesmix/ssm/ssm_model.hpp"
#include "statesmix/ssm/vec_scalar.hpp"
#include "vec_double.hpp"

using namespace stateutils::statesmix;

namespace {

// A chunk under random parameters and a random state carried in.
template <class Real>
struct Chunk {
  SsmLayout layout;
  std::vector<Real> params, grads, memory, input;
  SsmActivations<Real> acts;
  std::vector<std::uint8_t> target;

  Chunk(int width, int layers, unsigned seed)
      : layout(width, layers), params(layout.size), grads(layout.size) {
    std::vector<float> start(layout.size), embedding(256 * static_cast<std::size_t>(width));
    ssm_start_values(layout, start.data(), embedding.data());
    std::mt19937 random(seed);
    std::uniform_real_distribution<double> noise(-0.3, 0.3);
    for (std::size_t i = 0; i < params.size(); ++i) {
      // Padding columns of W_x stay zero, as in the codec.
      params[i] = static_cast<Real>(
          static_cast<float>(static_cast<double>(start[i]) + 0.3 * noise(random)));
    }
    memory.assign(SsmActivations<Real>::floats(width, layers), 0);
    acts.carve(memory.data(), width, layers);
    for (int l = 0; l < layers; ++l) {
      for (int i = 0; i < kStates * 2 * width; ++i)
        acts.layer[l].h[i] = static_cast<Real>(static_cast<float>(noise(random)));
      for (int i = 0; i < (kConv - 1) * 2 * width; ++i)
        acts.layer[l].u[i] = static_cast<Real>(static_cast<float>(noise(random)));
    }
    for (int i = 0; i < kChunk * width; ++i)
      input.push_back(static_cast<Real>(static_cast<float>(4 * noise(random))));
    for (int t = 0; t < kChunk; ++t) target.push_back(static_cast<std::uint8_t>(random()));
  }
  double loss(const SsmKernels<Real>& k) {
    k.derive(layout, params.data(), acts);
    std::copy(input.begin(), input.end(), acts.layer[0].x);
    double sum = 0;
    for (int t = 0; t < kChunk; ++t) {
      k.forward(layout, params.data(), acts, t, true);
      const std::uint8_t byte = target[static_cast<std::size_t>(t)];
      k.forward_second(layout, params.data(), acts, t, byte >> 4);
      sum -= std::log(static_cast<double>(acts.p[t * kNibble + (byte >> 4)])) +
             std::log(static_cast<double>(acts.p_second[t * kNibble + (byte & 15)]));
    }
    return sum;
  }
};

double relative_error(double a, double b) {
  return std::fabs(a - b) / std::max({std::fabs(a), std::fabs(b), 1e-2});
}

}  // namespace

TEST_CASE("gradients equal central differences in double precision") {
  for (const int layers : {1, 2}) {
    CAPTURE(layers);
    Chunk<double> chunk(32, layers, 5);
    const SsmKernels<double> k = make_ssm_kernels<VecDouble>(32);
    chunk.loss(k);
    k.backward(chunk.layout, chunk.params.data(), chunk.grads.data(), chunk.acts,
               chunk.target.data(), true);
    const std::vector<double> grads = chunk.grads;
    const std::vector<double> dx(chunk.acts.dx, chunk.acts.dx + kChunk * 32);
    const double e = 1e-5;
    double worst = 0;
    const auto check = [&](double& value, double gradient) {
      const double kept = value;
      value = kept + e;
      const double up = chunk.loss(k);
      value = kept - e;
      const double down = chunk.loss(k);
      value = kept;
      worst = std::max(worst, relative_error((up - down) / (2 * e), gradient));
    };
    // Some of every tensor: a stride that is prime to all row lengths.
    for (std::size_t i = 0; i < chunk.params.size(); i += 97) check(chunk.params[i], grads[i]);
    for (std::size_t i = 0; i < chunk.input.size(); i += 23) check(chunk.input[i], dx[i]);
    for (const std::size_t at :
         {chunk.layout.b_dt, chunk.layout.a_log, chunk.layout.d_skip, chunk.layout.conv}) {
      for (std::size_t i = 0; i < 8; ++i) check(chunk.params[at + i], grads[at + i]);
    }
    CHECK(worst < 1e-6);
  }
}

TEST_CASE("every kernel gives the scalar kernel's bits") {
  for (const int width : {32, 64, 96}) {
    std::vector<float> want;
    for (const Isa isa : available_isas()) {
      CAPTURE(width);
      CAPTURE(isa_name(isa));
      const SsmKernels<float> k = ssm_kernels(isa, width);
      Chunk<float> chunk(width, 1, 9);
      chunk.loss(k);
      k.backward(chunk.layout, chunk.params.data(), chunk.grads.data(), chunk.acts,
                 chunk.target.data(), true);
      std::vector<float> m(chunk.layout.size, 0.01f), v(chunk.layout.size, 0.02f);
      const SsmStep step{0.01f, 1.5f, 0.05f};
      k.adam(chunk.params.data(), m.data(), v.data(), chunk.grads.data(), chunk.layout.size, step);
      std::vector<float> row(static_cast<std::size_t>(width), 0.5f);
      float acc = 0.25f;
      k.row_step(row.data(), &acc, chunk.acts.dx, width, 0.25f);
      std::vector<float> got(chunk.acts.p, chunk.acts.p + kChunk * kNibble);
      got.insert(got.end(), chunk.acts.p_second, chunk.acts.p_second + kChunk * kNibble);
      got.insert(got.end(), chunk.params.begin(), chunk.params.end());
      got.insert(got.end(), row.begin(), row.end());
      got.push_back(acc);
      got.push_back(k.square_norm(chunk.grads.data(), chunk.layout.size));
      if (isa == Isa::kScalar) want = got;
      CHECK(std::equal(got.begin(), got.end(), want.begin(), [](float a, float b) {
        return std::bit_cast<std::uint32_t>(a) == std::bit_cast<std::uint32_t>(b);
      }));
    }
  }
}

TEST_CASE("the float kernels follow the double ones") {
  Chunk<float> narrow(32, 1, 21);
  Chunk<double> wide(32, 1, 21);
  const SsmKernels<float> kf = ssm_kernels(Isa::kScalar, 32);
  const SsmKernels<double> kd = make_ssm_kernels<VecDouble>(32);
  CHECK(narrow.loss(kf) == doctest::Approx(wide.loss(kd)).epsilon(1e-5));
}

TEST_CASE("elementary functions stay finite at any argument") {
  float x[16], y[16];
  for (int i = 0; i < 16; ++i) x[i] = static_cast<float>(i - 8) * 1e30f;
  const auto all_finite = [&] {
    for (const float v : y) {
      if (!std::isfinite(v)) return false;
    }
    return true;
  };
  exp_of(VecScalar::load(x)).store(y);
  CHECK(all_finite());
  sigmoid_of(VecScalar::load(x)).store(y);
  CHECK(all_finite());
  softplus_of(VecScalar::load(x)).store(y);
  CHECK(all_finite());
  for (int i = 0; i < 16; ++i) x[i] = static_cast<float>(i - 8) * 0.7f;
  exp_of(VecScalar::load(x)).store(y);
  for (int i = 0; i < 16; ++i)
    CHECK(y[i] == doctest::Approx(std::exp(static_cast<double>(x[i]))).epsilon(3e-7));
  softplus_of(VecScalar::load(x)).store(y);
  for (int i = 0; i < 16; ++i) {
    CHECK(y[i] == doctest::Approx(std::log1p(std::exp(static_cast<double>(x[i])))).epsilon(3e-7));
  }
}

TEST_CASE("the model learns a repeating text") {
  SsmConfig config;
  config.width = 32;
  config.tables = {Context::kOrder2, Context::kOrder3};
  config.table_bits = 10;
  Arena arena(config.memory(), false);
  SsmModel model(config, arena, Isa::kScalar);
  TextState text;
  std::string data;
  while (data.size() < 4000) data += "state space models learn while they code; ";
  const auto* h = reinterpret_cast<const std::uint8_t*>(data.data());
  double early = 0, late = 0;
  for (std::size_t i = 0; i < data.size(); ++i) {
    if (i > 0) {
      text.append(h, i);
      model.learn(h[i - 1]);
    }
    model.prefetch_byte(text);
    model.predict_byte();
    model.predict_second(h[i] >> 4);
    const double bits = -std::log2(static_cast<double>(model.first()[h[i] >> 4])) -
                        std::log2(static_cast<double>(model.second()[h[i] & 15]));
    if (i < 200) early += bits;
    if (i >= data.size() - 200) late += bits;
  }
  CHECK(early / 200 > 3);
  CHECK(late / 200 < 0.5);
}
