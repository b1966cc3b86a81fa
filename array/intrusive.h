#pragma once

#include <atomic>
#include <cstdint>
#include <type_traits>
#include <utility>

namespace attune {

// Base of objects that count their owners themselves, one allocation for object and count.
// Derived may hide dispose() to be destroyed in its own way.
template <class Derived>
class RefCounted {
 public:
  RefCounted() = default;
  RefCounted(const RefCounted&) = delete;
  RefCounted& operator=(const RefCounted&) = delete;

  void retain() const { references_.fetch_add(1, std::memory_order_relaxed); }
  void release() const {
    if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1)
      static_cast<Derived*>(const_cast<RefCounted*>(this))->dispose();
  }
  bool unique() const { return references_.load(std::memory_order_acquire) == 1; }

 protected:
  ~RefCounted() = default;
  void dispose() { delete static_cast<Derived*>(this); }

 private:
  friend Derived;
  mutable std::atomic<uint32_t> references_{0};
};

// A shared owner of a RefCounted object.
template <class T>
class Intrusive {
 public:
  Intrusive() = default;
  Intrusive(std::nullptr_t) {}
  explicit Intrusive(T* object) : object_(object) {
    if (object_) object_->retain();
  }
  Intrusive(const Intrusive& other) : Intrusive(other.object_) {}
  Intrusive(Intrusive&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  template <class U>
  requires std::is_convertible_v<U*, T*> Intrusive(const Intrusive<U>& other)
      : Intrusive(other.get()) {}
  Intrusive& operator=(Intrusive other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  ~Intrusive() {
    if (object_) object_->release();
  }

  T* get() const { return object_; }
  T* operator->() const { return object_; }
  T& operator*() const { return *object_; }
  explicit operator bool() const { return object_ != nullptr; }
  friend bool operator==(const Intrusive&, const Intrusive&) = default;

 private:
  T* object_ = nullptr;
};

}  // namespace attune
