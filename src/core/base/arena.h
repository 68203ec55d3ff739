// Memory of the core: everything lives in an arena its caller owns and frees as a whole.
//
// A callback may longjmp over any frame of the core, so nothing here has a
// destructor that does something (static_asserts below).  Memory is never given
// back one by one: a vector that grows leaves its old elements in the arena,
// where references to them stay readable.
#ifndef QUIVER_BASE_ARENA_H
#define QUIVER_BASE_ARENA_H

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

namespace quiver {

// Where memory comes from.  allocate never returns null: it leaves by longjmp
// (or ends the program) when it cannot serve, and so does any request of
// SIZE_MAX bytes, which is how an overflowing size is reported.  What it returns
// is aligned for max_align_t and not zeroed.
struct Allocator {
  void* context;
  void* (*allocate)(void* context, size_t bytes);
};

// Never returns: hands an impossible size to the allocator.
[[noreturn]] inline void AllocationOverflow(Allocator* allocator) {
  allocator->allocate(allocator->context, SIZE_MAX);
  __builtin_trap();
}

// count * sizeof(T) bytes, or AllocationOverflow.
template <class T>
T* AllocateArray(Allocator* allocator, size_t count) {
  static_assert(std::is_trivially_copyable_v<T> && std::is_trivially_destructible_v<T>);
  static_assert(alignof(T) <= alignof(std::max_align_t));
  size_t bytes;
  if (__builtin_mul_overflow(count, sizeof(T), &bytes)) AllocationOverflow(allocator);
  return static_cast<T*>(allocator->allocate(allocator->context, bytes));
}

// A bump arena: many small pieces out of few large blocks.
class Arena {
 public:
  explicit Arena(Allocator* allocator) : allocator_(allocator) {}

  // `alignment` is a power of two up to 4096.  The memory is not zeroed.
  void* Allocate(size_t bytes, size_t alignment = alignof(std::max_align_t)) {
    const size_t skip = -reinterpret_cast<uintptr_t>(next_) & (alignment - 1);
    if (skip > left_ || bytes > left_ - skip) return AllocateSlow(bytes, alignment);
    char* result = next_ + skip;
    next_ = result + bytes;
    left_ -= skip + bytes;
    return result;
  }

  template <class T>
  T* AllocateArray(size_t count) {
    static_assert(std::is_trivially_copyable_v<T> && std::is_trivially_destructible_v<T>);
    size_t bytes;
    if (__builtin_mul_overflow(count, sizeof(T), &bytes)) AllocationOverflow(allocator_);
    return static_cast<T*>(Allocate(bytes, alignof(T)));
  }

  // Bytes asked of the allocator so far.
  size_t allocated() const { return allocated_; }
  Allocator* allocator() const { return allocator_; }

 private:
  static constexpr size_t kBlockBytes = 64 * 1024;

  void* AllocateSlow(size_t bytes, size_t alignment) {
    size_t need;
    if (__builtin_add_overflow(bytes, alignment, &need)) AllocationOverflow(allocator_);
    // A large piece gets a block of its own; the current block goes on.
    if (need > kBlockBytes / 4) {
      char* own = Block(need);
      return own + (-reinterpret_cast<uintptr_t>(own) & (alignment - 1));
    }
    next_ = Block(kBlockBytes);
    left_ = kBlockBytes;
    return Allocate(bytes, alignment);
  }

  char* Block(size_t bytes) {
    char* block = static_cast<char*>(allocator_->allocate(allocator_->context, bytes));
    allocated_ += bytes;
    return block;
  }

  Allocator* allocator_;
  char* next_ = nullptr;
  size_t left_ = 0;
  size_t allocated_ = 0;
};

// A growing array on an allocator.  Copying it copies the handle, not the
// elements; pass it by reference.
template <class T>
class ArenaVector {
  static_assert(std::is_trivially_copyable_v<T> && std::is_trivially_destructible_v<T>);

 public:
  explicit ArenaVector(Allocator* allocator) : allocator_(allocator) {}

  size_t size() const { return size_; }
  size_t capacity() const { return capacity_; }
  bool empty() const { return size_ == 0; }
  T* data() { return data_; }
  const T* data() const { return data_; }
  T& operator[](size_t i) { return data_[i]; }
  const T& operator[](size_t i) const { return data_[i]; }
  T& back() { return data_[size_ - 1]; }
  const T& back() const { return data_[size_ - 1]; }
  T* begin() { return data_; }
  T* end() { return data_ + size_; }
  const T* begin() const { return data_; }
  const T* end() const { return data_ + size_; }

  // `value` may be an element of this vector.
  void PushBack(const T& value) {
    if (size_ == capacity_) Grow(size_ + 1);
    data_[size_++] = value;
  }

  void PopBack() { --size_; }

  // Keeps the capacity.
  void Clear() { size_ = 0; }

  void Reserve(size_t count) {
    if (count > capacity_) Reallocate(count);
  }

  // New elements are zero bytes.
  void Resize(size_t count) {
    if (count > capacity_) Grow(count);
    if (count > size_) memset(static_cast<void*>(data_ + size_), 0, (count - size_) * sizeof(T));
    size_ = count;
  }

 private:
  // To at least `count`, and at least twice as much as before.
  void Grow(size_t count) {
    size_t capacity = capacity_ < 8 ? 8 : capacity_;
    if (capacity_ >= 8 && __builtin_mul_overflow(capacity_, size_t{2}, &capacity)) capacity = count;
    Reallocate(capacity < count ? count : capacity);
  }

  void Reallocate(size_t capacity) {
    T* data = AllocateArray<T>(allocator_, capacity);
    if (size_ != 0) memcpy(static_cast<void*>(data), data_, size_ * sizeof(T));
    data_ = data;
    capacity_ = capacity;
  }

  Allocator* allocator_;
  T* data_ = nullptr;
  size_t size_ = 0;
  size_t capacity_ = 0;
};

static_assert(std::is_trivially_destructible_v<Arena>);
static_assert(std::is_trivially_destructible_v<ArenaVector<int>>);

}  // namespace quiver

#endif  // QUIVER_BASE_ARENA_H
