// Which nodes of a finished build share a page.
//
// A search expands nodes that lie near each other, so it reads fewer pages where near nodes share
// one.  Nodes are joined into groups that fit a page, shortest edges first, as Kruskal's algorithm
// takes the edges of a spanning tree; groups that are left smaller than a page are put together to
// fill it.  docs/decisions/0011-locality.md has what else was tried.
#ifndef QUIVER_GRAPH_PAGE_GROUPS_H
#define QUIVER_GRAPH_PAGE_GROUPS_H

#include "graph/memory_pages.h"
#include "graph/node_reader.h"

namespace quiver {

// A node by its place on the pages of nodes alone: its page's rank among them, upper ones first,
// times nodes per page, plus its slot.
using Seat = uint32_t;

struct Seats {
  static constexpr uint32_t kNoRank = 0xFFFFFFFFu;

  uint32_t* ranks;   // by block; kNoRank: no page of nodes
  uint32_t* blocks;  // by rank
  uint32_t upper_pages;
  uint32_t pages;

  Seat Of(const NodeLayout& layout, uint32_t number) const {
    return layout.NumberOf(ranks[layout.BlockOf(number)], layout.SlotOf(number));
  }
  uint32_t NumberOf(const NodeLayout& layout, Seat seat) const {
    return layout.NumberOf(blocks[layout.BlockOf(seat)], layout.SlotOf(seat));
  }
};

// Memory: 16 bytes a seat.  Its passes go up the blocks, and look only at pages with nodes whose
// group is not full.
class PageGroups {
 public:
  static constexpr uint32_t kNobody = 0xFFFFFFFFu;

  PageGroups(const GraphContext& context, MemoryPages* pages, const Seats& seats);

  // Joins nodes, and decides the order.  All links lead to nodes that are there.
  void Arrange();

  // Both valid after Arrange.  Places are counted through the new pages: upper ones first, all
  // full but the last of either kind.
  uint32_t upper_pages() const { return upper_pages_; }
  uint32_t pages() const { return pages_; }
  Seat SeatAt(uint32_t place) const { return order_[place]; }  // or kNobody
  uint32_t PlaceOf(Seat seat) const { return groups_[seat]; }  // or kNobody

 private:
  struct Edge {
    float length;
    Seat from;
    Seat to;
  };

  // A group is a tree: parents are lower seats, its lowest one, the root, has the size.
  bool IsRoot(Seat seat) const { return groups_[seat] >= seats_count_ && Size(seat) > 0; }
  uint32_t Size(Seat root) const { return kNobody - groups_[root]; }
  Seat Root(Seat seat) const {
    while (groups_[seat] < seats_count_) seat = groups_[seat];
    return seat;
  }
  // Looks for a cancel now and then.
  void Step();
  void FindNodes();
  uint32_t Propose();
  bool ProposeFor(const ConstNode& node, Seat seat, Edge* edge) const;
  bool Join(Seat a, Seat b);
  uint32_t FillPages(Seat first, Seat end, uint32_t place);

  const GraphContext* context_;
  MemoryPages* pages_of_build_;
  Seats seats_;
  uint32_t seats_count_;
  uint32_t upper_pages_ = 0;
  uint32_t pages_ = 0;
  uint32_t steps_ = 0;
  // By seat: its parent, or at a root kNobody less the group's size; in the end its place.
  uint32_t* groups_;
  Edge* edges_;  // one a seat; its memory is the next three's afterwards
  uint32_t* ends_;
  Seat* members_;
  Seat* order_;
};

}  // namespace quiver

#endif  // QUIVER_GRAPH_PAGE_GROUPS_H
