// Pages in memory, for building: no log, pages never move.  All participants of a build
// share them; each has a MemoryPages of its own.
//
// A page's lock is the first half of its pd_lsn, which is zero until the page is logged and is on
// the cache line that every reader of the page looks at.
#ifndef QUIVER_GRAPH_MEMORY_PAGES_H
#define QUIVER_GRAPH_MEMORY_PAGES_H

#include "graph/page_lock.h"

namespace quiver {

// What the participants share besides the pages.
struct PageControl {
  uint32_t count;      // of pages; atomic
  uint32_t extending;  // PageLock: of who adds one
};

class MemoryPages {
 public:
  // Of `base`, only allocate, poll and fail are used.
  MemoryPages(const QuiverStore* base, const BuildSpace& space, PageControl* control);

  // As the graph code wants it.  Points to this object, which must not move.
  const QuiverStore* store() const { return &store_; }
  uint32_t count() const {
    return std::atomic_ref<uint32_t>(control_->count).load(std::memory_order_acquire);
  }
  // REQUIRES: block < count().
  uint8_t* page(uint32_t block) {
    const size_t chunk = block / kChunkPages;
    if (chunk >= chunks_.size() || chunks_[chunk] == nullptr) [[unlikely]]
      MapChunk(chunk);
    return chunks_[chunk] + (block % kChunkPages) * kPageBytes;
  }
  uint64_t bytes() const {
    return (uint64_t{count()} + kChunkPages - 1) / kChunkPages * kChunkBytes;
  }

 private:
  // 16 MB: enough for huge pages, which a search all over the graph is a fifth faster on.
  static constexpr size_t kChunkPages = 2048;
  static constexpr uint64_t kChunkBytes = kChunkPages * kPageBytes;

  static PageLock LockOf(uint8_t* page) { return PageLock(reinterpret_cast<uint32_t*>(page)); }
  uint32_t Extend();
  void MapChunk(size_t chunk);

  const QuiverStore* base_;
  BuildSpace space_;
  PageControl* control_;
  Allocator allocator_;
  QuiverStore store_;
  ArenaVector<uint8_t*> chunks_;  // null: not mapped yet
  uint32_t target_ = QUIVER_INVALID_BLOCK;
};

}  // namespace quiver

#endif  // QUIVER_GRAPH_MEMORY_PAGES_H
