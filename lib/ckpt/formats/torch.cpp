#include <unordered_map>

#include "ckpt/formats/shard_index.hpp"
#include "ckpt/formats/torch_file.hpp"
#include "core/error.hpp"

namespace stateutils::ckpt {
namespace {

void add_file(Catalogue& catalogue, const TorchFile& torch) {
  std::unordered_map<std::string, std::size_t> first_of;  // identity of a view -> tensor
  walk_leaves(torch.heap(), torch.document().root(), [&](const std::string& path, Ref leaf) {
    const Object& object = torch.heap().at(leaf);
    if (object.kind != Kind::kTensor) {
      ++catalogue.objects;
      return;
    }
    Tensor tensor = torch.tensor(object, path.empty() ? "tensor" : path);
    const auto [known, fresh] = first_of.emplace(torch.identity(object), catalogue.tensors.size());
    if (!fresh && tensor.elements() > 0) tensor.alias_of = known->second;
    catalogue.tensors.push_back(std::move(tensor));
  });
  catalogue.files.push_back(torch.name());
  catalogue.sums.insert(catalogue.sums.end(), torch.sums().begin(), torch.sums().end());
  catalogue.findings.insert(catalogue.findings.end(), torch.findings().begin(),
                            torch.findings().end());
}

}  // namespace

Catalogue open_torch(const ByteFilePtr& file, const ReadOptions& options) {
  Catalogue catalogue{.format = "pt", .source = file->name()};
  const TorchFile torch(file, options);
  add_file(catalogue, torch);
  catalogue.document = torch.shared_document();
  check_unique_names(catalogue);
  return catalogue;
}

Catalogue open_torch_index(const std::string& path, const ReadOptions& options) {
  const ShardIndex index = read_shard_index(path);
  Catalogue catalogue{.format = "pt", .source = path};
  catalogue.files.push_back(path);
  std::vector<std::size_t> ends;
  for (const std::string& shard : index.shards) {
    add_file(catalogue, TorchFile(plain_file(index.folder + shard), options));
    ends.push_back(catalogue.tensors.size());
  }
  check_unique_names(catalogue);
  check_against_index(catalogue, index, ends);
  return catalogue;
}

}  // namespace stateutils::ckpt
