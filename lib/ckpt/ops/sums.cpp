#include "ckpt/ops/sums.hpp"

#include <map>
#include <set>

#include "ckpt/ops/scan.hpp"
#include "core/error.hpp"

namespace stateutils::ckpt {

std::vector<StoredSum> attach_sums(const Catalogue& catalogue, std::vector<OutputPlan>& plans) {
  std::vector<StoredSum> rest;
  std::map<std::pair<const ByteFile*, std::uint64_t>, Region*> regions;
  for (OutputPlan& plan : plans) {
    for (Region& region : plan.regions) {
      std::uint64_t base = region.offset;
      const ByteFile* file = underlying(*region.content, base);
      regions.emplace(std::pair{file, base}, &region);
    }
  }
  // A tensor's own hash matters only where that tensor is used.
  std::set<const ByteFile*> used;
  for (const Tensor& tensor : catalogue.tensors) {
    for (const Piece& piece : tensor.pieces) used.insert(piece.file.get());
  }
  for (const StoredSum& sum : catalogue.sums) {
    if (sum.hash && !used.contains(sum.file.get())) continue;
    const auto found = regions.find({sum.file.get(), sum.offset});
    if (found == regions.end() || found->second->size != sum.size) {
      rest.push_back(sum);
      continue;
    }
    Region& region = *found->second;
    if (sum.hash) {
      region.expected_hash = sum.hash;
    } else {
      region.expected_crc = sum.crc;
    }
    region.what = sum_subject(sum);
  }
  return rest;
}

void require_sums(const std::vector<StoredSum>& sums, const std::string& source, int threads) {
  for (const Finding& finding : check_sums(sums, threads)) {
    throw core::input_error({source}, finding.detail);
  }
}

}  // namespace stateutils::ckpt
