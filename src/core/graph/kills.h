// Rows found dead by one scan, waiting for their hint bits.
#ifndef QUIVER_GRAPH_KILLS_H
#define QUIVER_GRAPH_KILLS_H

#include "base/arena.h"
#include "page/store.h"

namespace quiver {

// Where a row stood when it was read.
struct RowOrigin {
  uint64_t version;  // the page's
  uint32_t block;
  uint32_t row;  // on the page, as hints.h counts
};

class Kills {
 public:
  explicit Kills(Allocator* allocator) : rows_(allocator) {}

  // Notes a dead row.
  void Add(const RowOrigin& origin) { rows_.PushBack(origin); }
  bool full() const { return rows_.size() >= kMost; }

  // Sets the bits, page by page, on those that are still as they were read, and
  // forgets the rows.  REQUIRES: no lock is held.
  void Apply(const Store& store);

 private:
  // So that a walk over many dead rows takes little memory and its hints soon show.
  static constexpr size_t kMost = 1024;

  size_t ApplyToPage(const Store& store, size_t first);

  ArenaVector<RowOrigin> rows_;
};

}  // namespace quiver

#endif  // QUIVER_GRAPH_KILLS_H
