// Writing nodes and rows into pages: each function is one atomic record, and one
// more before it for each chunk page of a new node.
#ifndef QUIVER_GRAPH_PLACE_H
#define QUIVER_GRAPH_PLACE_H

#include "graph/neighbors.h"
#include "graph/room.h"
#include "page/list_page.h"

namespace quiver {

// A list row that is to leave the list in the same record.  What it becomes
// lies on a higher block, or vacuum, which goes up the blocks, could miss it.
struct ListSource {
  uint32_t block;
  QuiverTid tid;
  uint64_t hash;
};

// A slot of a node about to be written.
struct NewEdge {
  NodePointer to;
  bool dominated;
  float length;         // kNone
  const uint8_t* code;  // layout.code_bytes of them
  EdgeFactors factors;  // kEdge

  SlotEntry slot_entry() const {
    return {to.number, static_cast<uint16_t>(to.generation | (dominated ? kDominatedBit : 0)),
            factors, length};
  }
};

struct NewNode {
  StoredVector vector;
  PostingEntry posting;  // bottom layer
  NodePointer down;      // upper layers
  int level;
  const NewEdge* edges;
  uint32_t edge_count;
};

enum class Placed {
  kYes,
  kGone,   // the list row had been moved or removed by somebody else
  kRetry,  // the graph, or the node, is no longer what the caller saw
};

class Placer {
 public:
  explicit Placer(const GraphContext& context);

  // What the caller has read of the partition: hints where to place.
  void SetPartition(const Partition& partition) { partition_ = partition; }

  // Writes the first node of an empty graph, level 0, and makes it the entry point.
  Placed PlaceFirstNode(const NewNode& node, const ListSource* source);

  // Writes a node into a page with room, or a new one.  source only at level 0.
  Placed PlaceNode(const NewNode& node, const ListSource* source, NodePointer* where);

  // Adds a row to an existing node of the same vector.
  Placed PlacePosting(NodePointer where, const StoredVector& vector, PostingEntry posting,
                      const ListSource* source);

 private:
  NodePointer PlaceUpper();
  uint32_t FindRoom();
  bool HasRoom(uint32_t block);
  void PrepareImage(const NewNode& node);
  uint32_t FormerChunks(uint32_t number, uint32_t block, uint32_t* rest);
  void WriteChunks(const uint8_t* page, uint32_t block, uint32_t slot);
  NodePointer WriteNode(uint8_t* page, uint32_t block, uint32_t slot);

  const GraphContext* context_;
  NodeReader reader_;
  Partition partition_ = {};
  ArenaVector<uint8_t> image_;    // of the node being written
  ArenaVector<uint32_t> chunks_;  // pages of the place's former node, to be written anew
};

// Makes `node`, which stands above `bottom` or is it, the entry point, unless one of its
// level or above is there already, or vacuum has emptied `bottom` meanwhile: the row may have
// been a dead one that moved from the list.
void RaiseEntry(const GraphContext& context, NodePointer node, int level, NodePointer bottom);

}  // namespace quiver

#endif  // QUIVER_GRAPH_PLACE_H
