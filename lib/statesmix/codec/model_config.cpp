#include "statesmix/codec/model_config.hpp"

#include <algorithm>
#include <bit>
#include <initializer_list>

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

void drop(NgramConfig& c, std::initializer_list<Context> gone) {
  for (const Context g : gone) {
    std::erase(c.contexts, g);
    std::erase(c.runs, g);
  }
}

NgramConfig strong_ngrams(int preset) {
  NgramConfig c;
  for (int i = 0; i <= static_cast<int>(kLineWord); ++i)
    c.contexts.push_back(static_cast<Context>(i));
  c.runs = {kOrder4, kOrder5, kOrder6,   kOrder8,   kOrder11, kWord,      kWord1,
            kWord2,  kColumn, kWordSkip, kSparse23, kShape,   kOrder3Word};
  if (preset <= 6) {
    // Measured on text and on C: beside the others these change least, some for the worse. What
    // stays are 32 inputs in preset 6: two cache lines of weights a set.
    drop(c, {kOrder7, kPrevious2Byte, kWord2Byte, kNibbles, kSparse24, kOrder5, kOrder8, kOrder11,
             kOrder3Word, kLineWord});
    c.runs = {kOrder4, kOrder6, kWord, kWord1, kColumn};
    c.bias = false;
  }
  if (preset <= 4) drop(c, {kWordClasses, kBracketWord});
  if (preset >= 5) c.contexts.insert(c.contexts.end(), {kNumberMask, kOrder2Shape});
  if (preset >= 6) c.contexts.insert(c.contexts.end(), {kSentence, kTagPath, kLineStart});
  c.match_lengths = {5, 9};
  c.match_linear = false;
  c.eager = true;
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
    c.selectors.insert(c.selectors.end(), {Selector::kByte3Bit, Selector::kWordBit,
                                           Selector::kMissesBit, Selector::kOrder2Bit});
    // Two inputs a context: the more of them, the more slowly the mixers may move, and what says
    // little is left out.
    drop(c, {kOrder5, kOrder7, kOrder11, kOrder3Word, kPrevious2Byte, kWord2Byte, kLineWord});
    c.linear = true;
    c.rate = 13000;
  }
  c.runs = c.contexts;
  c.finals.push_back(Selector::kMatchBit);
  c.apms.push_back({ApmContext::kOrder3, 2});
}

SsmConfig ssm_config(int preset) {
  SsmConfig c;
  c.width = preset <= 6 ? 32 : (preset <= 8 ? 64 : 96);
  c.layers = preset == 9 ? 2 : 1;
  c.tables = {kOrder2, kOrder3, kOrder4, kOrder5, kOrder6, kWord, kWord1, kShape};
  if (preset >= 7) c.rate = 0.005f;  // wider ones lose their way when they are hurried
  if (preset == 9) {
    c.tables.insert(c.tables.end(), {kWordSkip, kColumn, kWordClasses, kNumberMask});
    c.rate = 0.004f;
    c.row_rate = 0.14f;
  }
  return c;
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
    m.ssm = ssm_config(preset);
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
