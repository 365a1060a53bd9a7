// The codec alone, for builds by any compiler with any flags (statesmix_compilers.sh includes the
// library's sources before this file): codec compress PRESET BLOCK_SIZE THREADS FILE, codec
// decompress FILE; the result goes to stdout.
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "core/error.hpp"
#include "core/input.hpp"
#include "core/output.hpp"
#include "statesmix/codec/codec.hpp"

// Error messages ask this of the core, whose answer needs simdjson; no message here shows a name.
namespace stateutils::core {
bool is_valid_utf8(std::string_view) {
  return true;
}
}  // namespace stateutils::core

namespace {

using namespace stateutils;

void put(const void* data, std::size_t size) {
  if (std::fwrite(data, 1, size, stdout) != size) std::exit(4);
}

void pack(const std::string& data, char** argv) {
  const auto source = core::memory_input(data);
  statesmix::CompressOptions o;
  o.preset = std::atoi(argv[2]);
  o.block_size = std::strtoull(argv[3], nullptr, 10);
  o.total = data.size();
  o.threads = std::atoi(argv[4]);
  o.isa = statesmix::active_isa();
  core::MemoryOutput out;
  static_cast<void>(statesmix::compress(*source, out, o));
  put(out.text().data(), out.text().size());
}

void unpack(const std::string& data) {
  const auto source = core::memory_input(data);
  statesmix::DecompressOptions o;
  o.isa = statesmix::active_isa();
  const auto totals = statesmix::decompress(
      *source, [](std::span<const std::uint8_t> raw) { put(raw.data(), raw.size()); }, o);
  if (!totals.trailing.empty()) std::exit(3);
}

}  // namespace

int main(int argc, char** argv) {
  const std::string what = argc > 1 ? argv[1] : "";
  if (argc != (what == "compress" ? 6 : 3)) return 2;
  try {
    const auto file = core::open_raw_input(argv[argc - 1]);
    const std::string data = core::read_all(*file, 1 << 30);
    if (what == "compress") {
      pack(data, argv);
    } else {
      unpack(data);
    }
  } catch (const core::Error& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return static_cast<int>(e.category());
  }
  return std::fflush(stdout) == 0 ? 0 : 4;
}
