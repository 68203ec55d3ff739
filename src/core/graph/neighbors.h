// Which neighbours a node keeps.
#ifndef QUIVER_GRAPH_NEIGHBORS_H
#define QUIVER_GRAPH_NEIGHBORS_H

#include "graph/search.h"

namespace quiver {

// Chooses up to layout.slots of `candidates` (sorted by distance, nearest
// first, with vectors) for a node: those that no nearer choice is closer to than
// the node is (Malkov and Yashunin 2018, algorithm 4).  The slots left are for
// back-links: docs/decisions/0006-no-filling.md.  Returns how many; choices has
// room for kMaxSlots.
class NeighborChooser {
 public:
  explicit NeighborChooser(const GraphContext& context);
  uint32_t Choose(const ArenaVector<Found>& candidates, const Found** choices);

 private:
  const GraphContext* context_;
  float* decoded_;  // of the choices, layout.slots x dim
};

// What a new edge v -> u does to v's list.
struct LinkPlan {
  bool accepted;            // false: the list stays as it is
  uint32_t slot;            // where u goes; == slot_count where the list grows
  bool dominated;           // u's own bit
  uint32_t newly_count;     // slots that become dominated
  uint8_t newly[kMaxSlots];
};

// Memory for planning one edge after another.
struct LinkScratch {
  float* vector;    // dim
  float* centered;  // dim
  int8_t* code;     // CodeLength(dim)
};
LinkScratch MakeLinkScratch(const GraphContext& context);

// Decides from v's own page alone, with x_j the estimate of u's distance to
// neighbour o_j, d_j that of v's:
//   1. u is dominated if an undominated o_j nearer to v has x_j < d(v, u);
//   2. otherwise farther slots with x_j < d_j become dominated;
//   3. a full list drops its farthest dominated entry, u included, else its
//      farthest.
// `query` is u's, `distance` d(v, u), exact.
void PlanLink(const GraphContext& context, const LinkScratch& scratch, const ConstNode& v,
              NodePointer u, const Query& query, float distance, LinkPlan* plan);

}  // namespace quiver

#endif  // QUIVER_GRAPH_NEIGHBORS_H
