#include "ckpt/pickle/scan.hpp"

#include <cstring>

#include "ckpt/pickle/opcodes.hpp"

namespace stateutils::ckpt {
namespace {

// What follows an opcode: nothing, a fixed number of bytes, text lines, or a length and as many
// bytes.
struct Argument {
  unsigned fixed = 0, lines = 0, length_bytes = 0;
  bool known = true;
};

Argument argument_of(Op op) {
  switch (op) {
    case Op::kBinInt1:
    case Op::kBinPut:
    case Op::kBinGet:
    case Op::kProto:
    case Op::kExt1:
      return {.fixed = 1};
    case Op::kBinInt2:
    case Op::kExt2:
      return {.fixed = 2};
    case Op::kBinInt:
    case Op::kLongBinPut:
    case Op::kLongBinGet:
    case Op::kExt4:
      return {.fixed = 4};
    case Op::kBinFloat:
    case Op::kFrame:
      return {.fixed = 8};
    case Op::kInt:
    case Op::kLong:
    case Op::kFloat:
    case Op::kString:
    case Op::kUnicode:
    case Op::kPut:
    case Op::kGet:
    case Op::kPersId:
      return {.lines = 1};
    case Op::kGlobal:
    case Op::kInst:
      return {.lines = 2};
    case Op::kShortBinString:
    case Op::kShortBinBytes:
    case Op::kShortBinUnicode:
    case Op::kLong1:
      return {.length_bytes = 1};
    case Op::kBinString:
    case Op::kBinBytes:
    case Op::kBinUnicode:
    case Op::kLong4:
      return {.length_bytes = 4};
    case Op::kBinBytes8:
    case Op::kBinUnicode8:
    case Op::kByteArray8:
      return {.length_bytes = 8};
    default:
      return {.known = std::strchr("(.012NQRabd}e]lost)u", static_cast<char>(op)) != nullptr ||
                       (static_cast<unsigned char>(op) >= 0x81 &&
                        static_cast<unsigned char>(op) <= 0x98)};
  }
}

}  // namespace

std::optional<std::uint64_t> pickle_length(std::string_view window) {
  std::uint64_t at = 0;
  while (at < window.size()) {
    const auto op = static_cast<Op>(static_cast<unsigned char>(window[at++]));
    if (op == Op::kStop) return at;
    const Argument argument = argument_of(op);
    if (!argument.known || op == static_cast<Op>(0)) return at;
    std::uint64_t size = argument.fixed;
    if (argument.length_bytes > 0) {
      if (window.size() - at < argument.length_bytes) return std::nullopt;
      std::memcpy(&size, window.data() + at, argument.length_bytes);
      at += argument.length_bytes;
    }
    if (size > window.size() - at) return std::nullopt;
    at += size;
    for (unsigned line = 0; line < argument.lines; ++line) {
      const auto end = window.find('\n', at);
      if (end == std::string_view::npos) return std::nullopt;
      at = end + 1;
    }
  }
  return std::nullopt;
}

}  // namespace stateutils::ckpt
