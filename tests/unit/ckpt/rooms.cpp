// Compression, parity, stage recovery, snapshots and vector quantization against known answers.
#include <doctest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <limits>
#include <nlohmann/json.hpp>

#include "ckpt/ckz/chunk.hpp"
#include "ckpt/ckz/layout.hpp"
#include "ckpt/protect/gf256.hpp"
#include "ckpt/protect/neighbour.hpp"
#include "ckpt/protect/parity.hpp"
#include "ckpt/quant/kmeans.hpp"
#include "ckpt/quant/layer.hpp"
#include "ckpt/quant/packing.hpp"
#include "ckpt/quant/search_kernel.hpp"
#include "ckpt/snapshot/provider.hpp"
#include "core/error.hpp"
#include "core/rng.hpp"
#include "tests/unit/ckpt/support.hpp"

using namespace stateutils;
using namespace stateutils::ckpt;
using nlohmann::json;

namespace {

json known_answers(const std::string& name) {
  return test::load_json("known-answers/" + name);
}

std::string unhex(const std::string& text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); i += 2) {
    out += static_cast<char>(std::stoi(text.substr(i, 2), nullptr, 16));
  }
  return out;
}

std::string floats(const json& hex) {
  std::string out;
  for (const json& word : hex) {
    const auto bits = static_cast<std::uint32_t>(std::stoul(word.get<std::string>(), nullptr, 16));
    out.append(reinterpret_cast<const char*>(&bits), 4);
  }
  return out;
}

std::string bytes_of(const ByteFile& file) {
  return read_text(file, 0, file.size());
}

// What the kernels of search_cuda.cu do, one block after another.
std::vector<std::uint32_t> search_grid(const quant::SearchJob& job) {
  using namespace quant;
  const std::size_t groups = (job.count + kSearchThreads - 1) / kSearchThreads;
  std::vector<Candidate> candidates(job.count * job.shares);
  std::vector<float> tile(kSharedFloats);
  for (std::size_t block = 0; block < groups * job.shares; ++block) {
    const std::size_t x = block % groups, y = block / groups;
    const std::size_t begin = x * kSearchThreads, end = std::min(job.count, begin + kSearchThreads);
    std::vector<Candidate> best(end - begin, no_candidate());
    const std::size_t last = share_start(job, y + 1), most = tile_centroids(job.length);
    for (std::size_t first = share_start(job, y); first < last; first += most) {
      const std::size_t width = std::min(most, last - first);
      for (std::size_t f = 0; f < width * (job.length + 1); ++f) {
        tile[f] = tile_float(job, first, width, f);
      }
      for (std::size_t i = begin; i < end; ++i) {
        (job.length == 8 ? search_tile<8> : search_tile<0>)(job.vectors + i * job.length,
                                                            job.length, tile.data(), first, width,
                                                            best[i - begin]);
      }
    }
    std::ranges::copy(best,
                      candidates.begin() + static_cast<std::ptrdiff_t>(y * job.count + begin));
  }
  std::vector<std::uint32_t> owner(job.count);
  for (std::size_t i = 0; i < job.count; ++i) {
    owner[i] = best_of_shares(candidates.data() + i, job.count, job.shares);
  }
  return owner;
}

}  // namespace

TEST_CASE("Cauchy Reed-Solomon over GF(256)/0x11d: reed-solomon.json (ISA-L)") {
  const json answers = known_answers("reed-solomon.json");
  for (const json& answer : answers["cases"]) {
    const std::size_t k = answer["k"], m = answer["m"];
    const protect::Matrix rows = protect::cauchy_rows(k, m);
    std::vector<std::vector<std::uint8_t>> data(k, std::vector<std::uint8_t>(16)),
        parity(m, data[0]);
    std::vector<const std::uint8_t*> sources;
    std::vector<std::uint8_t*> outputs;
    for (std::size_t i = 0; i < k; ++i) {
      for (std::size_t j = 0; j < 16; ++j) {
        data[i][j] = static_cast<std::uint8_t>((37 * i + 11 * j + 5) % 256);
      }
      sources.push_back(data[i].data());
    }
    for (auto& row : parity) outputs.push_back(row.data());
    protect::gf_apply(rows, sources, outputs, 16);
    for (std::size_t r = 0; r < m; ++r) {
      for (std::size_t c = 0; c < k; ++c) CHECK(rows.at(r, c) == answer["matrix_rows"][r][c]);
      const std::string expected = unhex(answer["parity_hex"][r].get<std::string>());
      CHECK(std::string(parity[r].begin(), parity[r].end()) == expected);
    }
  }
}

TEST_CASE("GF(256) inverses, and survival by exact sums") {
  for (unsigned a = 1; a < 256; ++a) {
    const auto x = static_cast<std::uint8_t>(a);
    CHECK(protect::gf_multiply(x, protect::gf_inverse(x)) == 1);
  }
  CHECK(protect::survival(1, 1, 0.5) == doctest::Approx(0.75).epsilon(1e-12));
  CHECK(protect::survival(4, 1, 0.05) ==
        doctest::Approx(std::pow(.95, 5) + 5 * .05 * std::pow(.95, 4)).epsilon(1e-12));
}

TEST_CASE("Stage recovery: checkfree.json, double accumulation and one rounding") {
  const json answer = known_answers("checkfree.json");
  const ByteFilePtr before = memory_file(floats(answer["prev_stage"]), "before");
  const ByteFilePtr after = memory_file(floats(answer["next_stage"]), "after");
  const std::vector<std::optional<double>> norms{
      answer["grad_norm_prev"].get<double>(), std::nullopt, answer["grad_norm_next"].get<double>()};
  const auto mean = [&](protect::WeightMode mode) {
    return bytes_of(*protect::weighted_mean(
        before, after, protect::neighbour_weights(mode, norms, 1), DType::kF32));
  };
  CHECK(mean(protect::WeightMode::kNorm) == floats(answer["mode norm (weights g+eps)"]));
  CHECK(mean(protect::WeightMode::kNorm2) == floats(answer["mode norm2 (weights g^2)"]));
  CHECK(mean(protect::WeightMode::kEqual) == floats(answer["mode equal"]));
  CHECK(mean(protect::WeightMode::kCopy) == bytes_of(*before));
}

TEST_CASE("Stage recovery renumbers layers, resets optimizer states and refuses other shapes") {
  Catalogue catalogue{.format = "safetensors"};
  const auto add = [&](const std::string& name, std::uint64_t size, float value) {
    std::string bytes;
    for (std::uint64_t i = 0; i < size; ++i) bytes.append(reinterpret_cast<char*>(&value), 4);
    catalogue.tensors.push_back(
        dense_tensor(name, DType::kF32, {size}, memory_file(bytes, name), 0));
  };
  for (const int layer : {0, 1, 4, 5}) {
    add("layers." + std::to_string(layer) + ".w", 3, static_cast<float>(layer));
    add("layers." + std::to_string(layer) + ".w.exp_avg", 3, 9.0F);
  }
  const protect::StageMap map{{"layers\\.[01]\\."}, {"layers\\.[23]\\."}, {"layers\\.[45]\\."}};
  Catalogue copy = catalogue;
  const protect::Recovery done = protect::recover_between(catalogue, map, 1, {1, 1});
  CHECK(done.averaged == 2);
  CHECK(done.reset == 2);
  const auto first = [&](const std::string& name) {
    for (const Tensor& tensor : catalogue.tensors) {
      if (tensor.name != name) continue;
      float value = 0;
      tensor.pieces[0].file->read_at(tensor.pieces[0].at, &value, 4);
      return value;
    }
    return -1.0F;
  };
  CHECK(first("layers.2.w") == 2.0F);
  CHECK(first("layers.3.w") == 3.0F);
  CHECK(first("layers.3.w.exp_avg") == 0.0F);
  copy.tensors.back().shape = {2};
  CHECK_THROWS_AS(protect::recover_between(copy, map, 1, {1, 1}), core::Error);
}

TEST_CASE("A protection record that leaves its folder or lies about sizes is refused") {
  const protect::Sidecar sidecar = protect::make_layout({{"a", 3}, {"b", 5}}, 2, 1, "rs");
  protect::Sidecar full = sidecar;
  for (auto& member : full.groups[0].members) member.hashes = {1};
  full.groups[0].parity[0].hashes = {2};
  const std::string text = protect::sidecar_text(full);
  CHECK(protect::parse_sidecar(text, "s").groups[0].members[1].size == 5);
  const auto refused = [&](const std::string& from, const std::string& to) {
    std::string changed = text;
    changed.replace(changed.find(from), from.size(), to);
    try {
      (void)protect::parse_sidecar(changed, "s");
    } catch (const core::Error& error) {
      return error.category() == core::Category::kInput;
    }
    return false;
  };
  CHECK(refused("\"name\":\"a\"", "\"name\":\"../a\""));
  CHECK(refused("\"name\":\"a\"", "\"name\":\"b\""));
  CHECK(refused("\"size\":3", "\"size\":4"));
  CHECK(refused("\"data\":2", "\"data\":200"));
  CHECK(refused("0000000000000001", "000000000000000x"));
}

TEST_CASE("Index packing: vptq-index-packing.json") {
  const json answers = known_answers("vptq-index-packing.json");
  for (const json& answer : answers["cases"]) {
    const auto indices = answer["indices"].get<std::vector<std::uint32_t>>();
    const auto residuals = answer["res_indices"].get<std::vector<std::uint32_t>>();
    const unsigned low = answer["index_bits"], high = answer["res_bits"];
    const auto expected = answer["packed_u32"].get<std::vector<std::uint32_t>>();
    std::vector<std::uint32_t> words(quant::packed_words(indices.size(), low + high));
    REQUIRE(words.size() == expected.size());
    quant::pack_indices(indices, low, residuals, high, words);
    CHECK(words == expected);
    for (std::size_t i = 0; i < indices.size(); ++i) {
      const std::uint32_t value = quant::unpack_value(words, i, low + high);
      CHECK((value & ((std::uint64_t{1} << low) - 1)) == indices[i]);
      if (high > 0) CHECK((value >> low) == residuals[i]);
    }
  }
}

TEST_CASE("Bits per weight: vptq-bitwidth.json") {
  const json answers = known_answers("vptq-bitwidth.json");
  quant::QuantOptions options;
  options.v = 8;
  options.k = 256;
  CHECK(quant::bits_per_weight(4096, 4096, 0, options) ==
        answers["4096x4096 fp16, v=8, k=256"]["bits"].get<double>());
  options.k = 65536;
  CHECK(quant::bits_per_weight(4096, 4096, 0, options) ==
        answers["4096x4096 fp16, v=8, k=65536"]["bits"].get<double>());
  options.residual_k = 256;
  CHECK(quant::bits_per_weight(4096, 4096, 0, options) ==
        answers["4096x4096 fp16, v=8, k=65536 + residual 256"]["bits"].get<double>());
}

TEST_CASE("k-means finds separate clusters, and more clusters than vectors is no error") {
  std::vector<float> vectors;
  for (int i = 0; i < 40; ++i) {
    vectors.push_back(static_cast<float>(i % 4) * 10);
    vectors.push_back(static_cast<float>(i / 20) * 10);
  }
  const std::vector<double> weights(40, 1.0);
  const auto centroids = quant::weighted_kmeans(vectors, 2, weights, {.clusters = 8});
  const auto owner = quant::assign_nearest(vectors, quant::Codebook(centroids, 2), 1);
  for (std::size_t i = 0; i < owner.size(); ++i) {
    CHECK(centroids[owner[i] * 2] == vectors[i * 2]);
    CHECK(centroids[owner[i] * 2 + 1] == vectors[i * 2 + 1]);
  }
  CHECK(quant::weighted_kmeans(vectors, 2, weights, {.clusters = 64}).size() == 128);
}

TEST_CASE("The device's search of centroids, run on the host, finds what the CPU finds") {
  core::Rng rng(5, 0);
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (const std::size_t length : {1u, 3u, 8u, 256u}) {
    for (const std::size_t clusters : {1u, 2u, 63u, 1000u}) {
      std::vector<float> centroids(clusters * length), vectors(300 * length);
      // Few distinct values: many centroids are equally far.
      for (float& x : centroids) x = static_cast<float>(rng.below(length < 8 ? 5 : 100)) / 3;
      for (float& x : vectors) x = static_cast<float>(rng.below(50)) / 7;
      if (clusters == 63) centroids[0] = centroids[40 * length] = nan;
      if (clusters == 1000) centroids[500 * length] = nan;
      const quant::Codebook codebook(centroids, length);
      const auto expected = quant::assign_nearest(vectors, codebook, 1);
      for (const std::size_t shares : {std::size_t{1}, std::min<std::size_t>(7, clusters),
                                       quant::search_shares(300, clusters)}) {
        CAPTURE(length);
        CAPTURE(clusters);
        CAPTURE(shares);
        CHECK(search_grid({.vectors = vectors.data(),
                           .parts = codebook.parts().data(),
                           .norms = codebook.norms().data(),
                           .count = 300,
                           .length = length,
                           .clusters = clusters,
                           .shares = shares}) == expected);
      }
    }
  }
}

TEST_CASE("Chunk codecs: a constant, noise, and changes against a base") {
  using namespace ckz;
  const ChunkKind kind = ChunkKind::of(DType::kBF16);
  ChunkCoder coder;
  EncodedChunk out;
  const std::string constant(4096, '\x3f');
  coder.encode(kind, constant, {}, out);
  CHECK(out.codec == Codec::kConst);
  CHECK(out.size(2) == 2);
  std::string base(65536, '\0');
  for (std::size_t i = 0; i < base.size(); ++i) base[i] = static_cast<char>(i * i * 31 + i / 3);
  std::string data = base;
  for (std::size_t i = 0; i < data.size(); i += 512) data[i] = static_cast<char>(data[i] + 1);
  coder.encode(kind, data, base, out);
  CHECK(needs_base(out.codec));
  CHECK(out.size(2) < 1500);
}

TEST_CASE("Metadata of compressed tensors that cannot be is refused") {
  const auto refused = [](const std::string& text) {
    try {
      (void)ckz::parse_heads(text, "f");
    } catch (const core::Error& error) {
      return error.category() == core::Category::kInput;
    }
    return false;
  };
  const std::string hash = R"("xxh3":"0123456789abcdef0123456789abcdef")";
  const std::string good =
      R"({"w":{"dtype":"BF16","shape":[2,3],"codec":"exp","chunk":1048576,)" + hash + "}}";
  CHECK(ckz::parse_heads(good, "f").at(0).bytes() == 12);
  CHECK(refused("[]"));
  CHECK(refused(R"({"w":1})"));
  CHECK(refused(R"({"w":{"dtype":"BF16","shape":[2,3],"chunk":1000,)" + hash + "}}"));
  CHECK(refused(R"({"w":{"dtype":"X","shape":[2],"chunk":4096,)" + hash + "}}"));
  CHECK(refused(R"({"w":{"dtype":"F32","shape":[4611686018427387904,9],"chunk":4096,)" + hash +
                "}}"));
  CHECK(refused(R"({"w":{"dtype":"F32","shape":[1],"chunk":4096,"xxh3":"zz"}})"));
}

TEST_CASE(
    "State providers: strided, objects and a composite know their bytes before they have them") {
  using namespace snapshot;
  const std::vector<std::uint16_t> grid{1, 2, 3, 4, 5, 6};  // 2 x 3, read as its transpose
  const auto* data = reinterpret_cast<const char*>(grid.data());
  const ProviderPtr all =
      composite_provider({object_provider("meta", 16, [] { return std::string("{\"step\":3}"); }),
                          strided_provider("t", DType::kU16, {3, 2}, data, {2, 6}),
                          contiguous_provider("c", DType::kU16, {6}, data)});
  CHECK(all->size() == 40);
  CHECK(all->layout().size() == 3);
  CHECK(all->layout()[2].name == "meta");  // larger items first
  all->begin();
  std::string bytes(40, '\0');
  for (std::uint64_t at = 0; at < 40; at += 5) all->read(at, bytes.data() + at, 5);
  const std::vector<std::uint16_t> turned{1, 4, 2, 5, 3, 6};
  CHECK(std::memcmp(bytes.data(), turned.data(), 12) == 0);
  CHECK(std::memcmp(bytes.data() + 12, grid.data(), 12) == 0);
  CHECK(bytes.substr(24) == "{\"step\":3}      ");
  const ProviderPtr small = object_provider("m", 2, [] { return std::string("abc"); });
  small->begin();
  CHECK_THROWS_AS(small->read(0, bytes.data(), 1), core::Error);
}
