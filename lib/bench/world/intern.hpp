// Everything a world holds is interned once and named by a 32-bit id: texts (atoms), rows, tables
// and whole states. Equal things have equal ids, so a fork costs nothing and a comparison is one
// integer. Pools are stacks: rollback(mark) forgets what a task added to the world's own content.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace stateutils::bench {

using Id = std::uint32_t;
inline constexpr Id kNone = 0xFFFFFFFFu;

// Memory in blocks that never move; freed in reverse order.
template <class T>
class StackArena {
 public:
  struct Mark {
    std::size_t block = 0, used = 0;
  };
  T* allocate(std::size_t n) {
    while (block_ < blocks_.size() && used_ + n > blocks_[block_].size) ++block_, used_ = 0;
    if (block_ == blocks_.size()) {
      const std::size_t size = n > kBlock ? n : kBlock;
      blocks_.push_back({std::make_unique_for_overwrite<T[]>(size), size});
      used_ = 0;
    }
    T* result = blocks_[block_].data.get() + used_;
    used_ += n;
    return result;
  }
  [[nodiscard]] Mark mark() const { return {block_, used_}; }
  void rollback(Mark m) { block_ = m.block, used_ = m.used; }

 private:
  static constexpr std::size_t kBlock = 16384;
  struct Block {
    std::unique_ptr<T[]> data;
    std::size_t size;
  };
  std::vector<Block> blocks_;
  std::size_t block_ = 0, used_ = 0;
};

// Open addressing over entries that are only ever removed last-first, which keeps linear probing
// free of tombstones.
class SlotTable {
 public:
  struct Entry {
    std::uint64_t hash;
    std::uint32_t slot;
  };
  SlotTable() : slots_(kFirst, kNone) {}
  // Calls equal(id) for candidates; returns the id found or kNone.
  template <class Equal>
  [[nodiscard]] Id find(std::uint64_t hash, const Equal& equal) const {
    for (std::size_t i = hash & mask();; i = (i + 1) & mask()) {
      const Id id = slots_[i];
      if (id == kNone) return kNone;
      if (entries_[id].hash == hash && equal(id)) return id;
    }
  }
  Id add(std::uint64_t hash);
  void rollback(std::size_t count);
  [[nodiscard]] std::size_t size() const { return entries_.size(); }

 private:
  static constexpr std::size_t kFirst = 256;
  [[nodiscard]] std::size_t mask() const { return slots_.size() - 1; }
  void place(Id id);

  std::vector<Id> slots_;
  std::vector<Entry> entries_;
};

// Sequences of ids, each stored once.
class SequencePool {
 public:
  struct Mark {
    std::size_t count = 0;
    StackArena<Id>::Mark arena;
  };
  [[nodiscard]] Id intern(std::span<const Id> items);
  [[nodiscard]] std::span<const Id> operator[](Id id) const {
    return {items_[id].data, items_[id].size};
  }
  [[nodiscard]] std::size_t size() const { return items_.size(); }
  [[nodiscard]] Mark mark() const { return {items_.size(), arena_.mark()}; }
  void rollback(const Mark& m);

 private:
  struct Item {
    const Id* data;
    std::uint32_t size;
  };
  SlotTable table_;
  std::vector<Item> items_;
  StackArena<Id> arena_;
};

// A JSON scalar, or a nested value as its canonical text.
enum class AtomKind : std::uint8_t { kNull, kBool, kInteger, kNumber, kString, kJson };

class AtomPool {
 public:
  struct Mark {
    std::size_t count = 0;
    StackArena<char>::Mark arena;
  };
  [[nodiscard]] Id intern(AtomKind kind, std::string_view text);
  [[nodiscard]] Id string(std::string_view text) { return intern(AtomKind::kString, text); }
  [[nodiscard]] Id integer(std::int64_t value);
  [[nodiscard]] Id number(double value);  // finite; whole values print as integers and are equal
  [[nodiscard]] Id boolean(bool value) { return intern(AtomKind::kBool, value ? "true" : "false"); }
  [[nodiscard]] Id null() { return intern(AtomKind::kNull, "null"); }
  // The id of a string if it is known, else kNone; adds nothing.
  [[nodiscard]] Id find_string(std::string_view text) const;

  [[nodiscard]] AtomKind kind(Id id) const { return items_[id].kind; }
  [[nodiscard]] std::string_view text(Id id) const { return {items_[id].data, items_[id].size}; }
  // Equal texts up to normalisation share these: NFC and trimmed; and the same with date-times as
  // UTC minutes. Other kinds are their own.
  [[nodiscard]] Id as_text(Id id) const { return items_[id].as_text; }
  [[nodiscard]] Id as_any(Id id) const { return items_[id].as_any; }
  // Byte order of the texts.
  [[nodiscard]] bool text_less(Id a, Id b) const {
    const Item &x = items_[a], &y = items_[b];
    return x.head != y.head ? x.head < y.head : text(a) < text(b);
  }
  [[nodiscard]] bool is_text(Id id, std::string_view text) const {
    return items_[id].size == text.size() && this->text(id) == text;
  }
  void write_json(Id id, std::string& out) const {
    const Item& item = items_[id];
    if (item.plain) {
      out.append(item.data - 1, item.size + std::size_t{2});
    } else {
      write_other(id, out);
    }
  }
  // A string as the name of a member, with its colon.
  void write_key(Id id, std::string& out) const {
    const Item& item = items_[id];
    if (item.plain) {
      out.append(item.data - 1, item.size + std::size_t{3});
    } else {
      write_other(id, out);
      out.push_back(':');
    }
  }

  [[nodiscard]] Mark mark() const { return {items_.size(), arena_.mark()}; }
  void rollback(const Mark& m);

 private:
  struct Item {
    const char* data;  // of a plain string: between the quotes of its JSON form, a colon behind it
    std::uint64_t head;  // the first bytes, most significant first
    std::uint32_t size;
    AtomKind kind;
    bool plain;  // a string of ASCII that JSON does not escape
    Id as_text, as_any;
  };
  [[nodiscard]] std::uint64_t hash(AtomKind kind, std::string_view text) const;
  [[nodiscard]] Item stored(AtomKind kind, std::string_view text);
  void normalise(Id id);
  void write_other(Id id, std::string& out) const;
  SlotTable table_;
  std::vector<Item> items_;
  StackArena<char> arena_;
};

// Appends a JSON string with only the escapes that JSON demands (control bytes as \b \f \n \r \t
// or \u00xx); the text is valid UTF-8.
void append_json_string(std::string& out, std::string_view text);

}  // namespace stateutils::bench
