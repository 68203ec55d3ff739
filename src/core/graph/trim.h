// Taking pages without rows out of their chains.
#ifndef QUIVER_GRAPH_TRIM_H
#define QUIVER_GRAPH_TRIM_H

#include "graph/index.h"

namespace quiver {

// Chains in which a pass over the pages has seen empty ones.
class EmptyPages {
 public:
  explicit EmptyPages(Allocator* allocator) : nodes_(allocator) {}

  // Makes room for the next Note, which happens under a lock.
  void MakeRoom() {
    if (nodes_.size() == nodes_.capacity()) nodes_.Reserve(2 * nodes_.capacity() + 64);
  }
  void Note(const uint8_t* page) {
    const uint32_t number = PostingHeadOf(page)->number;
    if (Special(page)->kind == PageKind::kLoose)
      loose_ = true;
    else if (nodes_.empty() || nodes_.back() != number)
      nodes_.PushBack(number);
  }

  ArenaVector<uint32_t>& nodes() { return nodes_; }
  bool loose() const { return loose_; }

 private:
  ArenaVector<uint32_t> nodes_;
  bool loose_ = false;
};

// Frees the pages without rows of the nodes' chains and, but for the last page, of
// that of the loose rows.  A node whose last page goes and that has no row in its
// head is emptied.  Only one vacuum at a time takes pages out of chains.
void TrimChains(const Store& store, const QuiverIndex& index, EmptyPages* empty, void (*delay)(),
                QuiverVacuumStats* stats);

}  // namespace quiver

#endif  // QUIVER_GRAPH_TRIM_H
