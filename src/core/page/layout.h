// How large a node is and where its parts lie: fixed for an index by its meta page.
#ifndef QUIVER_PAGE_LAYOUT_H
#define QUIVER_PAGE_LAYOUT_H

#include <cstddef>
#include <cstdint>

#include "page/page.h"

namespace quiver {

// A node's number names its page and slot: number = block * nodes per page + slot.
//
//   +------+--------+-------+---------+-------------+---------+---------+
//   | head | vector | codes | numbers | generations | f       | g       |
//   +------+--------+-------+---------+-------------+---------+---------+
//     64     d*2|4    S*code  S*4       S*2           S*2       S*2
//
// Slots are stored as a structure of arrays because SIMD reads codes in one
// stream.  S = slots.
struct NodeLayout {
  uint32_t dim;
  uint32_t bits;            // per component of an edge code: 1, 2 or 4
  uint32_t slots;           // neighbours a node can hold
  uint32_t nodes_per_page;
  bool float32;             // the vector's components are float32, else float16
  uint32_t vector_bytes;
  uint32_t code_bytes;      // of one slot's code
  uint32_t code_offset;     // from the node's start, as all offsets
  uint32_t number_offset;
  uint32_t generation_offset;
  uint32_t f_offset;
  uint32_t g_offset;
  uint32_t node_bytes;      // multiple of 8

  uint32_t NumberOf(uint32_t block, uint32_t slot) const { return block * nodes_per_page + slot; }
  uint32_t BlockOf(uint32_t number) const { return number / nodes_per_page; }
  uint32_t SlotOf(uint32_t number) const { return number % nodes_per_page; }
  size_t OffsetOf(uint32_t slot) const { return kPageHeaderBytes + size_t{slot} * node_bytes; }
};

constexpr uint32_t kMaxSlots = 200;
constexpr uint32_t kMinSlots = 8;  // so that code_dots may read 64 bytes past the codes
// Room left in a node page's hole: 2 hint bits a node, a change counter.
constexpr uint32_t kNodePageHole = 24;
constexpr uint32_t kNodePageBytes = kPageDataBytes - kNodePageHole;

// Edge code bits that suit a dimension.
uint32_t DefaultBits(uint32_t dim);

// Fills *layout from the fields that the meta page stores; false when they do
// not make a page.
bool MakeLayout(uint32_t dim, uint32_t bits, uint32_t slots, uint32_t nodes_per_page, bool float32,
                NodeLayout* layout);

// Chooses bits, slots and nodes per page for a new index; false when not even
// one node of the least number of slots fits a page.
bool ChooseLayout(uint32_t dim, int m, QuiverStorage storage, NodeLayout* layout);

}  // namespace quiver

#endif  // QUIVER_PAGE_LAYOUT_H
