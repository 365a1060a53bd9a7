#include "kv/run_trace.hpp"

#include "core/error.hpp"
#include "core/hash.hpp"
#include "core/input.hpp"
#include "kv/readers.hpp"

namespace stateutils::kv {
namespace {

// Passes bytes on and hashes them as they stand in the file, before any decompression.
class HashedSource : public core::ByteSource {
 public:
  HashedSource(std::unique_ptr<core::ByteSource> inner, core::Sha256& hash)
      : core::ByteSource(inner->name()), inner_(std::move(inner)), hash_(hash) {}
  std::size_t read(char* data, std::size_t size) override {
    const std::size_t got = inner_->read(data, size);
    hash_.update(data, got);
    return got;
  }

 private:
  std::unique_ptr<core::ByteSource> inner_;
  core::Sha256& hash_;
};

// Gives back what a run does not read: times of cache-only models, ids that nobody asks for or that
// only count the records, and room that loading left over.
void slim(Trace& trace, bool keep_ids) {
  trace.seen = std::vector<std::int64_t>();  // `= {}` would keep its room
  bool counting = keep_ids;
  for (std::uint32_t i = 0; i < trace.size() && counting; ++i) {
    counting = trace.id_of(i) == std::to_string(i);
  }
  if (counting || !keep_ids) {
    trace.ids = IdTexts();
    trace.id = std::vector<std::uint32_t>();
  }
  trace.ids.freeze();
  for (auto* column : {&trace.in, &trace.out, &trace.id}) column->shrink_to_fit();
  trace.t.shrink_to_fit();
}

}  // namespace

RunTrace load_run_trace(const RunConfig& config, bool ids) {
  TraceOptions options;
  options.from = config.trace.format;
  options.sort = config.trace.sort;
  options.scope = config.trace.scope;
  options.block = config.trace.block;
  options.prefix = config.trace.prefix;
  options.session_arrival = config.trace.session_arrival;
  options.limit = config.trace.limit;
  options.seed = config.seed;
  core::Sha256 hash;
  const bool compressed = config.trace.file.ends_with(".zst");
  const auto source = core::decode_input(
      std::make_unique<HashedSource>(core::open_raw_input(config.trace.file), hash), compressed);
  RunTrace run;
  run.trace = read_trace(*source, options);
  char rest[4096];
  while (source->read(rest, sizeof rest) > 0) {
  }
  // Messages name a request that a machine of Splitwise's cannot hold, or whose hint is none.
  slim(run.trace, ids || config.splitwise || !run.trace.steps.empty());
  const core::Sha256Digest digest = hash.digest();
  run.sha256 = core::hex(digest.data(), digest.size());
  return run;
}

}  // namespace stateutils::kv
