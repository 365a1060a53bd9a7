// Names of tensors that become paths: below zero/ of a universal folder, inside an .npz.
#pragma once

#include <string>

namespace stateutils::ckpt {

// kInput for what is no safe relative path: empty, absolute, with an empty, `.` or `..` part, a NUL
// or a part of more than 255 bytes.
void require_safe_name(const std::string& name);

}  // namespace stateutils::ckpt
