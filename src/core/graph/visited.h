// A set of node numbers: open addressing, linear probing, at most half full.
#ifndef QUIVER_GRAPH_VISITED_H
#define QUIVER_GRAPH_VISITED_H

#include "base/arena.h"

namespace quiver {

class Visited {
 public:
  explicit Visited(Allocator* allocator) : allocator_(allocator) {}

  // Makes room for `count` numbers, so that the table is not filled again and again.
  void Reserve(size_t count) {
    while (capacity_ < 2 * count) Grow();
  }

  // Adds number; true when it was not there.  REQUIRES: number != 0xFFFFFFFF.
  bool Insert(uint32_t number) {
    if (2 * count_ >= capacity_) Grow();
    const uint32_t key = number + 1;  // 0 marks an empty cell
    for (size_t i = Home(key);; i = (i + 1) & (capacity_ - 1)) {
      if (cells_[i] == key) return false;
      if (cells_[i] == 0) {
        cells_[i] = key;
        count_++;
        return true;
      }
    }
  }

  bool Contains(uint32_t number) const {
    if (count_ == 0) return false;
    const uint32_t key = number + 1;
    size_t i = Home(key);
    while (cells_[i] != 0 && cells_[i] != key) i = (i + 1) & (capacity_ - 1);
    return cells_[i] == key;
  }

  void Clear() {
    if (count_ != 0) memset(cells_, 0, capacity_ * sizeof(uint32_t));
    count_ = 0;
  }

  size_t count() const { return count_; }
  size_t bytes() const { return capacity_ * sizeof(uint32_t); }

 private:
  static constexpr size_t kFirstCapacity = 2048;

  size_t Home(uint32_t key) const { return (key * uint64_t{0x9E3779B97F4A7C15u}) >> shift_; }

  void Grow() {
    const size_t old_capacity = capacity_;
    const uint32_t* old = cells_;
    const size_t capacity = capacity_ == 0 ? kFirstCapacity : capacity_ * 2;
    cells_ = AllocateArray<uint32_t>(allocator_, capacity);
    memset(cells_, 0, capacity * sizeof(uint32_t));
    capacity_ = capacity;
    shift_ = 64 - __builtin_ctzll(capacity);
    for (size_t i = 0; i < old_capacity; i++) {
      if (old[i] == 0) continue;
      size_t j = Home(old[i]);
      while (cells_[j] != 0) j = (j + 1) & (capacity_ - 1);
      cells_[j] = old[i];
    }
  }

  Allocator* allocator_;
  uint32_t* cells_ = nullptr;
  size_t capacity_ = 0;
  size_t count_ = 0;
  int shift_ = 0;
};

}  // namespace quiver

#endif  // QUIVER_GRAPH_VISITED_H
