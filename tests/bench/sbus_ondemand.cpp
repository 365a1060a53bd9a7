// sbus_ondemand FILE: the peer of `sbus-check audit`, raw simdjson On-Demand: every value of every
// line of FILE is parsed and nothing is done with it but a sum, without any check of names or
// ranges.
#include <simdjson.h>

#include <cstdio>
#include <cstring>
#include <string_view>

namespace {

using simdjson::ondemand::json_type;

double sum_of(simdjson::ondemand::value value) {
  switch (value.type().value()) {
    case json_type::string:
      return static_cast<double>(value.get_string().value().size());
    case json_type::number:
      return value.get_double().value();
    default:
      return static_cast<double>(value.raw_json_token().size());
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const simdjson::padded_string text = simdjson::padded_string::load(argv[1]).value();
  simdjson::ondemand::parser parser;
  double sum = 0;
  std::size_t lines = 0;
  for (const char *at = text.data(), *end = at + text.size(); at < end; ++lines) {
    const auto* stop =
        static_cast<const char*>(std::memchr(at, '\n', static_cast<std::size_t>(end - at)));
    if (stop == nullptr) stop = end;
    const auto length = static_cast<std::size_t>(stop - at);
    const auto room = static_cast<std::size_t>(end - at) + simdjson::SIMDJSON_PADDING;
    auto document = parser.iterate(simdjson::padded_string_view(at, length, room));
    for (auto field : document.get_object()) {
      sum += static_cast<double>(std::string_view(field.unescaped_key().value()).size());
      sum += sum_of(field.value());
    }
    at = stop + 1;
  }
  std::printf("%zu lines, sum %.17g\n", lines, sum);
  return 0;
}
