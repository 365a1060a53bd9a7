// Experts of a mixture in a DeepSpeed folder: their weights lie in a file per expert, their
// optimizer states in a file per expert-parallel rank or in the ZeRO files of the data-parallel
// ranks, each of which then holds its own experts under one name.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "ckpt/formats/torch_file.hpp"
#include "ckpt/model/catalogue.hpp"

namespace stateutils::ckpt {

class Experts {
 public:
  // How many experts the slices of a parameter are of.
  struct Share {
    std::uint64_t experts = 0, local = 0, ranks = 1;  // of all, of one rank; expert-parallel degree
  };

  // Reads `ds_autoep_layers` of a model file, where it has that key.
  void describe(const TorchFile& model);
  // The share that the slices of a parameter are, when they are of one rank's experts.
  [[nodiscard]] const Share* share_of(const std::string& parameter) const;

  // Takes a tensor NAME.E of expert E's file; false when the name does not end so.
  bool add_weight(const std::string& name, std::uint64_t expert, Tensor tensor);
  // States of an expp_rank_R file. A file without an optimizer (ZeRO has the states) adds none.
  void add_optimizer(const TorchFile& file, std::uint64_t rank);

  // (E, ...) tensors from what was added; a missing expert is a finding.
  [[nodiscard]] std::vector<Tensor> stacked(std::vector<Finding>& findings) const;
  // Adds the attributes that DeepSpeed gives an expert's parameter.
  void mark(Tensor& tensor) const;

 private:
  using Parts = std::map<std::uint64_t, std::vector<Tensor>>;  // by expert or rank; then replicas
  [[nodiscard]] std::map<std::string, std::size_t> ids_of(const TorchFile& file,
                                                          const Object& optimizer) const;

  std::map<std::string, Share> shares_;
  std::vector<std::string> names_;        // of shares_, in the order of the layers
  std::map<std::string, Parts> weights_;  // parameter -> expert
  std::map<std::pair<std::string, std::string>, Parts> states_;  // parameter, state -> rank
};

}  // namespace stateutils::ckpt
