// Folders whose files a layout file describes.
#pragma once

#include <string>

#include "ckpt/formats/read_options.hpp"
#include "ckpt/model/catalogue.hpp"

namespace stateutils::ckpt {

// `layout` is the path of the layout file; the files that it names lie in `folder`. Replicas and
// averages become what they are in UCP. The format is that of the first file.
[[nodiscard]] Catalogue open_layout(const std::string& folder, const std::string& layout,
                                    const ReadOptions& options);

}  // namespace stateutils::ckpt
