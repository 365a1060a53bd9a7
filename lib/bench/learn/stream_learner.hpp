// State merging over a stream of strings in memory that does not grow with the stream: states keep
// sketches of what follows instead of subtrees (after Baumgartner, Verwer, ICGI'23).
#pragma once

#include <cstdint>
#include <vector>

#include "bench/learn/model.hpp"
#include "bench/learn/strings.hpp"

namespace stateutils::bench {

struct StreamOptions {
  double alpha = 0.05;
  bool min_hash = false;  // the set of the next i symbols instead of their sequence
  std::uint32_t max_states = 512;
};

class StreamLearner {
 public:
  static constexpr int kFutures = 5, kDepth = 3, kWidth = 20;

  StreamLearner(std::uint32_t alphabet, StreamOptions options);
  // Counts a batch, then replays earlier merges that still hold and searches on.
  void learn(const Strings& batch);
  // Blue states that are still undecided join the red state they resemble most.
  [[nodiscard]] StateMachine machine() const;
  [[nodiscard]] std::size_t nodes() const { return nodes_.size(); }

 private:
  static constexpr std::uint32_t kNone = 0xFFFFFFFFu;
  static constexpr std::size_t kCells = std::size_t{kFutures} * kDepth * kWidth;

  // Counts of strings that came along one access word.
  struct Counts {
    std::uint64_t visits = 0, stops = 0;
    std::vector<std::uint32_t> sketch;   // kFutures x kDepth x kWidth
    std::vector<std::uint32_t> symbols;  // next symbols, for the model's probabilities
    void add(const Counts& other);
  };
  struct Node {
    Counts own;
    std::vector<std::uint32_t> children;  // by symbol, of red nodes only
    bool red = false;
  };
  struct Merge {
    std::uint32_t blue, red;
  };
  // Red states with everything merged into them.
  struct View {
    std::vector<std::uint32_t> red;         // nodes in order of promotion
    std::vector<Counts> sums;               // parallel to `red`
    std::vector<std::uint32_t> represents;  // by node: place in `red`, or kNone
  };

  [[nodiscard]] std::uint32_t add_node();
  void count(std::span<const Symbol> string);
  void count_future(Counts& counts, std::span<const Symbol> rest) const;
  void promote(std::uint32_t node);
  [[nodiscard]] bool alike(const Counts& a, const Counts& b) const;
  [[nodiscard]] static double similarity(const Counts& a, const Counts& b);
  [[nodiscard]] View replay(const std::vector<Merge>& merges, std::vector<Merge>* held) const;
  void search(View& view);
  [[nodiscard]] std::vector<std::uint32_t> undecided(const View& view) const;
  [[nodiscard]] std::uint32_t most_similar(const View& view, const Counts& blue,
                                           bool must_be_alike) const;

  std::uint32_t alphabet_;
  StreamOptions options_;
  std::vector<Node> nodes_;
  std::vector<std::uint32_t> red_;
  std::vector<Merge> merges_;
};

}  // namespace stateutils::bench
