// Rows waiting to be handed out, nearest first: a binary heap, so that a batch
// of thousands from which ten are wanted is never sorted.
#ifndef QUIVER_GRAPH_ROW_QUEUE_H
#define QUIVER_GRAPH_ROW_QUEUE_H

#include <algorithm>

#include "base/arena.h"
#include "graph/kills.h"
#include "page/node.h"

namespace quiver {

// A node's rows (none: it is a route), or one row of the list or without a distance.
struct QueuedRow {
  float distance;         // that orders
  float upper;            // exact order: what the operator returns is not above
  uint32_t posting_head;  // further rows, or QUIVER_INVALID_BLOCK
  NodePointer node;       // whose rows these are, where there are further ones
  uint8_t posting_count;  // of those here
  bool from_graph;        // may have been in the list before
  QuiverRowKind kind;
  PostingEntry postings[2];
  RowOrigin origin;  // of the first of those here

  bool has_rows() const { return posting_count > 0 || posting_head != QUIVER_INVALID_BLOCK; }

  static QueuedRow Single(float distance, float upper, QuiverRowKind kind, PostingEntry posting,
                          const RowOrigin& origin) {
    return {distance, upper, QUIVER_INVALID_BLOCK, {}, 1, false, kind, {posting, {}}, origin};
  }
};

class RowQueue {
 public:
  explicit RowQueue(Allocator* allocator) : rows_(allocator) {}

  // Without order until Heapify.
  void Add(const QueuedRow& row) { rows_.PushBack(row); }
  void Heapify() { std::make_heap(rows_.begin(), rows_.end(), Farther); }
  void Push(const QueuedRow& row) {
    rows_.PushBack(row);
    std::push_heap(rows_.begin(), rows_.end(), Farther);
  }
  bool empty() const { return rows_.empty(); }
  size_t size() const { return rows_.size(); }
  const QueuedRow& front() const { return rows_[0]; }
  QueuedRow Pop() {
    std::pop_heap(rows_.begin(), rows_.end(), Farther);
    const QueuedRow row = rows_.back();
    rows_.PopBack();
    return row;
  }
  size_t bytes() const { return rows_.capacity() * sizeof(QueuedRow); }

 private:
  static bool Farther(const QueuedRow& a, const QueuedRow& b) { return a.distance > b.distance; }

  ArenaVector<QueuedRow> rows_;
};

}  // namespace quiver

#endif  // QUIVER_GRAPH_ROW_QUEUE_H
