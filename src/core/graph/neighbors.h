// Which neighbours a node keeps.
#ifndef QUIVER_GRAPH_NEIGHBORS_H
#define QUIVER_GRAPH_NEIGHBORS_H

#include "graph/search.h"

namespace quiver {

// Chooses up to layout.slots of `candidates` (sorted by distance, nearest
// first, with vectors) for a node: those that no nearer choice is closer to than
// the node is (Malkov and Yashunin 2018, algorithm 4), and where these are less
// than a third of the slots, the nearest of the others up to that.  The slots left are
// for back-links: docs/decisions/0006-partly-filled-lists.md.  choices has room
// for kMaxSlots.
class NeighborChooser {
 public:
  explicit NeighborChooser(const GraphContext& context);
  struct Count {
    uint32_t diverse;  // these come first
    uint32_t all;      // the rest are dominated
  };
  Count Choose(const ArenaVector<Found>& candidates, const Found** choices);

 private:
  const GraphContext* context_;
  QueryMaker* makers_;  // of the choices, one a slot
};

// What a new edge v -> u does to v's list.
struct LinkPlan {
  bool accepted;         // false: the list stays as it is
  uint32_t slot;         // where u goes; == slot_count where the list grows
  bool dominated;        // u's own bit
  uint32_t newly_count;  // slots that become dominated
  uint8_t newly[kMaxSlots];
};

// What v's list is planned from: distances of its neighbours.
struct LinkDistances {
  float to_u[kMaxSlots];
  float to_v[kMaxSlots];
};

// Estimates them from v's own codes; `v` is an image with codes, self makes
// queries and has made room (QueryMaker::Reserve).  Not for kNone.
void EstimateLinkDistances(const GraphContext& context, QueryMaker* self, const ConstNode& v,
                           const Query& query, float distance, LinkDistances* distances);

// Decides with x_j the distance of u to neighbour o_j, d_j that of v:
//   1. u is dominated if an undominated o_j nearer to v has x_j < d(v, u);
//   2. otherwise farther slots with x_j < d_j become dominated;
//   3. a full list drops its farthest dominated entry, u included, else its
//      farthest.
// `distance` is d(v, u), exact.
void PlanLink(const GraphContext& context, const ConstNode& v, NodePointer u,
              const LinkDistances& distances, float distance, LinkPlan* plan);

}  // namespace quiver

#endif  // QUIVER_GRAPH_NEIGHBORS_H
