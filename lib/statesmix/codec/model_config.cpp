#include "statesmix/codec/model_config.hpp"

#include <algorithm>
#include <bit>

namespace stateutils::statesmix {
namespace {

using enum Context;

// Tables follow the block: a quarter of a bucket per byte, and `more` doublings, costs short
// blocks nothing and is what a megabyte has in 2^18 buckets.
int scaled_bits(std::uint64_t raw_size, int more, int most) {
  const int want = static_cast<int>(std::bit_width(raw_size)) - 2 + more;
  return std::clamp(want, 8, most);
}

NgramConfig fast_ngrams() {
  NgramConfig c;
  c.contexts = {kOrder2, kOrder3, kOrder4, kOrder6, kWord};
  c.runs = {kWord};
  c.match_lengths = {6};
  c.selectors = {Selector::kMatchPartial, Selector::kClassesBit};
  c.apms = {{ApmContext::kOrder1, 8}};
  return c;
}

NgramConfig medium_ngrams(bool more) {
  NgramConfig c;
  c.contexts = {kOrder2, kOrder3, kOrder4, kOrder5, kOrder6,
                kOrder8, kWord,   kWord1,  kColumn, kOrder3Word};
  c.runs = {kOrder6, kOrder8, kWord, kWord1};
  c.finals = {Selector::kPartial};
  c.apms = {{ApmContext::kOrder1, 4}, {ApmContext::kOrder2, 4}};
  c.apm_bits = 14;
  c.match_lengths = {6};
  c.selectors = {Selector::kPartial, Selector::kMatchPartial, Selector::kOrderBit};
  if (more) {
    c.contexts.insert(c.contexts.end(), {kShape, kWord2, kSparse23, kIndirect2, kOrder2Shape,
                                         kNumberMask, kSentence});
    c.runs.push_back(kShape);
    c.selectors.insert(c.selectors.end(), {Selector::kClassPartial, Selector::kClassesBit});
  }
  return c;
}

NgramConfig strong_ngrams(int preset) {
  NgramConfig c;
  for (int i = 0; i <= static_cast<int>(kLineWord); ++i) {
    const auto context = static_cast<Context>(i);
    // Measured on text: beside the others these change least, the first three less than 1 byte in
    // 10,000.
    const bool redundant = context == kOrder7 || context == kPrevious2Byte ||
                           context == kWord2Byte || context == kNibbles || context == kSparse24;
    if (preset <= 6 && redundant) continue;
    if (preset <= 5 && context == kLineWord) continue;
    if (preset <= 4 && (context == kWordClasses || context == kBracketWord)) continue;
    c.contexts.push_back(context);
  }
  // Preset 6 has 48 inputs: three cache lines of weights a set.
  if (preset >= 5) c.contexts.insert(c.contexts.end(), {kNumberMask, kOrder2Shape});
  if (preset >= 6) c.contexts.insert(c.contexts.end(), {kSentence, kTagPath, kLineStart});
  c.runs = {kOrder4, kOrder5, kOrder6,   kOrder8,   kOrder11, kWord,      kWord1,
            kWord2,  kColumn, kWordSkip, kSparse23, kShape,   kOrder3Word};
  c.match_lengths = {5, 9};
  c.selectors = {Selector::kPartial,    Selector::kMatchPartial, Selector::kClassPartial,
                 Selector::kSsmTop,     Selector::kSsmPartial,   Selector::kClassesBit,
                 Selector::kWordLength, Selector::kByteBit};
  c.finals = {Selector::kPartial, Selector::kByteBit, Selector::kClassesBit};
  c.apms = {{ApmContext::kOrder1, 3},
            {ApmContext::kOrder2, 3},
            {ApmContext::kWord, 2},
            {ApmContext::kMatch, 2}};
  return c;
}

// Presets 7 to 9: what only some files need.
void add_rare_ngrams(NgramConfig& c, int preset) {
  c.contexts.insert(c.contexts.end(), {kWord3, kRecordAbove, kSuffix});
  c.selectors.insert(c.selectors.end(),
                     {Selector::kExpected, Selector::kAboveBit, Selector::kMatchBit,
                      Selector::kByte2Bit, Selector::kRunsBit, Selector::kOrderBit});
  if (preset >= 8) {
    c.contexts.insert(c.contexts.end(),
                      {kOrder16, kRecordColumn, kWordGap, kSparse34, kSparse13, kAboveTwo});
  }
  if (preset == 9) {
    c.contexts.insert(c.contexts.end(), {kOrder9, kTagParents, kRecordWord, kColumnWide,
                                         kLastCapital, kIndirect12, kOpcode, kWordLength});
    c.selectors.insert(c.selectors.end(),
                       {Selector::kColumnBit, Selector::kBracketPartial, Selector::kInWordPartial});
    c.linear = true;
  }
  c.runs = c.contexts;
  c.finals.push_back(Selector::kMatchBit);
  c.apms.push_back({ApmContext::kOrder3, 2});
}

}  // namespace

std::size_t ModelConfig::memory() const {
  return ngram.memory() + (has_ssm() ? ssm.memory() : 0);
}

ModelConfig model_config(int preset, std::uint64_t raw_size, std::uint32_t tuning) {
  static_cast<void>(tuning);
  ModelConfig m;
  int bits = 18;
  if (preset <= 1) {
    m.ngram = fast_ngrams();
    bits = 17;
  } else if (preset <= 3) {
    m.ngram = medium_ngrams(preset == 3);
  } else {
    m.ngram = strong_ngrams(preset);
    if (preset >= 7) add_rare_ngrams(m.ngram, preset);
    bits = preset == 4 ? 17 : (preset == 9 ? 20 : 18);
    m.ssm.width = preset <= 6 ? 32 : (preset <= 8 ? 64 : 96);
    m.ssm.layers = preset == 9 ? 2 : 1;
    m.ssm.tables = {kOrder2, kOrder3, kOrder4, kOrder5, kOrder6, kWord, kWord1};
    m.ssm.table_bits = scaled_bits(raw_size, 0, preset == 4 ? 16 : 17);
    m.ngram.external = 2;
  }
  m.ngram.table_bits = scaled_bits(raw_size, preset == 9 ? 1 : 0, bits);
  m.ngram.match_bits = scaled_bits(raw_size, 2, preset >= 7 ? 24 : (preset == 1 ? 18 : 22));
  m.huge_pages = raw_size >= 256 * 1024;
  return m;
}

int memory_log2(int preset, std::uint64_t raw_size) {
  return static_cast<int>(std::bit_width(model_config(preset, raw_size).memory() - 1));
}

std::uint64_t default_block_size(int preset) {
  return std::uint64_t{preset >= 7 ? 256u : 64u} << 20;
}

}  // namespace stateutils::statesmix
