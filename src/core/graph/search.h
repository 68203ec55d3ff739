// Best-first search in one layer, and the descent through the upper ones.
//
// A node is expanded: its page is read once, its exact distance computed from
// the vector stored with it, and its neighbours' distances estimated from the
// codes beside it.  No other page is read for a neighbour.
#ifndef QUIVER_GRAPH_SEARCH_H
#define QUIVER_GRAPH_SEARCH_H

#include "graph/beam.h"
#include "graph/edges.h"
#include "graph/visited.h"

namespace quiver {

// An expanded node, as its page had it.
struct Found {
  float distance;  // exact
  uint32_t number;
  uint16_t generation;
  uint8_t posting_count;
  PostingEntry postings[kInlinePostings];
  uint32_t posting_head;
  NodePointer down;
  StoredVector vector;  // bytes only where the search keeps vectors

  NodePointer pointer() const { return {number, generation}; }
};

// What every part of the graph code works with.
struct GraphContext {
  Store store;
  const QuiverIndex* index;
  const QuiverKernels* kernels;
  Allocator* allocator;
  // Pages never move nor change their vectors: they may be pointed into.
  bool stable_pages;

  const NodeLayout& layout() const { return index->layout; }
};

class Search {
 public:
  // `context` and `stats` must outlive the search.
  Search(const GraphContext& context, QuiverScanStats* stats);

  enum Keep : uint8_t {
    kKeepNothing = 0,
    kKeepVectors = 1,     // found nodes carry their stored vector
    kKeepCandidates = 2,  // candidates that the beam refuses go to spill()
  };

  // Forgets everything but the memory.  `query` is kept by pointer.
  void Reset(const Query* query, unsigned keep);

  // Searches `level` with a beam of `width`, appending to found(): from `entry`
  // on `entry_level` down through the layers between with a narrow beam,
  // each begun at all nodes found on the one above: the best one alone leads into
  // a wrong cluster too often.  Finds nothing where the routes are damaged.
  // REQUIRES: level <= entry_level.
  void Run(NodePointer entry, int entry_level, int level, size_t width);

  // Goes on in the bottom layer from the candidates spilled so far: a beam of
  // `width` of them.  False when there were none.
  bool Continue(size_t width);

  ArenaVector<Found>& found() { return found_; }
  const ArenaVector<Candidate>& spill() const { return spill_; }
  size_t memory() const {
    return visited_.bytes() + spill_.capacity() * sizeof(Candidate) +
           found_.capacity() * sizeof(Found);
  }

 private:
  void RunLayer(int level, size_t width);
  void Drain(int level);
  void Expand(const Candidate& candidate, int level);
  void Offer(const Candidate& candidate);
  const uint8_t* KeepVector(const uint8_t* bytes);

  const GraphContext* context_;
  QuiverScanStats* stats_;
  const Query* query_ = nullptr;
  unsigned keep_ = 0;
  uint32_t block_count_ = 0;
  Beam beam_;
  Visited visited_;
  ArenaVector<Found> found_;
  ArenaVector<Candidate> spill_;
  ArenaVector<Candidate> seeds_;  // where the next layer begins
  // Kept vectors, reused after Reset.
  ArenaVector<uint8_t*> kept_;
  size_t kept_used_ = 0;
};

}  // namespace quiver

#endif  // QUIVER_GRAPH_SEARCH_H
