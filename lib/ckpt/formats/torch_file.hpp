// A file written by torch.save: the decoded object tree and where its storages lie. Zip and
// legacy form; no tensor bytes are read.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>

#include "ckpt/formats/read_options.hpp"
#include "ckpt/model/catalogue.hpp"
#include "ckpt/pickle/document.hpp"

namespace stateutils::ckpt {

class TorchFile {
 public:
  // kInput for everything that is no sound PyTorch file; a wrong checksum is a finding.
  TorchFile(ByteFilePtr file, const ReadOptions& options);

  [[nodiscard]] const Document& document() const { return *document_; }
  [[nodiscard]] std::shared_ptr<const Document> shared_document() const { return document_; }
  [[nodiscard]] const Heap& heap() const { return document_->heap(); }
  [[nodiscard]] const Object& root() const { return document_->root_object(); }
  [[nodiscard]] const std::string& name() const { return file_->name(); }

  // The tensor that a kTensor object stands for; checks that its storage is there and long enough.
  [[nodiscard]] Tensor tensor(const Object& object, std::string tensor_name) const;
  // Equal for tensors that are the same view of the same storage.
  [[nodiscard]] std::string identity(const Object& object) const;

  [[nodiscard]] const std::vector<StoredSum>& sums() const { return sums_; }
  [[nodiscard]] const std::vector<Finding>& findings() const { return findings_; }

 private:
  struct Storage {
    std::uint64_t offset = 0, bytes = 0;
  };
  void open_zip();
  void open_legacy();
  void add_legacy_storages(std::uint64_t at, const Document& keys);
  [[nodiscard]] std::unique_ptr<Document> legacy_pickle(std::uint64_t& at) const;

  ByteFilePtr file_;
  ReadOptions options_;
  bool big_endian_ = false;
  std::shared_ptr<const Document> document_;
  std::unordered_map<std::string, Storage> storages_;
  std::vector<StoredSum> sums_;
  std::vector<Finding> findings_;
};

// Whether the content is a PyTorch file of any form (the refused tar form included).
[[nodiscard]] bool looks_like_torch(const ByteFile& file);

[[nodiscard]] Catalogue open_torch(const ByteFilePtr& file, const ReadOptions& options);
// pytorch_model.bin.index.json and its shards.
[[nodiscard]] Catalogue open_torch_index(const std::string& path, const ReadOptions& options);

}  // namespace stateutils::ckpt
