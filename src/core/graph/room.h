// Pages with free places for nodes: one chain for the bottom layer, one for the
// upper ones, from the meta page through PageSpecial.next.  A page stays in its chain
// while it fills up; whoever finds the first one full takes it off.
#ifndef QUIVER_GRAPH_ROOM_H
#define QUIVER_GRAPH_ROOM_H

#include "graph/node_reader.h"

namespace quiver {

// A free place on a node page of `kind`, or -1.
int FreeSlot(const uint8_t* page, const NodeLayout& layout, PageKind kind);

// Takes the first page of a chain off, if it is still `block` and has no free place;
// the chain's first page then, or QUIVER_INVALID_BLOCK.
uint32_t TakeOffRoom(const GraphContext& context, PageKind kind, uint32_t block);

// The first page of the chain of `kind`.
inline uint32_t& RoomOf(Partition* partition, PageKind kind) {
  return kind == PageKind::kUpper ? partition->upper_room : partition->node_room;
}

// Where all nodes have equally many chunk pages, a free place keeps those of its former
// node for the next one: they lie above it, which others might not.
inline bool KeepsChunks(const NodeLayout& layout) {
  return layout.form != QUIVER_FORM_SPARSE;
}

// What Store::Extend is asked for by nodes: a free page anywhere, but while the list drains
// a new one, since its rows move up the blocks only.
inline uint32_t ReuseAbove(const Partition& partition) {
  return partition.state == PartitionState::kGraph ? kMetaBlock : QUIVER_INVALID_BLOCK;
}

}  // namespace quiver

#endif  // QUIVER_GRAPH_ROOM_H
