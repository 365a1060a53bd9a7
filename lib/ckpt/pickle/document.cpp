#include "ckpt/pickle/document.hpp"

#include <cmath>
#include <unordered_set>

#include "core/error.hpp"
#include "core/json_writer.hpp"
#include "core/units.hpp"

namespace stateutils::ckpt {
namespace {

constexpr std::uint64_t kMaxPaths = 10'000'000;

core::Error document_refused(const std::string& message) {
  return {core::Category::kInput, message};
}

// The children of a container: a flat list, with keys at even places for dicts.
struct Children {
  const std::vector<Ref>* items = nullptr;
  bool keyed = false;
};

Children children_of(const Heap& heap, const Object& object) {
  switch (object.kind) {
    case Kind::kDict:
      return {&object.items, true};
    case Kind::kList:
    case Kind::kTuple:
    case Kind::kSet:
      return {&object.items, false};
    case Kind::kRecord: {
      const Object& state = heap.at(object.state);
      if (state.kind == Kind::kDict) return {&state.items, true};
      if (state.kind == Kind::kTuple) return {&state.items, false};
      return {};
    }
    default:
      return {};
  }
}

struct Frame {
  Ref ref;
  Children children;
  std::size_t next = 0;
  std::size_t path_size;  // of the container's own path
};

// A value without others in it.
void write_leaf(const Object& object, core::JsonWriter& out) {
  switch (object.kind) {
    case Kind::kBool:
      out.value(object.integer != 0);
      return;
    case Kind::kInt:
      out.value(object.integer);
      return;
    case Kind::kBigInt:
      out.value(big_decimal(object.text));
      return;
    case Kind::kFloat:
      if (std::isfinite(object.real)) {
        out.value(object.real);
      } else {
        out.value(std::isnan(object.real) ? "NaN" : object.real > 0 ? "Infinity" : "-Infinity");
      }
      return;
    case Kind::kString:
      out.value(object.text);
      return;
    case Kind::kBytes:
      out.begin_object().field("bytes", object.text.size()).end_object();
      return;
    case Kind::kTensor:
      out.begin_object().field("tensor", true).end_object();
      return;
    case Kind::kClass:
      out.begin_object().field("class", object.text).end_object();
      return;
    default:
      out.null();
  }
}

void write_json(const Heap& heap, Ref ref, core::JsonWriter& out, int depth) {
  const Object& object = heap.at(ref);
  if (depth > 60) {  // readers of JSON Lines stop at 64
    out.value("...");
    return;
  }
  const bool record = object.kind == Kind::kRecord;
  const bool list =
      object.kind == Kind::kList || object.kind == Kind::kTuple || object.kind == Kind::kSet;
  if (!record && !list && object.kind != Kind::kDict) return write_leaf(object, out);
  list ? out.begin_array() : out.begin_object();
  if (record) {
    out.field("class", heap.at(object.type).text);
    if (!object.items.empty()) {
      out.key("args").begin_array();
      for (const Ref item : object.items) write_json(heap, item, out, depth + 1);
      out.end_array();
    }
  }
  const Children children = children_of(heap, object);
  if (children.items != nullptr) {
    const std::size_t step = children.keyed ? 2 : 1;
    for (std::size_t i = 0; i + step <= children.items->size(); i += step) {
      if (!list) out.key(children.keyed ? key_text(heap, (*children.items)[i]) : std::to_string(i));
      write_json(heap, (*children.items)[i + step - 1], out, depth + 1);
    }
  }
  list ? out.end_array() : out.end_object();
}

}  // namespace

Document::Document(std::string bytes, const std::string& file, const PickleOptions& options,
                   std::uint64_t base)
    : bytes_(std::move(bytes)), heap_(options.max_memory) {
  heap_.charge(bytes_.size());
  const PickleResult result = run_pickle(bytes_, file, options, heap_, base);
  root_ = result.root;
  consumed_ = result.consumed;
}

std::string key_text(const Heap& heap, Ref key) {
  const Object& object = heap.at(key);
  switch (object.kind) {
    case Kind::kString:
      return std::string(object.text);
    case Kind::kInt:
      return std::to_string(object.integer);
    case Kind::kBool:
      return object.integer != 0 ? "True" : "False";
    case Kind::kNone:
      return "None";
    case Kind::kFloat:
      return core::format_double(object.real);
    case Kind::kBigInt:
      return big_decimal(object.text);
    case Kind::kTuple: {
      std::string text = "(";
      for (const Ref item : object.items) {
        if (text.size() > 1) text += ", ";
        const Kind kind = heap.at(item).kind;
        text += kind == Kind::kTuple ? "(...)" : key_text(heap, item);
      }
      return text + ')';
    }
    default:
      return "?";
  }
}

void walk_leaves(const Heap& heap, Ref start,
                 const std::function<void(const std::string&, Ref)>& visit) {
  std::string path;
  std::vector<Frame> frames;
  std::unordered_set<Ref> open;  // containers on the way down: meeting one again is a cycle
  std::uint64_t paths = 0;
  const auto enter = [&](Ref ref) {
    const Children children = children_of(heap, heap.at(ref));
    if (children.items == nullptr || children.items->empty()) {
      if (++paths > kMaxPaths) throw document_refused("more than 10 million values");
      visit(path, ref);
      return;
    }
    if (frames.size() >= kMaxPickleDepth) throw document_refused("nested deeper than 1000");
    if (!open.insert(ref).second) throw document_refused("the object tree contains itself");
    if (++paths > kMaxPaths) throw document_refused("more than 10 million values");
    frames.push_back({ref, children, 0, path.size()});
  };
  enter(start);
  while (!frames.empty()) {
    Frame& frame = frames.back();
    path.resize(frame.path_size);
    const std::vector<Ref>& items = *frame.children.items;
    const std::size_t step = frame.children.keyed ? 2 : 1;
    if (frame.next + step > items.size()) {
      open.erase(frame.ref);
      frames.pop_back();
      continue;
    }
    if (!path.empty()) path += '.';
    path += frame.children.keyed ? key_text(heap, items[frame.next]) : std::to_string(frame.next);
    const Ref child = items[frame.next + step - 1];
    frame.next += step;
    enter(child);
  }
}

std::string value_json(const Heap& heap, Ref value) {
  std::string text;
  core::JsonWriter json(text);
  write_json(heap, value, json, 0);
  return text;
}

}  // namespace stateutils::ckpt
