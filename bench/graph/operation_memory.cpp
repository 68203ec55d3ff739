#include "operation_memory.h"

#include <sys/mman.h>

#include <algorithm>

#include "base/failure.h"

namespace quiver::bench {

namespace {

constexpr size_t kHugePage = size_t{2} << 20;
constexpr size_t kLeastBlock = 2 * kHugePage;

size_t RoundUp(size_t bytes, size_t unit) {
  return (bytes + unit - 1) / unit * unit;
}

}  // namespace

void* OperationMemory::Allocate(size_t bytes) {
  bytes = RoundUp(std::max<size_t>(bytes, 1), 64);
  while (current_ < blocks_.size() && used_ + bytes > blocks_[current_].bytes) {
    ++current_;
    used_ = 0;
  }
  if (current_ == blocks_.size()) {
    size_t size = RoundUp(std::max(bytes, kLeastBlock), kHugePage);
    void* memory = std::aligned_alloc(kHugePage, size);
    if (memory == nullptr) Fail("no memory: {} bytes", size);
    // As the extension does for large pieces: a graph is read in no order.
    madvise(memory, size, MADV_HUGEPAGE);
    blocks_.push_back({std::unique_ptr<char, Free>(static_cast<char*>(memory)), size});
  }
  void* piece = blocks_[current_].memory.get() + used_;
  used_ += bytes;
  return piece;
}

void OperationMemory::Reset() {
  current_ = 0;
  used_ = 0;
}

}  // namespace quiver::bench
