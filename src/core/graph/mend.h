// Mending the neighbour list of a living node that points to nodes without rows.
#ifndef QUIVER_GRAPH_MEND_H
#define QUIVER_GRAPH_MEND_H

#include "graph/census.h"
#include "graph/link.h"

namespace quiver {

// The links to dead nodes leave the list.  In their place come as many of the dead
// nodes' own neighbours, nearest first, those that no neighbour or nearer choice is
// closer to than the node is; they are linked back.  A node that this leaves with
// next to no neighbours is searched for as if it came anew.
class Mender {
 public:
  // `census` must outlive it.
  Mender(const GraphContext& context, const Census& census, int ef_construction,
         QuiverVacuumStats* stats);

  // Mends the nodes of a page, if it is one of nodes.
  void MendPage(uint32_t block);

 private:
  struct Candidate {
    float estimate;
    NodePointer at;
    bool nearest;  // of one dead node's neighbours
  };

  bool ReadNode(uint32_t block, uint32_t slot);
  void VisitMissing(NodePointer at);
  void ReadCandidates(size_t most);
  void SearchAnew();
  void Choose(uint32_t want);
  bool IsDominated(const Found& candidate, const Query& query, uint32_t chosen);
  void TakeOutDead();
  void TakeOutOfPage(const uint8_t* page, QuiverPin* pin);
  void TakeOutChunked(const uint8_t* page, uint32_t slot, QuiverPin* pin);
  void WriteLinks(uint32_t chosen);
  bool InList(NodePointer at) const;
  uint8_t* Keep(const ConstNode& whole, size_t at);

  const GraphContext* context_;
  const Census* census_;
  int ef_construction_;
  QuiverVacuumStats* stats_;
  QuiverScanStats search_stats_;
  Search search_;
  LinkWriter linker_;
  NodeReader reader_;
  QueryMaker self_;     // of the node that is mended
  QueryMaker planner_;  // the same, for estimates of its neighbours
  QueryMaker* makers_;  // of what is chosen, one a slot

  // The node that is mended: a copy of its image, with what it points to.
  ArenaVector<uint64_t> image_;
  NodePointer at_;
  int level_ = 0;
  Query query_ = {};
  ArenaVector<NodePointer> missing_;
  ArenaVector<NodePointer> dead_;

  ArenaVector<Candidate> candidates_;
  ArenaVector<Found> found_;  // candidates with their vectors, nearest first
  struct Kept {
    uint8_t* bytes;
    size_t room;
  };
  ArenaVector<Kept> kept_;
  ArenaVector<const Found*> rejected_;
  const Found* chosen_[kMaxSlots];
  Query queries_[kMaxSlots];
  uint8_t* codes_;  // 2 x slots x code_bytes
  float* scratch_;  // dim
  Link links_[2 * kMaxSlots];
};

}  // namespace quiver

#endif  // QUIVER_GRAPH_MEND_H
