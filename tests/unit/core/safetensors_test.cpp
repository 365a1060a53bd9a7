#include "core/safetensors.hpp"

#include <doctest.h>

#include <string>

#include "core/error.hpp"

using namespace stateutils;

namespace {

core::SafetensorsHeader parse(const std::string& json, std::uint64_t buffer) {
  return core::parse_safetensors_header(json, 8 + json.size() + buffer, "f");
}

std::string error_of(const std::string& json, std::uint64_t buffer) {
  try {
    (void)parse(json, buffer);
  } catch (const core::Error& e) {
    CHECK(e.category() == core::Category::kInput);
    return e.what();
  }
  return "";
}

std::string tensor(const std::string& name, const std::string& shape, const std::string& offsets,
                   const std::string& dtype = "F32") {
  return "\"" + name + "\":{\"dtype\":\"" + dtype + "\",\"shape\":" + shape +
         ",\"data_offsets\":" + offsets + "}";
}

}  // namespace

TEST_CASE("safetensors: tensors by offset, metadata in order") {
  const auto header =
      parse("{\"__metadata__\":{\"z\":\"1\",\"a\":\"2\"}," + tensor("b", "[2]", "[4,12]") + "," +
                tensor("a", "[]", "[0,4]") + "," + tensor("none", "[0,5]", "[4,4]") + "}   ",
            12);
  REQUIRE(header.tensors.size() == 3);
  CHECK(header.tensors[0].name == "a");
  CHECK(header.tensors[0].shape.empty());
  CHECK(header.tensors[1].name == "none");
  CHECK(header.tensors[2].name == "b");
  CHECK(header.tensors[2].bytes() == 8);
  REQUIRE(header.metadata.size() == 2);
  CHECK(header.metadata[0].first == "z");
  CHECK(error_of("{}", 0) == "");
  CHECK(error_of("{\"a\":{\"x\":{\"y\":[1,{\"z\":null}]},\"dtype\":\"U8\",\"w\":-1.5,\"shape\":[1],"
                 "\"data_offsets\":[0,1],\"v\":[]}}",
                 1) == "");
}

TEST_CASE("safetensors: refused with the byte") {
  CHECK(error_of("", 0) == "f: byte 8: the header does not begin with '{'");
  CHECK(error_of(" {}", 0) != "");
  CHECK(error_of("[]", 0) != "");
  CHECK(error_of("{", 0) != "");
  CHECK(error_of("{}{}", 0) != "");
  CHECK(error_of("{\"a\":1}", 0).find("expected a tensor's object, found a number") !=
        std::string::npos);
  const std::string a = tensor("a", "[1]", "[0,4]");
  CHECK(error_of("{" + a + "," + a + "}", 8).find("tensor \"a\" appears twice") !=
        std::string::npos);
  CHECK(error_of("{\"__metadata__\":{\"k\":\"1\",\"k\":\"2\"}}", 0) != "");
  CHECK(error_of("{\"__metadata__\":{\"k\":1}}", 0) != "");
  CHECK(error_of("{\"__metadata__\":{},\"__metadata__\":{}}", 0) != "");
  CHECK(error_of("{" + tensor("a", "[1]", "[0,4]", "F31") + "}", 4).find("unknown dtype \"F31\"") !=
        std::string::npos);
  for (const char* shape : {"[-1]", "[1.0]", "1", "[[1]]", "[\"1\"]", "null",
                            "[4611686018427387904,4]", "[18446744073709551616]", "{}"}) {
    CHECK(error_of("{" + tensor("a", shape, "[0,4]") + "}", 4) != "");
  }
  for (const char* offsets : {"[0]", "[0,4,4]", "[4,0]", "[0,3]", "[0,8]", "[-4,0]", "[0,1e9]", "4",
                              "[18446744073709551612,18446744073709551615]"}) {
    CHECK(error_of("{" + tensor("a", "[1]", offsets) + "}", 4) != "");
  }
  CHECK(error_of("{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}}", 4).find("is missing") !=
        std::string::npos);
  CHECK(
      error_of("{\"a\":{\"dtype\":\"F32\",\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}",
               4) != "");
  CHECK(error_of("{\"a\":{\"x\":" + std::string(100000, '[') + "}}", 4).find("8 levels") !=
        std::string::npos);
}

TEST_CASE("safetensors: elements below a byte fill whole bytes, empty tensors have any shape") {
  CHECK(error_of("{" + tensor("a", "[3]", "[0,1]", "F4") + "}", 1).find("whole number") !=
        std::string::npos);
  CHECK(error_of("{" + tensor("a", "[4]", "[0,3]", "F6_E2M3") + "}", 3) == "");
  CHECK(error_of("{" + tensor("a", "[2]", "[0,16]", "C64") + "}", 16) == "");
  CHECK(error_of("{" + tensor("a", "[1]", "[0,16]", "C128") + "}", 16).find("unknown dtype") !=
        std::string::npos);
  CHECK(error_of("{" + tensor("a", "[4294967296,4294967296,0]", "[0,0]") + "}", 0) == "");
}

TEST_CASE("safetensors: a header may not make its reader hold more than the limit") {
  const std::string json = "{" + tensor("a", "[1]", "[0,4]") + "}";
  CHECK_NOTHROW((void)core::parse_safetensors_header(json, 12 + json.size(), "f", 1000));
  CHECK_THROWS_AS((void)core::parse_safetensors_header(json, 12 + json.size(), "f", 100),
                  core::Error);
}

TEST_CASE("safetensors: overlaps, holes and loose ends") {
  const auto two = [](const std::string& first, const std::string& second) {
    return "{" + tensor("wpe", "[2]", first) + "," + tensor("wte", "[2]", second) + "}";
  };
  CHECK(error_of(two("[0,8]", "[8,16]"), 16) == "");
  CHECK(error_of(two("[0,8]", "[4,12]"), 12).find("tensor \"wte\" overlaps \"wpe\"") !=
        std::string::npos);
  CHECK(error_of(two("[0,8]", "[12,20]"), 20).find("a hole of 4 bytes") != std::string::npos);
  CHECK(error_of(two("[4,12]", "[12,20]"), 20).find("a hole of 4 bytes") != std::string::npos);
  CHECK(error_of(two("[0,8]", "[8,16]"), 15) != "");
  CHECK(error_of(two("[0,8]", "[8,16]"), 17).find("1 bytes behind the last") != std::string::npos);
}

TEST_CASE("safetensors: written headers are aligned and read back") {
  std::vector<core::TensorInfo> tensors(3);
  tensors[0] = {.name = "w\"\n", .dtype = core::DType::kBF16, .shape = {3, 5}};
  tensors[1] = {.name = "empty", .dtype = core::DType::kI64, .shape = {0}};
  tensors[2] = {.name = "s", .dtype = core::DType::kF8E4M3, .shape = {}};
  const std::string bytes = core::safetensors_header_bytes(tensors, {{"k", "v"}});
  CHECK(bytes.size() % 8 == 0);
  CHECK(tensors[2].begin == 30);
  CHECK(tensors[2].end == 31);
  CHECK(bytes.substr(8).starts_with(
      "{\"__metadata__\":{\"k\":\"v\"},\"w\\\"\\n\":{\"dtype\":\"BF16\","
      "\"shape\":[3,5],\"data_offsets\":[0,30]}"));
  const auto header = core::parse_safetensors_header(bytes.substr(8), bytes.size() + 31, "f");
  CHECK(header.data_offset == bytes.size());
  REQUIRE(header.tensors.size() == 3);
  CHECK(header.tensors[0].name == "w\"\n");
  CHECK(header.metadata[0].second == "v");
  CHECK(core::safetensors_header_bytes(tensors = {}, {}).substr(8) == "{}      ");
  CHECK(core::safetensors_header_bytes(tensors = {}, {{"k", "v"}}, 4096).size() == 4096);
  for (int i = 0; i <= static_cast<int>(core::DType::kF6E3M2); ++i) {
    const auto type = static_cast<core::DType>(i);
    CHECK(core::dtype_from_name(core::dtype_name(type)) == type);
    CHECK(core::item_bytes(type) == core::dtype_bits(type) / 8);
  }
}
