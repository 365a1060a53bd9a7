// The stream layer alone, for tests/bench/core.sh and the interop tests:
//   core_streams make-jsonl RECORDS            a trace of three record shapes, to stdout
//   core_streams sum-jsonl FILE                every field summed through core::JsonlReader
//   core_streams sum-jsonl-nlohmann FILE       the same through nlohmann's DOM, line by line
//   core_streams copy-jsonl FILE               every record read and written again, framed
//   core_streams make-npy ROWS COLUMNS         0, 1, 2, ... as float64, to stdout
//   core_streams sum-npy FILE                  the sum of all items as doubles
//   core_streams drain-npy FILE                the bytes of all items, counted
//   core_streams make-safetensors              three small tensors, to stdout
//   core_streams cat FILE                      bytes through ByteSource (zstd decoded) and Output
#include <algorithm>
#include <array>
#include <bit>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/input.hpp"
#include "core/jsonl.hpp"
#include "core/npy.hpp"
#include "core/output.hpp"
#include "core/rng.hpp"
#include "core/safetensors.hpp"
#include "core/units.hpp"

namespace {

using namespace stateutils;

struct Sum {
  std::uint64_t numbers = 0;  // of the doubles' bits, so that the order does not matter
  std::uint64_t text_bytes = 0, records = 0;

  void add(double number) { numbers += std::bit_cast<std::uint64_t>(number); }
  void print(core::Output& out) const {
    out.write(std::to_string(numbers) + ' ' + std::to_string(text_bytes) + ' ' +
              std::to_string(records) + '\n');
  }
};

void make_jsonl(core::Output& out, std::uint64_t records) {
  core::JsonlWriter writer(out, {.framed = false});
  core::Rng rng(1, 1);
  for (std::uint64_t i = 0; i < records; ++i) {
    auto& json = writer.begin();
    switch (rng.below(3)) {
      case 0:
        json.field("id", i).field("t", rng.unit() * 1e4).field("in", rng.below(5000));
        json.field("out", rng.below(900)).field("session", "s" + std::to_string(rng.below(400)));
        json.key("hash_ids").begin_array();
        for (std::uint64_t n = rng.below(16); n > 0; --n) json.value(rng.below(1 << 20));
        json.end_array();
        break;
      case 1:
        json.field("ts", i * 1000003).field("op", "commit").field("status", "ok");
        json.field("agent", "agent-" + std::to_string(rng.below(32)));
        json.field("key", "doc/section-" + std::to_string(rng.below(1000)));
        json.field("version", rng.below(100)).field("expected_version", rng.below(100));
        json.field("start", i * 1000000).field("end", i * 1000000 + 999);
        break;
      default:
        json.field("time", rng.unit()).field("tenant", "default").field("prio", rng.below(4));
        json.field("last", rng.chance(0.5)).field("slo", rng.unit() * 10);
        json.key("tool").begin_object().field("name", "search \"x\"").field("ms", rng.below(9000));
        json.end_object();
        break;
    }
    writer.end();
  }
}

void add(Sum& sum, const simdjson::dom::element& value) {
  using simdjson::dom::element_type;
  switch (value.type()) {
    case element_type::STRING:
      sum.text_bytes += value.get_string_length().value_unsafe();
      return;
    case element_type::INT64:
    case element_type::UINT64:
    case element_type::DOUBLE:
      sum.add(value.get_double().value_unsafe());
      return;
    case element_type::BOOL:
      sum.add(value.get_bool().value_unsafe() ? 1 : 0);
      return;
    case element_type::ARRAY: {
      const simdjson::dom::array items = value.get_array().value_unsafe();
      for (const auto item : items) add(sum, item);
      return;
    }
    case element_type::OBJECT: {
      const simdjson::dom::object fields = value.get_object().value_unsafe();
      for (const auto field : fields) add(sum, field.value);
      return;
    }
    case element_type::NULL_VALUE:
      return;
  }
}

void add(Sum& sum, const nlohmann::json& value) {
  if (value.is_string()) {
    sum.text_bytes += value.get_ref<const std::string&>().size();
  } else if (value.is_boolean()) {
    sum.add(value.get<bool>() ? 1 : 0);
  } else if (value.is_number()) {
    sum.add(value.get<double>());
  } else if (value.is_structured()) {
    for (const auto& item : value) add(sum, item);
  }
}

Sum sum_jsonl(core::ByteSource& source) {
  Sum sum;
  core::JsonlReader reader(source);
  while (const core::Record* record = reader.next()) {
    for (const auto field : record->raw()) add(sum, field.value);
    ++sum.records;
  }
  return sum;
}

Sum sum_jsonl_nlohmann(core::ByteSource& source) {
  Sum sum;
  core::LineReader lines(source);
  std::string_view line;
  while (lines.next(line)) {
    add(sum, nlohmann::json::parse(line.begin(), line.end()));
    ++sum.records;
  }
  return sum;
}

void copy_jsonl(core::ByteSource& source, core::Output& out) {
  core::JsonlReader reader(source);
  core::JsonlWriter writer(out);
  writer.header("trace", 1);
  while (const core::Record* record = reader.next()) writer.record(record->text());
  writer.trailer();
}

void make_npy(core::Output& out, std::uint64_t rows, std::uint64_t columns) {
  const std::array<std::uint64_t, 2> shape{rows, columns};
  core::write_npy_header(out, core::NpyType::kF8, shape);
  std::vector<double> block(core::kBlockBytes / sizeof(double));
  const std::uint64_t items = rows * columns;
  for (std::uint64_t first = 0; first < items; first += block.size()) {
    const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(block.size(), items - first));
    for (std::size_t i = 0; i < n; ++i) block[i] = static_cast<double>(first + i);
    out.write(block.data(), n * sizeof(double));
  }
}

std::string sum_npy(core::ByteSource& source) {
  double sum = 0;
  core::NpyReader reader(source);
  std::vector<double> block(core::kBlockBytes / sizeof(double));
  while (const std::size_t n = reader.read(std::span(block))) {
    for (std::size_t i = 0; i < n; ++i) sum += block[i];
  }
  return core::format_double(sum) + '\n';
}

Sum drain_npy(core::ByteSource& source) {
  Sum sum;
  core::NpyReader reader(source);
  std::vector<char> block(core::kBlockBytes);
  while (const std::size_t n = reader.read_raw(block)) sum.records += n;
  return sum;
}

void make_safetensors(core::Output& out) {
  std::vector<core::TensorInfo> tensors(3);
  tensors[0] = {.name = "weights", .dtype = core::DType::kF64, .shape = {2, 2}};
  tensors[1] = {.name = "empty", .dtype = core::DType::kF32, .shape = {0, 3}};
  tensors[2] = {.name = "bytes", .dtype = core::DType::kU8, .shape = {3}};
  out.write(core::safetensors_header_bytes(tensors, {{"made_by", "core_streams"}}));
  const std::array<double, 4> weights{0.5, -1, 2, 1e300};
  out.write(weights.data(), sizeof weights);
  out.write("\x01\x02\xff");
}

void copy(core::ByteSource& source, core::Output& out) {
  std::vector<char> block(core::kBlockBytes);
  while (const std::size_t n = source.read(block.data(), block.size())) out.write(block.data(), n);
}

int run(const std::vector<std::string>& words) {
  core::FdOutput out(1, "stdout");
  const std::string command = words.empty() ? "" : words[0];
  const auto number = [&](std::size_t i) { return core::parse_u64(words.at(i)).value(); };
  const auto source = [&] { return core::open_input(words.at(1)); };
  if (command == "make-jsonl") {
    make_jsonl(out, number(1));
  } else if (command == "sum-jsonl") {
    sum_jsonl(*source()).print(out);
  } else if (command == "sum-jsonl-nlohmann") {
    sum_jsonl_nlohmann(*source()).print(out);
  } else if (command == "copy-jsonl") {
    copy_jsonl(*source(), out);
  } else if (command == "make-npy") {
    make_npy(out, number(1), number(2));
  } else if (command == "sum-npy") {
    out.write(sum_npy(*source()));
  } else if (command == "drain-npy") {
    drain_npy(*source()).print(out);
  } else if (command == "make-safetensors") {
    make_safetensors(out);
  } else if (command == "cat") {
    copy(*source(), out);
  } else {
    throw core::usage_error("unknown command " + core::quoted(command));
  }
  out.commit();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run({argv + 1, argv + argc});
  } catch (const core::Error& e) {
    std::fprintf(stderr, "core_streams: %s\n", e.what());
    return static_cast<int>(e.category());
  }
}
