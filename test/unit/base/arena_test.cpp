// The bump arena and its vector: alignment, growth, aliasing, refused sizes.
#include "base/arena.h"

#include <gtest/gtest.h>

#include <csetjmp>
#include <cstdlib>
#include <memory>
#include <vector>

namespace quiver {
namespace {

// Gives memory until a limit, then leaves by longjmp as PostgreSQL does.
class TestAllocator {
 public:
  explicit TestAllocator(size_t limit = SIZE_MAX / 2) : limit_(limit) {}
  ~TestAllocator() {
    for (void* block : blocks_) free(block);
  }
  Allocator* get() { return &allocator_; }
  size_t calls() const { return blocks_.size(); }

  jmp_buf refused;

 private:
  static void* Allocate(void* context, size_t bytes) {
    auto* self = static_cast<TestAllocator*>(context);
    if (bytes > self->limit_) longjmp(self->refused, 1);
    void* block = malloc(bytes);
    memset(block, 0xA5, bytes);
    self->blocks_.push_back(block);
    return block;
  }

  size_t limit_;
  std::vector<void*> blocks_;
  Allocator allocator_ = {this, Allocate};
};

// Whether `call` left by the allocator's longjmp.
template <class Call>
__attribute__((noinline)) bool Refused(TestAllocator& memory, const Call& call) {
  if (setjmp(memory.refused) != 0) return true;
  call();
  return false;
}

TEST(Arena, PiecesAreAlignedAndApart) {
  TestAllocator memory;
  Arena arena(memory.get());
  char* last = nullptr;
  for (size_t i = 1; i < 2000; i++) {
    const size_t alignment = size_t{1} << (i % 8);
    auto* piece = static_cast<char*>(arena.Allocate(i % 97, alignment));
    EXPECT_EQ(reinterpret_cast<uintptr_t>(piece) % alignment, 0u);
    memset(piece, 0, i % 97);
    EXPECT_NE(piece, nullptr);
    last = piece;
  }
  EXPECT_NE(last, nullptr);
  EXPECT_LT(memory.calls(), 5u);
}

TEST(Arena, LargePiecesDoNotWasteTheBlock) {
  TestAllocator memory;
  Arena arena(memory.get());
  auto* first = static_cast<char*>(arena.Allocate(16, 16));
  auto* large = static_cast<char*>(arena.Allocate(1 << 20, 64));
  EXPECT_EQ(reinterpret_cast<uintptr_t>(large) % 64, 0u);
  memset(large, 1, 1 << 20);
  EXPECT_EQ(static_cast<char*>(arena.Allocate(16, 16)), first + 16);
}

TEST(Arena, OverflowingSizesAreRefused) {
  TestAllocator memory;
  Arena arena(memory.get());
  EXPECT_TRUE(Refused(memory, [&] { arena.AllocateArray<uint64_t>(SIZE_MAX / 4); }));
  EXPECT_TRUE(Refused(memory, [&] { arena.Allocate(SIZE_MAX - 3); }));
}

TEST(ArenaVector, GrowsAndKeepsItsElements) {
  TestAllocator memory;
  ArenaVector<int> v(memory.get());
  EXPECT_TRUE(v.empty());
  EXPECT_EQ(v.begin(), v.end());
  for (int i = 0; i < 10000; i++) v.PushBack(i);
  EXPECT_EQ(v.size(), 10000u);
  EXPECT_EQ(v.back(), 9999);
  int want = 0;
  for (const int i : v) EXPECT_EQ(i, want++);
  EXPECT_LT(memory.calls(), 15u);
  v.PopBack();
  EXPECT_EQ(v.back(), 9998);
  const size_t capacity = v.capacity();
  v.Clear();
  EXPECT_TRUE(v.empty());
  EXPECT_EQ(v.capacity(), capacity);
}

TEST(ArenaVector, ResizeZeroesNewElementsOnly) {
  TestAllocator memory;
  ArenaVector<uint64_t> v(memory.get());
  v.PushBack(7);
  v.Resize(100);
  EXPECT_EQ(v[0], 7u);
  for (size_t i = 1; i < 100; i++) EXPECT_EQ(v[i], 0u);
  v[50] = 9;
  v.Resize(10);
  v.Resize(60);
  EXPECT_EQ(v[50], 0u);
}

TEST(ArenaVector, ReserveAllocatesOnce) {
  TestAllocator memory;
  ArenaVector<int> v(memory.get());
  v.Reserve(1000);
  for (int i = 0; i < 1000; i++) v.PushBack(i);
  EXPECT_EQ(memory.calls(), 1u);
  v.Reserve(10);
  EXPECT_EQ(memory.calls(), 1u);
}

TEST(ArenaVector, PushBackOfItsOwnElement) {
  TestAllocator memory;
  ArenaVector<int> v(memory.get());
  v.PushBack(42);
  for (int i = 0; i < 100; i++) v.PushBack(v[0]);
  for (const int i : v) EXPECT_EQ(i, 42);
}

TEST(ArenaVector, OverflowingAndTooLargeSizesAreRefused) {
  TestAllocator memory(1 << 20);
  ArenaVector<uint64_t> v(memory.get());
  v.PushBack(1);
  for (const size_t count : {SIZE_MAX, SIZE_MAX / 8 + 1, SIZE_MAX / 16, size_t{1} << 40}) {
    EXPECT_TRUE(Refused(memory, [&] { v.Resize(count); }));
    EXPECT_EQ(v.size(), 1u);
    EXPECT_EQ(v[0], 1u);
  }
}

}  // namespace
}  // namespace quiver
