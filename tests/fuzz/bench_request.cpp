// Bytes that an agent may send to the world's socket: words or a refusal, never a crash.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "bench/report/canvas.hpp"
#include "bench/shell/shell_surface.hpp"
#include "bench/shell/world_socket.hpp"
#include "core/utf8.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace stateutils;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  std::vector<std::string> words, again;
  if (bench::request_words(bytes, words)) {
    const std::string sent = bench::request_bytes(words);
    if (!bench::request_words(std::string_view(sent).substr(4), again) || again != words) {
      std::abort();
    }
  }
  if (!core::is_valid_utf8(bench::valid_utf8(bytes))) std::abort();
  if (bench::plain_text(bytes).find('\x1b') != std::string::npos) std::abort();
  return 0;
}
