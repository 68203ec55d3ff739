// Sorting the rows of a bounded build (row_order.h): from the chunks that they were collected in
// into chunks by bucket, a bucket being some leaves that follow each other.
//
// A sample of the rows makes a bucket of its own, the first: linked before all others, in no
// order, these become a graph that spans the data.
#ifndef QUIVER_GRAPH_ROW_SORTER_H
#define QUIVER_GRAPH_ROW_SORTER_H

#include "graph/build_memory.h"
#include "graph/row_order.h"

namespace quiver {

// What the participants share besides the chunks.
struct SortControl {
  RowControl rows;         // of the sorted chunks
  uint32_t buckets;        // besides the first
  uint32_t bucket_chunks;  // that kBuckets has room for
  uint64_t sorted;         // rows; atomic
  uint64_t order_bytes;    // of RowOrder's piece
  uint16_t bucket_of[RowOrder::kMostLeaves];
};

class RowSorter {
 public:
  RowSorter(const GraphContext& context, const BuildSpace& space, SortControl* control);

  // One participant, with all rows there are, collected in `chunks` chunks; the sample is
  // RowOrder's.
  void Prepare(CollectedRow** sample, uint32_t count, uint64_t seed, const BuildMemory& limits,
               uint32_t chunks);
  // Each, before it sorts, and before it links.
  void OpenToSort();
  void OpenToLink();

  // Copies a row to where it belongs; random decides whether that is the first bucket.
  void Add(CollectedRow* row, size_t bytes, uint64_t random);

  // Of the sorted chunks.  After the sorting: the order in which they are to be linked.
  SortedChunks* chunks() { return &sorted_; }
  const uint32_t* Order();
  // The rows of a chunk, in the order in which they are to be linked.
  const ArenaVector<CollectedRow*>& RowsOf(RowChunkHead* chunk);

 private:
  size_t RowBytes(CollectedRow* row) const {
    return sizeof(CollectedRow) + StoredBytes(*context_->index, row->vector());
  }
  void AddTo(uint32_t bucket, CollectedRow* row, size_t bytes, uint32_t leaf);

  const GraphContext* context_;
  BuildSpace space_;
  SortControl* control_;
  RowOrder order_;
  SortedChunks sorted_;
  SortedChunks* streams_ = nullptr;  // this participant's, one a bucket
  uint16_t* buckets_ = nullptr;      // of each sorted chunk
  ArenaVector<CollectedRow*> rows_;
};

}  // namespace quiver

#endif  // QUIVER_GRAPH_ROW_SORTER_H
