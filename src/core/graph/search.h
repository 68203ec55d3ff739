// Best-first search in one layer, and the descent through the upper ones.
//
// A node is expanded: its page is read once, its exact distance computed from
// the vector stored with it, and its neighbours' distances estimated from the
// codes beside it.  No other page is read for a neighbour, but where there are no
// codes: there a neighbour's page is read for its exact distance.
#ifndef QUIVER_GRAPH_SEARCH_H
#define QUIVER_GRAPH_SEARCH_H

#include "graph/beam.h"
#include "graph/edges.h"
#include "graph/node_reader.h"
#include "graph/visited.h"

namespace quiver {

// An expanded node, as its page had it.
struct Found {
  float distance;  // exact
  uint32_t number;
  uint16_t generation;
  uint8_t posting_count;
  bool emptied;
  PostingEntry postings[kInlinePostings];
  uint32_t posting_head;
  uint64_t version;  // of its page, where the search skips killed rows
  NodePointer down;
  float size;           // Euclidean length, where the search keeps sizes
  StoredVector vector;  // bytes only where the search keeps vectors

  NodePointer pointer() const { return {number, generation}; }
};

class Search {
 public:
  // `context` and `stats` must outlive the search.
  Search(const GraphContext& context, QuiverScanStats* stats);

  enum Keep : uint8_t {
    kKeepNothing = 0,
    kKeepVectors = 1,     // found nodes carry their stored vector
    kKeepCandidates = 2,  // candidates that the beam refuses go to spill()
    kKeepSizes = 4,       // found nodes carry the length of their vector
    kSkipKilled = 8,      // killed rows of found nodes are no rows
  };

  // Forgets everything but the memory.  `query` is kept by pointer.
  void Reset(const Query* query, unsigned keep);

  // The bottom layer's search ends at the node of this vector, if it meets one that
  // is not emptied.  Until the next Reset.
  void StopAt(const StoredVector* twin) { twin_ = twin; }
  bool met_twin() const { return stop_; }

  // How much wider the second descent of a row that is to be linked is: its edges are
  // there for good.
  static constexpr size_t kWideWhenLinking = 8;

  // Searches `level` with a beam of `width`, appending to found(): from `entry`
  // on `entry_level` down through the layers between with a narrow beam (an eighth of `width`, at
  // least three), each begun at all nodes found on the one above: the best one alone leads into a
  // wrong cluster too often.  Where what the bottom layer has looks like a wrong cluster still, the
  // descent is made once more, with a beam of `wide` on layer 1, and the bottom layer searched from
  // there.  Finds nothing where the routes are damaged. REQUIRES: level <= entry_level.
  void Run(NodePointer entry, int entry_level, int level, size_t width, size_t wide);

  // Of the nearest node found on the layer above; infinity where there is none.
  float above() const { return above_; }

  // Goes on in the bottom layer from the candidates spilled so far: a beam of
  // `width` of them.  False when there were none.
  bool Continue(size_t width);

  // Distance of `query` to the node that `to` points to on `level`, read from its
  // page; infinity where it is not there.  exactly: nor any other in its place.
  float DistanceTo(const Query& query, NodePointer to, int level, bool exactly = true);

  ArenaVector<Found>& found() { return found_; }
  const ArenaVector<Candidate>& spill() const { return spill_; }
  size_t memory() const {
    return visited_.bytes() + visited_above_.bytes() + spill_.capacity() * sizeof(Candidate) +
           found_.capacity() * sizeof(Found);
  }

 private:
  void Descend(NodePointer entry, int entry_level, int level, size_t width, size_t last_width);
  void RunLayer(int level, size_t width);
  bool LooksLost() const;
  void Drain(int level);
  void Expand(const Candidate& candidate, int level);
  void OfferByReading(const uint32_t* numbers, const uint16_t* generations, uint32_t count,
                      int level);
  void Offer(const Candidate& candidate);
  const uint8_t* KeepVector(const ConstNode& whole, bool in_place);

  const GraphContext* context_;
  QuiverScanStats* stats_;
  const Query* query_ = nullptr;
  unsigned keep_ = 0;
  const StoredVector* twin_ = nullptr;
  bool stop_ = false;
  uint32_t block_count_ = 0;
  bool squares_ = false;
  Beam beam_;
  Visited visited_;        // of the layer searched
  Visited visited_above_;  // of those above it
  Visited* marks_ = &visited_;
  ArenaVector<Found> found_;
  ArenaVector<Candidate> spill_;
  ArenaVector<Candidate> seeds_;  // where the next layer begins
  float above_ = std::numeric_limits<float>::infinity();
  float farthest_ = 0;  // met on the way down
  float nearest_ = std::numeric_limits<float>::infinity();
  float nearest_edge_ = 0;  // what ShortEdge says of the nearest one
  NodeReader reader_;
  float* decoded_ = nullptr;
  // Kept vectors, reused after Reset.
  struct Kept {
    uint8_t* bytes;
    size_t room;
  };
  ArenaVector<Kept> kept_;
  size_t kept_used_ = 0;
};

}  // namespace quiver

#endif  // QUIVER_GRAPH_SEARCH_H
