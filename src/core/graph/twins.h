// Nodes by the hash of their vector, so that rows of one vector share a node.
//
// Open addressing, at most half full, in memory that all participants share.  A cell is owned by
// who wrote its hash, and others with that hash wait until it has a node: so two of them never
// make a node each.
#ifndef QUIVER_GRAPH_TWINS_H
#define QUIVER_GRAPH_TWINS_H

#include "graph/page_lock.h"
#include "page/node.h"

namespace quiver {

class TwinTable {
 public:
  explicit TwinTable(const BuildSpace& space) : space_(space) {}

  // Cells for so many rows.
  static uint64_t CellsFor(uint64_t rows);
  static uint64_t BytesFor(uint64_t cells) { return GrainsOf(cells * sizeof(Cell)); }

  // One participant makes it, empty; then each opens it.
  void Create(uint64_t cells);
  void Open(uint64_t cells);
  // Nobody will look at it again.
  void Release(uint64_t cells) const {
    space_.Release(SpaceOffset(SpaceRegion::kTwins, 0, 0), BytesFor(cells));
  }

  // A walk over the cells that a hash may be in: Next gives each node that has it, and
  // waits for those that are being made; then a cell is the caller's, to be filled by
  // Fill (an invalid pointer: there came none), and Next returns an invalid pointer.
  class Walk {
   public:
    Walk(const TwinTable& table, uint64_t hash);
    NodePointer Next();
    void Fill(NodePointer node);

   private:
    const TwinTable& table_;
    uint64_t hash_;
    uint64_t at_;
  };

 private:
  struct Cell {
    uint64_t hash;  // 0: free; atomic
    uint64_t node;  // kPending, kNone, or a pointer; atomic
  };
  static constexpr uint64_t kPending = 0;
  static constexpr uint64_t kNone = 1;
  static constexpr uint64_t kNode = 2;  // bit of a pointer, which stands 16 bits higher

  BuildSpace space_;
  Cell* cells_ = nullptr;
  uint64_t mask_ = 0;
};

}  // namespace quiver

#endif  // QUIVER_GRAPH_TWINS_H
