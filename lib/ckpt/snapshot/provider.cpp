#include "ckpt/snapshot/provider.hpp"

#include <algorithm>
#include <cstring>
#include <mutex>

#include "core/error.hpp"

namespace stateutils::ckpt::snapshot {
namespace {

class TensorProvider : public StateProvider {
 public:
  TensorProvider(std::string name, DType dtype, Shape shape) : size_(*tensor_bytes(dtype, shape)) {
    entry_ = {.name = std::move(name), .dtype = dtype, .shape = std::move(shape)};
  }
  [[nodiscard]] std::vector<TensorInfo> layout() const override { return {entry_}; }
  [[nodiscard]] std::uint64_t size() const override { return size_; }

 protected:
  [[nodiscard]] const TensorInfo& entry() const { return entry_; }

 private:
  TensorInfo entry_;
  std::uint64_t size_;
};

class Contiguous final : public TensorProvider {
 public:
  Contiguous(std::string name, DType dtype, Shape shape, const char* data)
      : TensorProvider(std::move(name), dtype, std::move(shape)), data_(data) {}
  void read(std::uint64_t offset, char* to, std::uint64_t size) const override {
    std::memcpy(to, data_ + offset, size);
  }
  [[nodiscard]] const char* view(std::uint64_t offset, std::uint64_t) const override {
    return data_ + offset;
  }

 private:
  const char* data_;
};

class Strided final : public TensorProvider {
 public:
  Strided(std::string name, DType dtype, Shape shape, const char* data,
          std::vector<std::uint64_t> strides)
      : TensorProvider(std::move(name), dtype, std::move(shape)),
        data_(data),
        strides_(std::move(strides)),
        item_(item_bytes(dtype)) {}
  void read(std::uint64_t offset, char* to, std::uint64_t size) const override {
    char element[16];
    while (size > 0) {
      const std::uint64_t skip = offset % item_, part = std::min(size, item_ - skip);
      std::memcpy(element, data_ + place(offset / item_), item_);
      std::memcpy(to, element + skip, part);
      to += part;
      offset += part;
      size -= part;
    }
  }

 private:
  [[nodiscard]] std::uint64_t place(std::uint64_t index) const {
    std::uint64_t at = 0;
    const Shape& shape = entry().shape;
    for (std::size_t d = shape.size(); d-- > 0;) {
      at += index % shape[d] * strides_[d];
      index /= shape[d];
    }
    return at;
  }

  const char* data_;
  std::vector<std::uint64_t> strides_;
  std::uint64_t item_;
};

class FromFile final : public TensorProvider {
 public:
  FromFile(std::string name, DType dtype, Shape shape, ByteFilePtr bytes)
      : TensorProvider(std::move(name), dtype, std::move(shape)), bytes_(std::move(bytes)) {}
  void read(std::uint64_t offset, char* to, std::uint64_t size) const override {
    bytes_->read_at(offset, to, size);
  }

 private:
  ByteFilePtr bytes_;
};

class Object final : public TensorProvider {
 public:
  Object(std::string name, std::uint64_t reserved, std::function<std::string()> serialize)
      : TensorProvider(std::move(name), DType::kU8, {reserved}), serialize_(std::move(serialize)) {}

  void begin() override {
    const std::lock_guard lock(mutex_);
    text_ = std::async(std::launch::async, [serialize = serialize_, reserved = size(),
                                            name = entry().name] {
              std::string text = serialize();
              if (text.size() > reserved) {
                throw core::environment_error("object " + core::quoted(name) + " needs " +
                                              std::to_string(text.size()) + " bytes of " +
                                              std::to_string(reserved));
              }
              text.resize(reserved, ' ');
              return text;
            }).share();
  }
  void read(std::uint64_t offset, char* to, std::uint64_t size) const override {
    std::shared_future<std::string> text;
    {
      const std::lock_guard lock(mutex_);
      text = text_;
    }
    std::memcpy(to, text.get().data() + offset, size);
  }

 private:
  std::function<std::string()> serialize_;
  mutable std::mutex mutex_;
  std::shared_future<std::string> text_;
};

class Composite final : public StateProvider {
 public:
  explicit Composite(std::vector<ProviderPtr> children) : children_(std::move(children)) {
    const auto item = [](const ProviderPtr& child) {
      const auto entries = child->layout();
      return entries.empty() ? 0u : dtype_bits(entries.front().dtype);
    };
    std::ranges::stable_sort(children_, std::ranges::greater{}, item);
    for (const ProviderPtr& child : children_) {
      starts_.push_back(size_);
      size_ += child->size();
    }
  }
  [[nodiscard]] std::vector<TensorInfo> layout() const override {
    std::vector<TensorInfo> entries;
    for (const ProviderPtr& child : children_) {
      for (TensorInfo& entry : child->layout()) entries.push_back(std::move(entry));
    }
    return entries;
  }
  [[nodiscard]] std::uint64_t size() const override { return size_; }
  void begin() override {
    for (const ProviderPtr& child : children_) child->begin();
  }
  void read(std::uint64_t offset, char* to, std::uint64_t size) const override {
    for (std::size_t i = child_at(offset); size > 0; ++i) {
      const std::uint64_t skip = offset - starts_[i];
      const std::uint64_t part = std::min(size, children_[i]->size() - skip);
      if (part > 0) children_[i]->read(skip, to, part);
      to += part;
      offset += part;
      size -= part;
    }
  }
  [[nodiscard]] const char* view(std::uint64_t offset, std::uint64_t size) const override {
    if (size == 0) return nullptr;
    const std::size_t i = child_at(offset);
    const std::uint64_t skip = offset - starts_[i];
    return skip + size <= children_[i]->size() ? children_[i]->view(skip, size) : nullptr;
  }

 private:
  [[nodiscard]] std::size_t child_at(std::uint64_t offset) const {
    const auto after = std::ranges::upper_bound(starts_, offset);
    return static_cast<std::size_t>(after - starts_.begin()) - 1;
  }

  std::vector<ProviderPtr> children_;
  std::vector<std::uint64_t> starts_;
  std::uint64_t size_ = 0;
};

}  // namespace

ProviderPtr contiguous_provider(std::string name, DType dtype, Shape shape, const char* data) {
  return std::make_shared<Contiguous>(std::move(name), dtype, std::move(shape), data);
}
ProviderPtr strided_provider(std::string name, DType dtype, Shape shape, const char* data,
                             std::vector<std::uint64_t> strides) {
  return std::make_shared<Strided>(std::move(name), dtype, std::move(shape), data,
                                   std::move(strides));
}
ProviderPtr file_provider(std::string name, DType dtype, Shape shape, ByteFilePtr bytes) {
  return std::make_shared<FromFile>(std::move(name), dtype, std::move(shape), std::move(bytes));
}
ProviderPtr object_provider(std::string name, std::uint64_t reserved,
                            std::function<std::string()> serialize) {
  return std::make_shared<Object>(std::move(name), reserved, std::move(serialize));
}
ProviderPtr composite_provider(std::vector<ProviderPtr> children) {
  return std::make_shared<Composite>(std::move(children));
}

}  // namespace stateutils::ckpt::snapshot
