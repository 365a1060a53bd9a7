#include "ckpt/pickle/machine.hpp"

#include <bit>
#include <cstring>
#include <unordered_map>

#include "ckpt/pickle/build.hpp"
#include "ckpt/pickle/globals.hpp"
#include "ckpt/pickle/opcodes.hpp"
#include "ckpt/pickle/text.hpp"
#include "core/error.hpp"
#include "core/units.hpp"
#include "core/utf8.hpp"

namespace stateutils::ckpt {
namespace {

// Thrown with the message alone; run() adds file and offset.
[[noreturn]] void refuse_program(const std::string& message) {
  throw PickleRefused{message};
}

class Machine {
 public:
  Machine(std::string_view bytes, const PickleOptions& options, Heap& heap)
      : bytes_(bytes), options_(options), heap_(heap), builder_(heap) {}

  PickleResult run() {
    while (true) {
      op_at_ = at_;
      const auto op = static_cast<Op>(byte());
      if (op == Op::kStop) break;
      step(op);
    }
    const Ref root = pop();
    if (getattr_named_) refuse_stray_getattr(root);
    return {root, at_};
  }
  [[nodiscard]] std::uint64_t offset() const { return op_at_; }

 private:
  // --- reading -------------------------------------------------------------------------------
  unsigned char byte() {
    if (at_ >= bytes_.size()) refuse_program("the pickle ends without STOP");
    return static_cast<unsigned char>(bytes_[at_++]);
  }
  std::string_view take(std::uint64_t size) {
    if (size > bytes_.size() - at_) {
      refuse_program("a length of " + std::to_string(size) + " bytes passes the end of the pickle");
    }
    const auto text = bytes_.substr(at_, size);
    at_ += size;
    return text;
  }
  template <class T>
  T fixed() {
    T value{};
    std::memcpy(&value, take(sizeof(T)).data(), sizeof(T));
    return value;
  }
  std::string_view line() {
    const auto end = bytes_.find('\n', at_);
    if (end == std::string_view::npos) refuse_program("a text argument has no end");
    const auto text = bytes_.substr(at_, end - at_);
    at_ = end + 1;
    return text;
  }
  // A signed 4-byte length (protocol 1 strings, LONG4).
  std::uint64_t signed_length() {
    const auto size = fixed<std::int32_t>();
    if (size < 0) refuse_program("a negative length");
    return static_cast<std::uint64_t>(size);
  }

  // --- stack ---------------------------------------------------------------------------------
  void push(Ref ref) { stack_.push_back(ref); }
  void push(Object object) { push(heap_.add(std::move(object))); }
  Ref pop() {
    if (stack_.size() <= floor()) refuse_program("the stack is empty");
    const Ref ref = stack_.back();
    stack_.pop_back();
    return ref;
  }
  Ref top() {
    if (stack_.size() <= floor()) refuse_program("the stack is empty");
    return stack_.back();
  }
  [[nodiscard]] std::size_t floor() const { return marks_.empty() ? 0 : marks_.back(); }
  void mark() {
    if (marks_.size() >= kMaxPickleDepth) refuse_program("nested deeper than 1000");
    marks_.push_back(stack_.size());
  }
  std::vector<Ref> pop_mark() {
    if (marks_.empty()) refuse_program("no MARK on the stack");
    const auto first = static_cast<std::ptrdiff_t>(marks_.back());
    marks_.pop_back();
    std::vector<Ref> items(stack_.begin() + first, stack_.end());
    stack_.resize(static_cast<std::size_t>(first));
    return items;
  }
  void tuple(std::size_t size) {
    std::vector<Ref> items(size);
    for (std::size_t i = size; i-- > 0;) items[i] = pop();
    push({.kind = Kind::kTuple, .items = std::move(items)});
  }

  // --- memo ----------------------------------------------------------------------------------
  void put(std::uint64_t index) {
    const Ref ref = top();
    if (memo_.insert_or_assign(index, ref).second) heap_.charge(48);
  }
  void get(std::uint64_t index) {
    const auto found = memo_.find(index);
    if (found == memo_.end())
      refuse_program("memo entry " + std::to_string(index) + " was never stored");
    push(found->second);
  }
  std::uint64_t line_index() {
    const auto index = core::parse_u64(line());
    if (!index) refuse_program("a memo index is no number");
    return *index;
  }

  // --- values --------------------------------------------------------------------------------
  void string(std::string_view text) {
    if (!core::is_valid_utf8(text)) {
      // Lone surrogates ("surrogatepass") and the like: data, but no text.
      push({.kind = Kind::kBytes, .text = text});
    } else {
      push({.kind = Kind::kString, .text = text});
    }
  }
  void bytes(std::string_view text) { push({.kind = Kind::kBytes, .text = text}); }
  void integer(std::int64_t value) { push({.kind = Kind::kInt, .integer = value}); }
  void boolean(bool value) { push({.kind = Kind::kBool, .integer = value ? 1 : 0}); }
  void real(double value) { push({.kind = Kind::kFloat, .real = value}); }
  void long_bytes(std::string_view text) { push(long_value(text)); }
  void text_integer(std::string_view text) {
    if (text == "00" || text == "01") return boolean(text == "01");
    text_long(text);
  }
  void text_long(std::string_view text) {
    if (text.ends_with('L')) text.remove_suffix(1);
    const auto value = core::parse_i64(text);
    if (!value) refuse_program("an integer in text form is malformed or passes 64 bits");
    integer(*value);
  }
  void text_float() {
    const auto value = text_real(line());
    if (!value) refuse_program("a float in text form is malformed");
    real(*value);
  }
  void binary_float() {
    std::uint64_t bits = 0;
    for (const char c : take(8)) bits = bits << 8 | static_cast<unsigned char>(c);
    real(std::bit_cast<double>(bits));
  }

  // --- containers ----------------------------------------------------------------------------
  void append_all(const std::vector<Ref>& items) {
    const Ref list = top();
    const Kind kind = heap_.at(list).kind;
    if (kind == Kind::kOpaque) return;
    if (kind != Kind::kList) refuse_program("APPEND to something that is no list");
    for (const Ref item : items) heap_.append(list, item);
  }
  void set_all(const std::vector<Ref>& items) {
    const Ref dict = top();
    const Kind kind = heap_.at(dict).kind;
    if (items.size() % 2 != 0) refuse_program("SETITEMS with a key without value");
    if (kind == Kind::kOpaque) return;
    if (kind != Kind::kDict) refuse_program("SETITEM on something that is no dict");
    for (const Ref item : items) heap_.append(dict, item);
  }
  void add_all(const std::vector<Ref>& items) {
    const Ref set = top();
    const Kind kind = heap_.at(set).kind;
    if (kind == Kind::kOpaque) return;
    if (kind != Kind::kSet || heap_.at(set).flag)
      refuse_program("ADDITEMS to something that is no set");
    for (const Ref item : items) heap_.append(set, item);
  }
  void dict_of(std::vector<Ref> items) {
    if (items.size() % 2 != 0) refuse_program("DICT with a key without value");
    push({.kind = Kind::kDict, .items = std::move(items)});
  }

  // --- names and calls -----------------------------------------------------------------------
  void global(std::string_view module, std::string_view name) {
    const std::string full = std::string(module) + '.' + std::string(name);
    auto meaning = global_meaning(module, name);
    if (!meaning) {
      for (const std::string& allowed : options_.allow_records) {
        if (allowed == full) meaning = Meaning::kRecord;
      }
    }
    if (!meaning && options_.drop_opaque) meaning = Meaning::kOpaque;
    if (!meaning) {
      refuse_program(
          "the pickle refers to " + core::quoted(full) +
          ", which is not on the list of known names (--allow-record admits it as data)");
    }
    if (*meaning == Meaning::kGetattr) getattr_named_ = true;
    push({.kind = Kind::kClass,
          .integer = static_cast<std::int64_t>(*meaning),
          .text = heap_.keep(full)});
  }
  void stack_global() {
    const Ref name = pop();
    const Ref module = pop();
    if (heap_.at(name).kind != Kind::kString || heap_.at(module).kind != Kind::kString) {
      refuse_program("STACK_GLOBAL needs two strings");
    }
    global(heap_.at(module).text, heap_.at(name).text);
  }
  // getattr may only be called; a pickle that stores it somewhere has other plans.
  void refuse_stray_getattr(Ref root) {
    const auto is_getattr = [&](Ref ref) {
      const Object& object = heap_.at(ref);
      return object.kind == Kind::kClass &&
             object.integer == static_cast<std::int64_t>(Meaning::kGetattr);
    };
    bool stray = is_getattr(root);
    for (std::size_t i = 0; i < heap_.size() && !stray; ++i) {
      const Object& object = heap_.at(static_cast<Ref>(i));
      stray = is_getattr(object.type) || is_getattr(object.state);
      for (const Ref ref : object.items) stray = stray || is_getattr(ref);
    }
    if (stray)
      refuse_program("builtins.getattr is used other than to name a member of an enumeration");
  }
  void call(bool with_keywords) {
    if (with_keywords) {
      const Ref keywords = pop();
      const Object& object = heap_.at(keywords);
      if (object.kind != Kind::kDict || !object.items.empty()) {
        refuse_program("NEWOBJ_EX with keyword arguments");
      }
    }
    const Ref arguments = pop();
    const Ref callee = pop();
    push(builder_.call(callee, arguments));
  }

  void step(Op op);
  void step_memo(Op op);
  void step_value(Op op);
  void step_container(Op op);

  std::string_view bytes_;
  const PickleOptions& options_;
  Heap& heap_;
  Builder builder_;
  std::uint64_t at_ = 0, op_at_ = 0;
  std::vector<Ref> stack_;
  std::vector<std::size_t> marks_;
  std::unordered_map<std::uint64_t, Ref> memo_;
  bool getattr_named_ = false;
};

// Names, calls and what is refused; each group of opcodes hands the others on.
void Machine::step(Op op) {
  switch (op) {
    case Op::kGlobal: {
      const auto module = line();
      return global(module, line());
    }
    case Op::kStackGlobal:
      return stack_global();
    case Op::kReduce:
      return call(false);
    case Op::kNewObj:
      return call(false);
    case Op::kNewObjEx:
      return call(true);
    case Op::kBuild: {
      const Ref state = pop();
      return builder_.set_state(top(), state);
    }
    case Op::kBinPersId:
      return push(builder_.storage(pop()));
    case Op::kPersId:
      refuse_program("a persistent id in text form");
    case Op::kInst:
      refuse_program("opcode INST is not allowed");
    case Op::kObj:
      refuse_program("opcode OBJ is not allowed");
    case Op::kExt1:
    case Op::kExt2:
    case Op::kExt4:
      refuse_program("extension codes are not allowed");
    case Op::kNextBuffer:
    case Op::kReadonlyBuffer:
      refuse_program("out-of-band buffers are not allowed");
    default:
      return step_memo(op);
  }
}

void Machine::step_memo(Op op) {
  switch (op) {
    case Op::kProto: {
      const unsigned protocol = byte();
      if (protocol > 5) refuse_program("protocol " + std::to_string(protocol) + " is unknown");
      return;
    }
    case Op::kFrame: {
      const auto size = fixed<std::uint64_t>();
      if (size > bytes_.size() - at_) refuse_program("a frame passes the end of the pickle");
      return;
    }
    case Op::kMark:
      return mark();
    case Op::kPop:
      // POP also removes a MARK that lies on top.
      if (!marks_.empty() && stack_.size() == marks_.back()) {
        marks_.pop_back();
      } else {
        (void)pop();
      }
      return;
    case Op::kPopMark:
      (void)pop_mark();
      return;
    case Op::kDup:
      return push(top());
    case Op::kPut:
      return put(line_index());
    case Op::kBinPut:
      return put(byte());
    case Op::kLongBinPut:
      return put(fixed<std::uint32_t>());
    case Op::kMemoize:
      return put(memo_.size());
    case Op::kGet:
      return get(line_index());
    case Op::kBinGet:
      return get(byte());
    case Op::kLongBinGet:
      return get(fixed<std::uint32_t>());
    default:
      return step_container(op);
  }
}

void Machine::step_container(Op op) {
  switch (op) {
    case Op::kEmptyList:
      return push({.kind = Kind::kList});
    case Op::kEmptyTuple:
      return push({.kind = Kind::kTuple});
    case Op::kEmptyDict:
      return push({.kind = Kind::kDict});
    case Op::kEmptySet:
      return push({.kind = Kind::kSet});
    case Op::kFrozenSet:
      return push({.kind = Kind::kSet, .flag = true, .items = pop_mark()});
    case Op::kList:
      return push({.kind = Kind::kList, .items = pop_mark()});
    case Op::kTuple:
      return push({.kind = Kind::kTuple, .items = pop_mark()});
    case Op::kTuple1:
      return tuple(1);
    case Op::kTuple2:
      return tuple(2);
    case Op::kTuple3:
      return tuple(3);
    case Op::kDict:
      return dict_of(pop_mark());
    case Op::kAppend: {
      const Ref item = pop();
      return append_all({item});
    }
    case Op::kAppends:
      return append_all(pop_mark());
    case Op::kSetItem: {
      const Ref value = pop();
      const Ref key = pop();
      return set_all({key, value});
    }
    case Op::kSetItems:
      return set_all(pop_mark());
    case Op::kAddItems:
      return add_all(pop_mark());
    default:
      return step_value(op);
  }
}

void Machine::step_value(Op op) {
  switch (op) {
    case Op::kNone:
      return push(Ref{0});
    case Op::kNewTrue:
      return boolean(true);
    case Op::kNewFalse:
      return boolean(false);
    case Op::kBinInt:
      return integer(fixed<std::int32_t>());
    case Op::kBinInt1:
      return integer(byte());
    case Op::kBinInt2:
      return integer(fixed<std::uint16_t>());
    case Op::kInt:
      return text_integer(line());
    case Op::kLong:
      return text_long(line());
    case Op::kLong1:
      return long_bytes(take(byte()));
    case Op::kLong4:
      return long_bytes(take(signed_length()));
    case Op::kFloat:
      return text_float();
    case Op::kBinFloat:
      return binary_float();
    case Op::kString:
      return string(heap_.keep(unquote(line())));
    case Op::kBinString:
      return string(take(signed_length()));
    case Op::kShortBinString:
      return string(take(byte()));
    case Op::kUnicode:
      return string(heap_.keep(raw_unicode_escape(line())));
    case Op::kBinUnicode:
      return string(take(fixed<std::uint32_t>()));
    case Op::kShortBinUnicode:
      return string(take(byte()));
    case Op::kBinUnicode8:
      return string(take(fixed<std::uint64_t>()));
    case Op::kBinBytes:
      return bytes(take(fixed<std::uint32_t>()));
    case Op::kShortBinBytes:
      return bytes(take(byte()));
    case Op::kBinBytes8:
    case Op::kByteArray8:
      return bytes(take(fixed<std::uint64_t>()));
    default:
      refuse_program("unknown opcode " + std::to_string(static_cast<unsigned>(op)));
  }
}

}  // namespace

PickleResult run_pickle(std::string_view bytes, const std::string& file,
                        const PickleOptions& options, Heap& heap, std::uint64_t base) {
  Machine machine(bytes, options, heap);
  try {
    return machine.run();
  } catch (const PickleRefused& refused) {
    throw core::input_error({file, std::nullopt, base + machine.offset()}, refused.message);
  } catch (const core::Error& error) {
    throw core::input_error({file, std::nullopt, base + machine.offset()}, error.what());
  }
}

}  // namespace stateutils::ckpt
