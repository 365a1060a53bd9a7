#include "ckpt/pickle/value.hpp"

#include <algorithm>

#include "core/error.hpp"

namespace stateutils::ckpt {

Heap::Heap(std::uint64_t memory_limit, std::uint64_t object_limit)
    : limit_(memory_limit), object_limit_(object_limit) {
  objects_.emplace_back();  // Ref 0 is None
}

void Heap::charge(std::uint64_t bytes) {
  used_ += bytes;
  if (used_ > limit_) {
    throw core::Error(core::Category::kInput, "decoded objects need more than --max-memory (" +
                                                  std::to_string(limit_) + " bytes)");
  }
}

Ref Heap::add(Object object) {
  if (objects_.size() >= object_limit_) {
    throw core::Error(core::Category::kInput, "more than 50 million objects");
  }
  charge(sizeof(Object) + object.items.size() * sizeof(Ref));
  objects_.push_back(std::move(object));
  return static_cast<Ref>(objects_.size() - 1);
}

void Heap::append(Ref container, Ref item) {
  charge(2 * sizeof(Ref));  // a growing vector holds up to twice what it needs
  objects_[container].items.push_back(item);
}

std::string_view Heap::keep(std::string text) {
  charge(text.size() + sizeof(std::string));
  return texts_.emplace_back(std::move(text));
}

Ref Heap::integer(std::int64_t value) {
  return add({.kind = Kind::kInt, .integer = value});
}

Ref Heap::string(std::string_view text) {
  return add({.kind = Kind::kString, .text = text});
}

const Object* Heap::find(const Object& holder, std::string_view key) const {
  const Object& fields = holder.kind == Kind::kRecord ? at(holder.state) : holder;
  if (fields.kind != Kind::kDict) return nullptr;
  for (std::size_t i = 0; i + 1 < fields.items.size(); i += 2) {
    const Object& name = at(fields.items[i]);
    if (name.kind == Kind::kString && name.text == key) return &at(fields.items[i + 1]);
  }
  return nullptr;
}

std::optional<std::int64_t> as_integer(const Object& object) {
  if (object.kind != Kind::kInt && object.kind != Kind::kBool) return std::nullopt;
  return object.integer;
}

std::optional<std::uint64_t> as_size(const Object& object) {
  if (object.kind != Kind::kInt || object.integer < 0) return std::nullopt;
  return static_cast<std::uint64_t>(object.integer);
}

std::optional<double> as_number(const Object& object) {
  if (object.kind == Kind::kFloat) return object.real;
  if (const auto integer = as_integer(object)) return static_cast<double>(*integer);
  return std::nullopt;
}

std::optional<Shape> as_shape(const Heap& heap, const Object& object) {
  if (object.kind != Kind::kList && object.kind != Kind::kTuple) return std::nullopt;
  Shape shape;
  shape.reserve(object.items.size());
  for (const Ref ref : object.items) {
    const auto size = as_size(heap.at(ref));
    if (!size) return std::nullopt;
    shape.push_back(*size);
  }
  return shape;
}

std::string big_decimal(std::string_view little_endian) {
  std::string bytes(little_endian);
  const bool negative = !bytes.empty() && (static_cast<unsigned char>(bytes.back()) & 0x80) != 0;
  if (negative) {
    unsigned carry = 1;
    for (char& byte : bytes) {
      const unsigned sum =
          (~static_cast<unsigned>(static_cast<unsigned char>(byte)) & 0xff) + carry;
      byte = static_cast<char>(sum & 0xff);
      carry = sum >> 8;
    }
  }
  std::string digits;
  while (std::ranges::any_of(bytes, [](char byte) { return byte != 0; })) {
    unsigned remainder = 0;
    for (std::size_t i = bytes.size(); i-- > 0;) {
      const unsigned value = remainder << 8 | static_cast<unsigned char>(bytes[i]);
      bytes[i] = static_cast<char>(value / 10);
      remainder = value % 10;
    }
    digits += static_cast<char>('0' + remainder);
  }
  if (digits.empty()) return "0";
  if (negative) digits += '-';
  std::ranges::reverse(digits);
  return digits;
}

}  // namespace stateutils::ckpt
