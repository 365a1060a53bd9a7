// Bytes of a connection through the parser and the endpoints. However they are cut, the same
// requests must come out, and what the store holds must stay whole.
#include <cstdlib>
#include <string>
#include <vector>

#include "sbus/bus_api.hpp"
#include "sbus/memory_store.hpp"

using namespace stateutils::sbus;

namespace {

// Each request as text, then the error that ended the connection.
std::vector<std::string> requests_of(std::string_view data, std::size_t step, BusApi* api) {
  HttpParser parser({.max_head = 512, .max_body = 512});
  std::vector<std::string> out;
  std::string in;
  while (true) {
    WebRequest request;
    const auto status = in.empty() ? HttpParser::Status::kMore : parser.parse(in, request);
    if (status == HttpParser::Status::kBad) {
      out.push_back(std::to_string(parser.error()) + parser.reason());
      return out;
    }
    if (status == HttpParser::Status::kReady) {
      out.push_back(std::string(request.method) + " " + std::string(request.target) + " " +
                    std::string(request.body) + (request.keep_alive ? " +" : " -"));
      if (api != nullptr) {
        WebAnswer answer;
        api->answer(request, answer);
        if (answer.status < 200 || answer.body.empty()) std::abort();
      }
      if (parser.size() == 0 || parser.size() > in.size()) std::abort();
      in.erase(0, parser.size());
      parser.next();
      continue;
    }
    if (data.empty()) return out;
    const std::size_t part = std::min(step, data.size());
    in.append(data.substr(0, part));
    data.remove_prefix(part);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string_view data(reinterpret_cast<const char*>(bytes), size);
  BusOptions options;
  options.max_delta = 64;
  options.max_log_depth = 3;
  MemoryStore store(options);
  BusApi api(store, {.admin = true, .tokens = {}});
  const auto whole = requests_of(data, size + 1, &api);
  if (!store.settle()) std::abort();
  if (requests_of(data, 1, nullptr) != whole || requests_of(data, 7, nullptr) != whole) {
    std::abort();
  }
  return 0;
}
