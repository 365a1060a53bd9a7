#include "statesmix/codec/codec.hpp"

#include <unistd.h>

#include <algorithm>
#include <mutex>

#include "core/error.hpp"
#include "core/hash.hpp"
#include "core/threads.hpp"
#include "core/units.hpp"
#include "statesmix/codec/model_config.hpp"
#include "statesmix/container/frame_reader.hpp"

namespace stateutils::statesmix {
namespace {

// Progress arrives from worker threads; the listener sees one call at a time.
Ticker serialised(const Ticker& tick, std::mutex& mutex) {
  if (!tick) return {};
  return [&tick, &mutex](std::uint64_t raw, std::uint64_t coded) {
    const std::scoped_lock lock(mutex);
    tick(raw, coded);
  };
}

std::vector<std::uint8_t> read_block(core::ByteSource& source, std::uint64_t size) {
  std::vector<std::uint8_t> raw;
  constexpr std::size_t kStep = 1 << 20;
  while (raw.size() < size) {
    const std::size_t had = raw.size();
    raw.resize(had + static_cast<std::size_t>(std::min<std::uint64_t>(kStep, size - had)));
    const std::size_t got =
        source.read(reinterpret_cast<char*>(raw.data()) + had, raw.size() - had);
    raw.resize(had + got);
    if (got == 0) break;
  }
  return raw;
}

struct PendingBlock {
  BlockHeader header;
  std::vector<std::uint8_t> payload, raw;
  std::uint64_t hash = 0, offset = 0, number = 0;
  bool good = false;
};

class FrameDecoder {
 public:
  FrameDecoder(FrameReader& reader, const Sink& sink, const DecompressOptions& options,
               CodecTotals& totals)
      : reader_(reader), sink_(sink), options_(options), totals_(totals) {}

  void decode(const FrameHeader& header) {
    check_memory(header);
    header_ = header;
    BlockHeader block;
    while (reader_.next_block(block)) {
      if (totals_.raw + pending_raw_ + block.raw_size > options_.max_output) {
        decode_pending();
        throw core::environment_error(reader_.name() + ": the output would exceed --max-output " +
                                      core::format_size(options_.max_output));
      }
      pending_raw_ += block.raw_size;
      PendingBlock& p = pending_.emplace_back();
      p.header = block;
      p.offset = reader_.offset();
      p.number = reader_.block_number();
      p.hash = reader_.read_payload(block, p.payload);
      if (pending_.size() >= threads_) decode_pending();
    }
    decode_pending();
    const std::uint64_t at = reader_.offset();
    const FrameReader::End end = reader_.finish_frame();
    if (end.hash != hash_.digest64() && !frame_damaged_)
      reader_.fail(at, "the frame's checksum does not match");
    totals_.hashes.push_back(end.hash);
  }

 private:
  void check_memory(const FrameHeader& header) {
    const int need = memory_log2(header.preset, std::max<std::uint64_t>(1, header.largest_block()));
    if (header.memory_log2 < need) reader_.fail(0, "the header asks for too little model memory");
    const std::uint64_t memory = std::uint64_t{1} << header.memory_log2;
    const std::uint64_t limit =
        options_.memory_limit != 0 ? options_.memory_limit : default_memory_limit();
    totals_.memory = std::max(totals_.memory, memory);
    if (memory > limit) {
      throw core::environment_error(reader_.name() + ": needs " + core::format_size(memory) +
                                    " of model memory, the limit is " + core::format_size(limit) +
                                    " (--memlimit)");
    }
    threads_ = static_cast<std::size_t>(std::clamp<std::uint64_t>(
        limit / memory, 1, static_cast<std::uint64_t>(std::max(1, options_.threads))));
  }

  void decode_pending() {
    std::mutex mutex;
    const Ticker tick = serialised(options_.tick, mutex);
    core::parallel_for(pending_.size(), static_cast<int>(threads_), [&](std::uint64_t i) {
      PendingBlock& p = pending_[static_cast<std::size_t>(i)];
      p.good = decode_block(p.header, p.payload, p.hash, header_.preset, header_.tuning,
                            options_.isa, tick, p.raw);
    });
    for (PendingBlock& p : pending_) {
      if (!p.good) report(p);
      hash_.update(p.raw.data(), p.raw.size());
      sink_(p.raw);
      totals_.raw += p.raw.size();
      ++totals_.blocks;
    }
    pending_.clear();
    pending_raw_ = 0;
  }

  void report(PendingBlock& p) {
    const std::string what = "block " + std::to_string(p.number) + " is damaged: wrong checksum";
    if (!options_.keep_going) reader_.fail(p.offset, what);
    totals_.problems.push_back(
        core::input_error({.file = reader_.name(), .offset = p.offset}, what).what());
    ++totals_.damaged;
    frame_damaged_ = true;
    p.raw.assign(static_cast<std::size_t>(p.header.raw_size), 0);
  }

  FrameReader& reader_;
  const Sink& sink_;
  const DecompressOptions& options_;
  CodecTotals& totals_;
  FrameHeader header_;
  std::vector<PendingBlock> pending_;
  std::uint64_t pending_raw_ = 0;
  std::size_t threads_ = 1;
  core::Xxh3 hash_;
  bool frame_damaged_ = false;
};

// The next frame; foreign bytes after a whole one end the stream and are noted in `totals`.
bool next_frame(FrameReader& reader, FrameHeader& header, CodecTotals& totals) {
  try {
    return reader.next_frame(header);
  } catch (const core::Error& e) {
    if (!reader.met_garbage()) throw;
    totals.trailing = e.what();
    return false;
  }
}

}  // namespace

std::uint64_t default_memory_limit() {
  const auto pages = static_cast<std::uint64_t>(std::max(0L, sysconf(_SC_PHYS_PAGES)));
  const auto page = static_cast<std::uint64_t>(std::max(0L, sysconf(_SC_PAGE_SIZE)));
  return std::min<std::uint64_t>(std::max<std::uint64_t>(pages * page / 2, 64u << 20),
                                 std::uint64_t{16} << 30);
}

CodecTotals compress(core::ByteSource& source, core::Output& out, const CompressOptions& options) {
  CodecTotals totals;
  totals.preset = options.preset;
  totals.frames = 1;
  FrameHeader header;
  header.preset = static_cast<std::uint8_t>(options.preset);
  header.block_size =
      options.block_size != 0 ? options.block_size : default_block_size(options.preset);
  header.total = options.total;
  header.memory_log2 = static_cast<std::uint8_t>(
      memory_log2(options.preset, std::max<std::uint64_t>(1, header.largest_block())));
  totals.memory = std::uint64_t{1} << header.memory_log2;
  const auto put = [&](const auto& bytes) {
    out.write(bytes.data(), bytes.size());
    totals.packed += bytes.size();
  };
  put(frame_header_bytes(header));

  std::mutex mutex;
  const Ticker tick = serialised(options.tick, mutex);
  core::Xxh3 hash;
  std::vector<IndexEntry> index;
  const auto batch = static_cast<std::size_t>(std::max(1, options.threads));
  for (bool more = true; more;) {
    std::vector<std::vector<std::uint8_t>> raw;
    while (more && raw.size() < batch) {
      std::vector<std::uint8_t> block = read_block(source, header.block_size);
      more = block.size() == header.block_size;
      if (!block.empty()) raw.push_back(std::move(block));
    }
    std::vector<EncodedBlock> coded(raw.size());
    core::parallel_for(raw.size(), options.threads, [&](std::uint64_t i) {
      const auto k = static_cast<std::size_t>(i);
      coded[k] = encode_block(raw[k], options.preset, header.tuning, options.isa, tick);
    });
    for (std::size_t k = 0; k < raw.size(); ++k) {
      hash.update(raw[k].data(), raw[k].size());
      totals.raw += raw[k].size();
      if (options.total && totals.raw > *options.total) break;
      index.push_back({raw[k].size(), totals.packed});
      put(block_header_bytes(coded[k].header));
      put(coded[k].payload);
      std::string sum;
      put_fixed(sum, coded[k].hash, 8);
      put(sum);
    }
  }
  if (options.total && totals.raw != *options.total) {
    throw core::environment_error(source.name() + ": changed its size while it was read");
  }
  put(end_bytes(totals.raw, hash.digest64()));
  put(index_bytes(index));
  totals.blocks = index.size();
  totals.hashes.push_back(hash.digest64());
  return totals;
}

CodecTotals decompress(core::ByteSource& source, const Sink& sink,
                       const DecompressOptions& options) {
  CodecTotals totals;
  FrameReader reader(source);
  FrameHeader header;
  while (next_frame(reader, header, totals)) {
    FrameDecoder(reader, sink, options, totals).decode(header);
    totals.preset = std::max(totals.preset, static_cast<int>(header.preset));
    ++totals.frames;
  }
  if (totals.frames == 0) reader.fail(0, "not statesmix data: empty");
  totals.packed = reader.offset();
  return totals;
}

CodecTotals list_frames(core::ByteSource& source) {
  CodecTotals totals;
  FrameReader reader(source, 4096);  // headers and trailers: payloads are passed over
  FrameHeader header;
  while (next_frame(reader, header, totals)) {
    ++totals.frames;
    totals.preset = std::max(totals.preset, static_cast<int>(header.preset));
    totals.memory = std::max(totals.memory, std::uint64_t{1} << header.memory_log2);
    BlockHeader block;
    while (reader.next_block(block)) {
      static_cast<void>(reader.skip_payload(block));
      totals.raw += block.raw_size;
      ++totals.blocks;
    }
    totals.hashes.push_back(reader.finish_frame().hash);
  }
  if (totals.frames == 0) reader.fail(0, "not statesmix data: empty");
  totals.packed = reader.offset();
  return totals;
}

}  // namespace stateutils::statesmix
