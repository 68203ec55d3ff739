// A page store in memory, for building: no locks, no log, pages never move.
#ifndef QUIVER_GRAPH_MEMORY_PAGES_H
#define QUIVER_GRAPH_MEMORY_PAGES_H

#include "page/page.h"

namespace quiver {

class MemoryPages {
 public:
  // Of `base`, only allocate, poll and fail are used.
  explicit MemoryPages(const QuiverStore* base);

  // As the graph code wants it.  Points to this object, which must not move.
  const QuiverStore* store() const { return &store_; }
  uint32_t count() const { return count_; }
  uint8_t* page(uint32_t block) {
    return chunks_[block / kChunkPages] + (block % kChunkPages) * kPageBytes;
  }
  // Adds an empty page; its block number.
  uint32_t Extend();
  uint64_t bytes() const { return chunks_.size() * uint64_t{kChunkPages} * kPageBytes; }

 private:
  // 16 MB: enough for the allocator to back it by huge pages, which a search all
  // over the graph is a fifth faster on.
  static constexpr size_t kChunkPages = 2048;

  const QuiverStore* base_;
  Allocator allocator_;
  QuiverStore store_;
  ArenaVector<uint8_t*> chunks_;
  uint32_t count_ = 0;
  uint32_t target_ = QUIVER_INVALID_BLOCK;
};

}  // namespace quiver

#endif  // QUIVER_GRAPH_MEMORY_PAGES_H
