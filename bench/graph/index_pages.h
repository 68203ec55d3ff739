// The pages of a finished index in memory, and the page store through which the core reads them.
#ifndef QUIVER_BENCH_GRAPH_INDEX_PAGES_H
#define QUIVER_BENCH_GRAPH_INDEX_PAGES_H

#include <cstdint>
#include <memory>
#include <vector>

#include "core_api.h"
#include "operation_memory.h"

namespace quiver::bench {

class IndexPages {
 public:
  // REQUIRES: called in ascending order from block 0.
  void Append(const uint8_t* page);

  uint32_t count() const { return static_cast<uint32_t>(pages_.size()); }
  const uint8_t* Page(uint32_t block) const { return pages_[block]->bytes; }

 private:
  struct alignas(QUIVER_BLOCK_SIZE) Bytes {
    uint8_t bytes[QUIVER_BLOCK_SIZE];
  };
  std::vector<std::unique_ptr<Bytes>> pages_;
};

// Callbacks for building and searching: no locks, since nothing changes a page, and what would
// change one ends the program.  So does an error of the core, after its message.
class PageStore {
 public:
  // Both must outlive this; `pages` may be nullptr while an index is built.
  PageStore(const IndexPages* pages, OperationMemory* memory);
  PageStore(const PageStore&) = delete;
  PageStore& operator=(const PageStore&) = delete;

  const QuiverStore* callbacks() const { return &callbacks_; }

  // Counts pages from here on, each once until the next call.
  void BeginDistinct();
  void EndDistinct() { counting_ = false; }
  uint64_t distinct() const { return distinct_; }  // since it was made

 private:
  void Count(uint32_t block);
  static PageStore* Of(void* context) { return static_cast<PageStore*>(context); }

  const IndexPages* pages_;
  OperationMemory* memory_;
  QuiverStore callbacks_;
  bool counting_ = false;
  uint64_t distinct_ = 0;
  uint32_t turn_ = 0;            // calls of BeginDistinct
  std::vector<uint32_t> turns_;  // by block: in which it was counted last
};

}  // namespace quiver::bench

#endif  // QUIVER_BENCH_GRAPH_INDEX_PAGES_H
