#include "ckpt/pickle/writer.hpp"

#include <bit>

#include "ckpt/pickle/globals.hpp"
#include "ckpt/pickle/machine.hpp"
#include "ckpt/pickle/opcodes.hpp"
#include "ckpt/pickle/text.hpp"
#include "core/error.hpp"

namespace stateutils::ckpt {
namespace {

void put(std::string& out, Op op) {
  out += static_cast<char>(op);
}
void put_bytes(std::string& out, std::uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) out += static_cast<char>(value >> (8 * i) & 0xff);
}

}  // namespace

struct PickleWriter::Context {
  const Heap& heap;
  const std::function<const PickledTensor*(Ref)>& tensor_of;
  std::unordered_map<Ref, std::uint32_t>& memo;
};

PickleWriter::PickleWriter() {
  put(out_, Op::kProto);
  out_ += '\x02';
}

PickleWriter& PickleWriter::raw(std::string_view opcodes) {
  out_ += opcodes;
  return *this;
}
PickleWriter& PickleWriter::none() {
  put(out_, Op::kNone);
  return *this;
}
PickleWriter& PickleWriter::boolean(bool value) {
  put(out_, value ? Op::kNewTrue : Op::kNewFalse);
  return *this;
}

PickleWriter& PickleWriter::integer(std::int64_t value) {
  const auto bits = static_cast<std::uint64_t>(value);
  if (value >= 0 && value < 256) {
    put(out_, Op::kBinInt1);
    put_bytes(out_, bits, 1);
  } else if (value >= 0 && value < 65536) {
    put(out_, Op::kBinInt2);
    put_bytes(out_, bits, 2);
  } else if (value >= INT32_MIN && value <= INT32_MAX) {
    put(out_, Op::kBinInt);
    put_bytes(out_, bits, 4);
  } else {
    put(out_, Op::kLong1);
    out_ += '\x08';
    put_bytes(out_, bits, 8);
  }
  return *this;
}

PickleWriter& PickleWriter::real(double value) {
  put(out_, Op::kBinFloat);
  const auto bits = std::bit_cast<std::uint64_t>(value);
  for (int i = 7; i >= 0; --i) out_ += static_cast<char>(bits >> (8 * i) & 0xff);
  return *this;
}

PickleWriter& PickleWriter::string(std::string_view utf8) {
  put(out_, Op::kBinUnicode);
  put_bytes(out_, utf8.size(), 4);
  out_ += utf8;
  return *this;
}

// Protocol 2 has no bytes: _codecs.encode(text, "latin1").
PickleWriter& PickleWriter::bytes(std::string_view data) {
  std::string text;
  for (const char c : data) append_utf8(text, static_cast<unsigned char>(c));
  global("_codecs", "encode").string(text).string("latin1");
  put(out_, Op::kTuple2);
  put(out_, Op::kReduce);
  return *this;
}

PickleWriter& PickleWriter::global(std::string_view module, std::string_view name) {
  const std::string full = std::string(module) + '\n' + std::string(name) + '\n';
  const auto [known, fresh] = globals_.emplace(full, next_memo_);
  if (!fresh) {
    get_memo(known->second);
    return *this;
  }
  put(out_, Op::kGlobal);
  out_ += full;
  put_memo(next_memo_++);
  return *this;
}

void PickleWriter::put_memo(std::uint32_t index) {
  put(out_, index < 256 ? Op::kBinPut : Op::kLongBinPut);
  put_bytes(out_, index, index < 256 ? 1 : 4);
}
void PickleWriter::get_memo(std::uint32_t index) {
  put(out_, index < 256 ? Op::kBinGet : Op::kLongBinGet);
  put_bytes(out_, index, index < 256 ? 1 : 4);
}

PickleWriter& PickleWriter::begin_dict() {
  put(out_, Op::kEmptyDict);
  put(out_, Op::kMark);
  return *this;
}
PickleWriter& PickleWriter::end_dict() {
  put(out_, Op::kSetItems);
  return *this;
}
PickleWriter& PickleWriter::begin_list() {
  put(out_, Op::kEmptyList);
  put(out_, Op::kMark);
  return *this;
}
PickleWriter& PickleWriter::end_list() {
  put(out_, Op::kAppends);
  return *this;
}
PickleWriter& PickleWriter::begin_tuple() {
  put(out_, Op::kMark);
  return *this;
}
PickleWriter& PickleWriter::end_tuple() {
  put(out_, Op::kTuple);
  return *this;
}

PickleWriter& PickleWriter::sizes(const Shape& shape) {
  begin_tuple();
  for (const std::uint64_t size : shape) integer(static_cast<std::int64_t>(size));
  return end_tuple();
}

// torch._utils._rebuild_tensor_v2, or _v3 for the types that only untyped storages hold.
PickleWriter& PickleWriter::tensor(const PickledTensor& tensor) {
  const std::string_view storage = torch_storage_name(tensor.dtype);
  const std::string_view dtype = torch_dtype_name(tensor.dtype);
  if (dtype.empty()) {
    throw core::usage_error("PyTorch has no dtype " + std::string(dtype_name(tensor.dtype)));
  }
  const bool untyped = storage.empty();
  const std::uint64_t elements = element_count(tensor.shape).value_or(0);
  global("torch._utils", untyped ? "_rebuild_tensor_v3" : "_rebuild_tensor_v2");
  begin_tuple().begin_tuple().string("storage");
  untyped ? global("torch.storage", "UntypedStorage") : global("torch", storage);
  string(tensor.key).string("cpu");
  integer(static_cast<std::int64_t>(untyped ? elements * item_bytes(tensor.dtype) : elements));
  end_tuple();
  put(out_, Op::kBinPersId);
  Shape strides(tensor.shape.size());
  std::uint64_t step = 1;
  for (std::size_t d = strides.size(); d-- > 0;) {
    strides[d] = step;
    step *= tensor.shape[d] == 0 ? 1 : tensor.shape[d];
  }
  integer(0).sizes(tensor.shape).sizes(strides).boolean(tensor.requires_grad);
  global("collections", "OrderedDict").raw(")R");
  if (untyped) global("torch", dtype);
  end_tuple();
  put(out_, Op::kReduce);
  return *this;
}

void PickleWriter::value(const Heap& heap, Ref ref,
                         const std::function<const PickledTensor*(Ref)>& tensor_of) {
  std::unordered_map<Ref, std::uint32_t> memo;
  object({heap, tensor_of, memo}, ref, 0);
}

void PickleWriter::class_name(std::string_view full) {
  const auto dot = full.rfind('.');
  std::string_view module = full.substr(0, dot);
  if (module == "builtins") module = "__builtin__";
  global(module, full.substr(dot + 1));
}

void PickleWriter::object(const Context& context, Ref ref, int depth) {
  if (depth > static_cast<int>(kMaxPickleDepth)) {
    throw core::Error(core::Category::kInput, "nested deeper than 1000");
  }
  const Object& o = context.heap.at(ref);
  switch (o.kind) {
    case Kind::kList:
    case Kind::kDict:
    case Kind::kRecord:
      return shared_container(context, ref, depth);
    case Kind::kTuple:
      begin_tuple();
      objects(context, o.items, depth);
      end_tuple();
      return;
    case Kind::kSet:
      global("__builtin__", o.flag ? "frozenset" : "set").begin_list();
      objects(context, o.items, depth);
      end_list().raw("\x85R");  // TUPLE1, REDUCE
      return;
    case Kind::kTensor: {
      const PickledTensor* const made = context.tensor_of(ref);
      made != nullptr ? tensor(*made) : none();
      return;
    }
    case Kind::kArray:
      return array(context, o, depth);
    default:
      return scalar(o);
  }
}

void PickleWriter::objects(const Context& context, const std::vector<Ref>& items, int depth) {
  for (const Ref item : items) object(context, item, depth + 1);
}

// A container is remembered before its items follow: they may refer to it.
void PickleWriter::shared_container(const Context& context, Ref ref, int depth) {
  const auto known = context.memo.find(ref);
  if (known != context.memo.end()) return get_memo(known->second);
  const Object& o = context.heap.at(ref);
  if (o.kind == Kind::kRecord) {
    record(context, o, depth);
  } else if (o.kind == Kind::kDict && o.flag) {
    global("collections", "OrderedDict").raw(")R");
  } else {
    put(out_, o.kind == Kind::kDict ? Op::kEmptyDict : Op::kEmptyList);
  }
  context.memo.emplace(ref, next_memo_);
  put_memo(next_memo_++);
  if (o.kind == Kind::kRecord) {
    if (o.state == 0) return;
    object(context, o.state, depth + 1);
    put(out_, Op::kBuild);
    return;
  }
  put(out_, Op::kMark);
  objects(context, o.items, depth);
  put(out_, o.kind == Kind::kDict ? Op::kSetItems : Op::kAppends);
}

void PickleWriter::scalar(const Object& o) {
  switch (o.kind) {
    case Kind::kBool:
      boolean(o.integer != 0);
      return;
    case Kind::kInt:
      integer(o.integer);
      return;
    case Kind::kBigInt: {
      // As Python does: torch.load(weights_only=True) knows the short form alone.
      const bool is_short = o.text.size() < 256;
      put(out_, is_short ? Op::kLong1 : Op::kLong4);
      put_bytes(out_, o.text.size(), is_short ? 1 : 4);
      out_ += o.text;
      return;
    }
    case Kind::kFloat:
      real(o.real);
      return;
    case Kind::kString:
      string(o.text);
      return;
    case Kind::kBytes:
      bytes(o.text);
      return;
    case Kind::kClass:
      return class_name(o.text);
    default:
      none();
  }
}

// The class called on its arguments; members of enumerations by their name go through getattr.
void PickleWriter::record(const Context& context, const Object& o, int depth) {
  const Object& type = context.heap.at(o.type);
  const bool member = static_cast<Meaning>(type.integer) == Meaning::kEnum && o.items.size() == 1 &&
                      context.heap.item(o, 0).kind == Kind::kString;
  if (member)
    global("__builtin__", "getattr");
  else
    class_name(type.text);
  begin_tuple();
  if (member) class_name(type.text);
  objects(context, o.items, depth);
  end_tuple();
  const bool plain = static_cast<Meaning>(type.integer) == Meaning::kRecord;
  put(out_, plain ? Op::kNewObj : Op::kReduce);
}

// numpy.core.multiarray._reconstruct and the state that __setstate__ takes.
void PickleWriter::array(const Context& context, const Object& o, int depth) {
  if (o.items.empty()) {
    none();
    return;
  }
  global("numpy.core.multiarray", "_reconstruct").begin_tuple().global("numpy", "ndarray");
  sizes({0}).bytes("b").end_tuple();
  put(out_, Op::kReduce);
  begin_tuple().integer(1);
  object(context, o.items[0], depth + 1);
  object(context, o.type, depth + 1);
  boolean(o.flag).bytes(o.text).end_tuple();
  put(out_, Op::kBuild);
}

std::string PickleWriter::finish() {
  put(out_, Op::kStop);
  return std::move(out_);
}

}  // namespace stateutils::ckpt
