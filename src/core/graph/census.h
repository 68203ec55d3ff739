// Which nodes live: what a pass over all pages finds, for the repair of the graph.
#ifndef QUIVER_GRAPH_CENSUS_H
#define QUIVER_GRAPH_CENSUS_H

#include "graph/node_reader.h"

namespace quiver {

class Census {
 public:
  // An upper node, as the pass found it.
  struct Upper {
    uint32_t number;
    uint16_t generation;
    uint8_t level;
    NodePointer down;

    NodePointer pointer() const { return {number, generation}; }
  };

  explicit Census(const GraphContext& context);

  // Passes over all pages, and marks those upper nodes as emptied whose vector has no
  // living node in the layer below.  pause is called without a lock.
  template <class Pause>
  void Take(const Pause& pause) {
    const uint32_t blocks = context_->store.BlockCount();
    missing_.Resize((uint64_t{blocks} * context_->layout().nodes_per_page + 63) / 64);
    room_.Resize((uint64_t{blocks} + 63) / 64);
    chunks_.Resize(room_.size());
    for (uint32_t block = kMetaBlock + 1; block < blocks; block++) {
      pause();
      Count(block);
    }
    SortUppers();
    for (const Upper& upper : uppers_) {
      pause();
      Judge(upper);
    }
  }

  // True where the pass found no living node with this number.  One may have come
  // since; a node that was emptied then is still there.
  bool Missing(uint32_t number) const { return Has(missing_, number); }
  // True for a page of nodes that had free places, or nodes that are to go; for a chunk page.
  bool HasRoom(uint32_t block) const { return Has(room_, block); }
  bool IsChunk(uint32_t block) const { return Has(chunks_, block); }
  // A living node of the highest layer that has one; else not valid.
  NodePointer highest() const { return highest_; }
  int highest_level() const { return highest_level_; }

 private:
  void Count(uint32_t block);
  void SortUppers();
  void Judge(const Upper& upper);
  static bool Has(const ArenaVector<uint64_t>& bits, uint32_t at) {
    return at / 64 < bits.size() && (bits[at / 64] >> (at % 64) & 1) != 0;
  }
  static void Set(ArenaVector<uint64_t>* bits, uint32_t at) {
    if (at / 64 < bits->size()) (*bits)[at / 64] |= uint64_t{1} << (at % 64);
  }

  const GraphContext* context_;
  ArenaVector<uint64_t> missing_;  // a bit a node number
  ArenaVector<uint64_t> room_;     // a bit a block
  ArenaVector<uint64_t> chunks_;   // a bit a block
  ArenaVector<Upper> uppers_;
  NodePointer highest_;
  int highest_level_ = 0;
};

}  // namespace quiver

#endif  // QUIVER_GRAPH_CENSUS_H
