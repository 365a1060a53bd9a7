#include "ckpt/pickle/build.hpp"

#include <bit>
#include <cstring>

#include "ckpt/pickle/text.hpp"
#include "core/checked.hpp"
#include "core/error.hpp"

namespace stateutils::ckpt {
namespace {

[[noreturn]] void refuse(const std::string& message) {
  throw PickleRefused{message};
}

// offset + sum((size - 1) * stride), the last element a view touches; empty on overflow.
std::optional<std::uint64_t> last_element(const TensorView& view) {
  std::optional<std::uint64_t> last = view.offset;
  for (std::size_t i = 0; i < view.shape.size() && last; ++i) {
    const auto step = core::checked_mul(view.shape[i] - 1, view.strides[i]);
    last = step ? core::checked_add(*last, *step) : std::nullopt;
  }
  return last;
}

void check_inside(const TensorView& view, const StorageRef& storage) {
  const auto count = element_count(view.shape);
  if (!count || !tensor_bytes(view.dtype, view.shape)) refuse("a tensor's size overflows");
  if (*count == 0) return;
  auto needed = last_element(view);
  if (needed) needed = core::checked_add(*needed, 1);
  if (needed && !storage.dtype) needed = core::checked_mul(*needed, item_bytes(view.dtype));
  if (!needed || *needed > storage.numel) {
    refuse("a tensor view leaves its storage " + core::quoted(storage.key) + " of " +
           std::to_string(storage.numel) + (storage.dtype ? " elements" : " bytes"));
  }
}

bool is_plain_identifier(std::string_view name) {
  if (name.empty() || name.front() == '_') return false;
  for (std::size_t i = 0; i < name.size(); ++i) {
    const char c = name[i];
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    if (!letter && (i == 0 || c < '0' || c > '9')) return false;
  }
  return true;
}

}  // namespace

Meaning Builder::meaning_of(Ref ref) const {
  const Object& object = heap_.at(ref);
  if (object.kind != Kind::kClass) refuse("a call of something that is no known name");
  return static_cast<Meaning>(object.integer);
}

const Object& Builder::argument(const Arguments& arguments, std::size_t index) const {
  if (index >= arguments.size()) refuse("a call has too few arguments");
  return heap_.at(arguments[index]);
}

Ref Builder::call(Ref callee, Ref arguments) {
  const Object& tuple = heap_.at(arguments);
  if (tuple.kind != Kind::kTuple) refuse("the arguments of a call are no tuple");
  return apply(meaning_of(callee), callee, tuple.items);
}

Ref Builder::apply(Meaning meaning, Ref callee, const Arguments& arguments) {
  switch (meaning) {
    case Meaning::kRebuildTensor:
      return rebuild_tensor(arguments, 1);
    case Meaning::kRebuildTensorV2:
      return rebuild_tensor(arguments, 2);
    case Meaning::kRebuildTensorV3:
      return rebuild_tensor(arguments, 3);
    case Meaning::kRebuildParameter:
    case Meaning::kRebuildParameterWithState:
      return rebuild_parameter(arguments);
    case Meaning::kRebuildFromType:
      return rebuild_from_type(arguments);
    case Meaning::kOrderedDict:
      return ordered_dict(arguments, 0, true);
    case Meaning::kDefaultDict:
      return ordered_dict(arguments, 1, false);
    case Meaning::kDict:
      return ordered_dict(arguments, 0, false);
    case Meaning::kSet:
      return collection(Kind::kSet, false, arguments);
    case Meaning::kFrozenSet:
      return collection(Kind::kSet, true, arguments);
    case Meaning::kList:
      return collection(Kind::kList, false, arguments);
    case Meaning::kTuple:
    case Meaning::kSize:
      return collection(Kind::kTuple, false, arguments);
    case Meaning::kGetLayout:
      return argument(arguments, 0).kind == Kind::kString ? arguments[0] : 0;
    case Meaning::kEncode:
      return encode(arguments);
    case Meaning::kByteArray:
      return byte_array(arguments);
    case Meaning::kConvert:
      return convert(arguments);
    case Meaning::kReconstructor:
      return reconstruct(arguments);
    case Meaning::kNumpyReconstruct:
      return numpy_array();
    case Meaning::kNumpyScalar:
      return numpy_scalar(arguments);
    case Meaning::kGetattr:
      return enum_member(arguments);
    case Meaning::kDevice:
    case Meaning::kPlainClass:
    case Meaning::kRecord:
    case Meaning::kEnum:
      return record(callee, arguments);
    case Meaning::kOpaque:
      return heap_.add({.kind = Kind::kOpaque});
    case Meaning::kLoadFromBytes:
      refuse("torch.storage._load_from_bytes is not allowed");
    case Meaning::kStorageClass:
    case Meaning::kUntypedStorage:
    case Meaning::kTorchDType:
      break;
  }
  refuse("a call of " + core::quoted(heap_.at(callee).text));
}

// torch._utils: (storage, offset, size, stride), v2 + (requires_grad, hooks), v3 + dtype.
Ref Builder::rebuild_tensor(const Arguments& arguments, std::size_t version) {
  const Object& holder = argument(arguments, 0);
  const auto offset = as_size(argument(arguments, 1));
  auto shape = as_shape(heap_, argument(arguments, 2));
  auto strides = as_shape(heap_, argument(arguments, 3));
  if (holder.kind != Kind::kStorage) refuse("a tensor without storage");
  if (!offset || !shape || !strides)
    refuse("a tensor's offset, size or stride is negative or no number");
  if (shape->size() != strides->size()) refuse("a tensor has more sizes than strides");
  const StorageRef& storage = heap_.storages[static_cast<std::size_t>(holder.integer)];
  TensorView view{.storage = arguments[0], .offset = *offset, .shape = *shape, .strides = *strides};
  if (version == 3) {
    const Object& type = argument(arguments, 6);
    if (type.kind == Kind::kClass && meaning_of(arguments[6]) == Meaning::kTorchDType) {
      view.dtype = *dtype_from_torch(type.text.substr(6));  // after "torch."
    } else {
      refuse("_rebuild_tensor_v3 without a dtype");
    }
  } else if (storage.dtype) {
    view.dtype = *storage.dtype;
  } else {
    refuse("an untyped storage needs _rebuild_tensor_v3");
  }
  view.requires_grad = version > 1 && arguments.size() > 4 && argument(arguments, 4).integer != 0;
  check_inside(view, storage);
  heap_.charge(sizeof(TensorView) + 16 * shape->size());
  heap_.tensors.push_back(std::move(view));
  return heap_.add(
      {.kind = Kind::kTensor, .integer = static_cast<std::int64_t>(heap_.tensors.size() - 1)});
}

Ref Builder::rebuild_parameter(const Arguments& arguments) {
  const Object& data = argument(arguments, 0);
  if (data.kind != Kind::kTensor) refuse("a parameter without tensor");
  heap_.tensors[static_cast<std::size_t>(data.integer)].requires_grad =
      argument(arguments, 1).integer != 0;
  return arguments[0];
}

// (function, type, arguments, state); the function must itself rebuild a tensor.
Ref Builder::rebuild_from_type(const Arguments& arguments) {
  (void)argument(arguments, 1);
  const Meaning meaning = meaning_of(arguments[0]);
  const bool rebuilds =
      meaning == Meaning::kRebuildTensor || meaning == Meaning::kRebuildTensorV2 ||
      meaning == Meaning::kRebuildTensorV3 || meaning == Meaning::kRebuildParameter;
  if (!rebuilds) refuse("_rebuild_from_type_v2 of something that rebuilds no tensor");
  if (argument(arguments, 2).kind != Kind::kTuple) refuse("the arguments of a call are no tuple");
  return apply(meaning, arguments[0], argument(arguments, 2).items);
}

// dict-likes: no argument, a dict, or a list of pairs (the form of protocol 0 and Python 2).
Ref Builder::ordered_dict(const Arguments& arguments, std::size_t first, bool ordered) {
  const Ref dict = heap_.add({.kind = Kind::kDict, .flag = ordered});
  if (arguments.size() <= first) return dict;
  const Object& source = heap_.at(arguments[first]);
  if (source.kind == Kind::kDict) {
    for (const Ref item : source.items) heap_.append(dict, item);
    return dict;
  }
  if (source.kind != Kind::kList && source.kind != Kind::kTuple) refuse("a dict of no pairs");
  for (const Ref ref : source.items) {
    const Object& pair = heap_.at(ref);
    const bool fits =
        (pair.kind == Kind::kList || pair.kind == Kind::kTuple) && pair.items.size() == 2;
    if (!fits) refuse("a dict of no pairs");
    heap_.append(dict, pair.items[0]);
    heap_.append(dict, pair.items[1]);
  }
  return dict;
}

Ref Builder::collection(Kind kind, bool frozen, const Arguments& arguments) {
  Object made{.kind = kind, .flag = frozen};
  if (!arguments.empty()) {
    const Object& source = heap_.at(arguments[0]);
    const bool iterable =
        source.kind == Kind::kList || source.kind == Kind::kTuple || source.kind == Kind::kSet;
    if (!iterable) refuse("a collection of something that is no list");
    made.items = source.items;
  }
  return heap_.add(std::move(made));
}

// _codecs.encode(text, "latin1"): how protocol 2 spells bytes.
Ref Builder::encode(const Arguments& arguments) {
  const Object& text = argument(arguments, 0);
  if (text.kind != Kind::kString) refuse("_codecs.encode of something that is no text");
  if (arguments.size() > 1) {
    const std::string_view codec = argument(arguments, 1).text;
    if (codec != "latin1" && codec != "latin-1") refuse("_codecs.encode with an unknown codec");
  }
  auto bytes = latin1_bytes(text.text);
  if (!bytes) refuse("_codecs.encode of text that is not Latin-1");
  return heap_.add({.kind = Kind::kBytes, .text = heap_.keep(std::move(*bytes))});
}

Ref Builder::byte_array(const Arguments& arguments) {
  if (arguments.empty()) return heap_.add({.kind = Kind::kBytes});
  if (argument(arguments, 0).kind == Kind::kBytes) return arguments[0];
  return encode(arguments);
}

// int("3") never occurs in a checkpoint; int(3), bool(True), str("x") do (enum values).
Ref Builder::convert(const Arguments& arguments) {
  if (arguments.empty()) refuse("a conversion of nothing");
  switch (argument(arguments, 0).kind) {
    case Kind::kBool:
    case Kind::kInt:
    case Kind::kBigInt:
    case Kind::kFloat:
    case Kind::kString:
      return arguments[0];
    default:
      refuse("a conversion of something that is no plain value");
  }
}

// copyreg._reconstructor(class, base, state): an object without calling its class.
Ref Builder::reconstruct(const Arguments& arguments) {
  const Meaning meaning = meaning_of(arguments.empty() ? Ref{0} : arguments[0]);
  if (meaning == Meaning::kOpaque) return heap_.add({.kind = Kind::kOpaque});
  if (meaning != Meaning::kRecord && meaning != Meaning::kEnum) {
    refuse("copyreg._reconstructor of a class that is no record");
  }
  return record(arguments[0], {});
}

Ref Builder::numpy_array() {
  return heap_.add({.kind = Kind::kArray});
}

Ref Builder::record(Ref type, const Arguments& arguments) {
  return heap_.add({.kind = Kind::kRecord, .type = type, .items = arguments});
}

// builtins.getattr(ENUM, 'MEMBER'), as Python 3.11 pickles the members of enumerations.
Ref Builder::enum_member(const Arguments& arguments) {
  const bool form = arguments.size() == 2 && argument(arguments, 0).kind == Kind::kClass &&
                    meaning_of(arguments[0]) == Meaning::kEnum &&
                    argument(arguments, 1).kind == Kind::kString &&
                    is_plain_identifier(argument(arguments, 1).text);
  if (!form) refuse("builtins.getattr is used other than to name a member of an enumeration");
  return record(arguments[0], {arguments[1]});
}

Ref Builder::storage(Ref persistent_id) {
  const Object& id = heap_.at(persistent_id);
  if (id.kind != Kind::kTuple || id.items.size() < 5 || id.items.size() > 6) {
    refuse("a persistent id that is no storage");
  }
  const Object& tag = heap_.item(id, 0);
  const Object& type = heap_.item(id, 1);
  const Object& key = heap_.item(id, 2);
  const auto numel = as_size(heap_.item(id, 4));
  if (tag.kind != Kind::kString || tag.text != "storage")
    refuse("a persistent id that is no storage");
  if (key.kind != Kind::kString || key.text.empty() || !numel)
    refuse("a storage without key or size");
  if (id.items.size() == 6 && heap_.item(id, 5).kind != Kind::kNone) {
    refuse("a storage that is a view of another one");
  }
  StorageRef made{.key = key.text, .dtype = std::nullopt, .numel = *numel};
  const Meaning meaning = meaning_of(id.items[1]);
  if (meaning == Meaning::kStorageClass) {
    made.dtype = dtype_from_storage(type.text.substr(6));  // after "torch."
  } else if (meaning != Meaning::kUntypedStorage) {
    refuse("a storage of class " + core::quoted(type.text));
  }
  heap_.charge(sizeof(StorageRef));
  heap_.storages.push_back(made);
  return heap_.add(
      {.kind = Kind::kStorage, .integer = static_cast<std::int64_t>(heap_.storages.size() - 1)});
}

void Builder::set_state(Ref object, Ref state) {
  switch (heap_.at(object).kind) {
    case Kind::kRecord:
      heap_.at(object).state = state;
      return;
    case Kind::kArray:
      return set_array_state(object, state);
    case Kind::kDict:    // attributes of an OrderedDict subclass, such as state_dict()._metadata
    case Kind::kTensor:  // attributes of a parameter
    case Kind::kOpaque:
      return;
    default:
      refuse("BUILD on something that has no state");
  }
}

// numpy.ndarray.__setstate__: (version, shape, dtype, is_fortran, data)
void Builder::set_array_state(Ref array, Ref state) {
  const Object& tuple = heap_.at(state);
  if (tuple.kind != Kind::kTuple || tuple.items.size() != 5)
    refuse("a numpy array's state is malformed");
  const Object& data = heap_.item(tuple, 4);
  if (!as_shape(heap_, heap_.item(tuple, 1)) || data.kind != Kind::kBytes) {
    refuse("a numpy array that holds objects, or none");
  }
  Object& made = heap_.at(array);
  made.type = tuple.items[2];
  made.flag = heap_.item(tuple, 3).integer != 0;
  made.text = data.text;
  made.items = {tuple.items[1]};
}

// numpy.core.multiarray.scalar(dtype, bytes): numbers of 8 bytes and booleans become plain values.
Ref Builder::numpy_scalar(const Arguments& arguments) {
  const Object& type = argument(arguments, 0);
  const Object& data = argument(arguments, 1);
  if (type.kind != Kind::kRecord || type.items.empty() || data.kind != Kind::kBytes) {
    refuse("a numpy scalar's state is malformed");
  }
  const std::string_view code = heap_.item(type, 0).text;
  const std::string_view raw = data.text;
  if (code == "f8" && raw.size() == 8) {
    double value = 0;
    std::memcpy(&value, raw.data(), 8);
    return heap_.add({.kind = Kind::kFloat, .real = value});
  }
  if (code == "f4" && raw.size() == 4) {
    float value = 0;
    std::memcpy(&value, raw.data(), 4);
    return heap_.add({.kind = Kind::kFloat, .real = static_cast<double>(value)});
  }
  if (code == "b1" && raw.size() == 1) {
    return heap_.add({.kind = Kind::kBool, .integer = raw[0] != 0 ? 1 : 0});
  }
  if ((code == "i8" || code == "i4" || code == "i2" || code == "i1") &&
      raw.size() == static_cast<std::size_t>(code[1] - '0')) {
    return heap_.add(long_value(raw));
  }
  return record(arguments[0], {arguments[1]});
}

}  // namespace stateutils::ckpt
