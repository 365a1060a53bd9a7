// Puts together one PyTorch zip from values written by hand: the pickle and the storages it names.
#pragma once

#include <string>
#include <vector>

#include "ckpt/engine/output_plan.hpp"
#include "ckpt/model/catalogue.hpp"
#include "ckpt/pickle/writer.hpp"
#include "ckpt/zip/writer.hpp"

namespace stateutils::ckpt {

class TorchBuilder {
 public:
  explicit TorchBuilder(std::string root) : root_(std::move(root)) {}

  PickleWriter& pickle() { return pickle_; }
  // Writes a dense tensor whose storage holds `bytes`.
  void tensor(DType dtype, const Shape& shape, ByteFilePtr bytes);
  // A value of another file, its tensors copied along; `file` gives their bytes.
  void value(const class TorchFile& file, Ref ref);
  [[nodiscard]] OutputPlan finish(std::string name);

 private:
  std::string root_;
  PickleWriter pickle_;
  std::vector<ByteFilePtr> storages_;
};

}  // namespace stateutils::ckpt
