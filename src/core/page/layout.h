// How large a node is and where its parts lie: fixed for an index by its meta page.
#ifndef QUIVER_PAGE_LAYOUT_H
#define QUIVER_PAGE_LAYOUT_H

#include <cstddef>
#include <cstdint>

#include "page/page.h"

namespace quiver {

// What a slot says of its neighbour beside the number.
enum class Codec : uint8_t {
  kNone = 0,  // the edge's length; a neighbour's distance is read from its own page
  kEdge = 1,  // a code of the residual, for estimates (graph/edges.h)
  kBits = 2,  // the neighbour's bits themselves
};

// A node's number names its page and slot: number = block * nodes per page + slot.
// A node's *image* is
//
//   +------+---------+---------+---------+-------------+-------+-----+--------+
//   | head | numbers | f       | g       | generations | codes | pad | vector |
//   +------+---------+---------+---------+-------------+-------+-----+--------+
//     64     S*4       S*2       S*2       S*2           S*c     to 8
//
// S = slots, c = code_bytes.  kNone has the edges' lengths (float32) in place of f
// and g, kBits neither.  Slots are stored as a structure of arrays because SIMD
// reads codes in one stream.
//
// On the node's page lies the image's first part, `node_bytes` long: all of it,
// or what fits.  The rest lies on chunk pages, codes first, each code and each
// chunk whole: `codes_at_home` of the codes on the node's page, codes_per_chunk on
// a chunk page; then the vector.
struct NodeLayout {
  uint32_t dim;
  QuiverForm form;
  Codec codec;
  uint32_t bits;   // kEdge: per component of a code, 1, 2 or 4; else 0
  uint32_t slots;  // neighbours a node can hold
  uint32_t nodes_per_page;
  bool float32;           // DENSE: components are float32, else float16
  uint32_t vector_bytes;  // DENSE, BITS: of a vector; SPARSE: of the longest that lies at home
  bool vector_at_home;    // false: all vectors lie on chunk pages
  uint32_t code_bytes;    // of one slot's code; 0 for kNone
  uint32_t codes_at_home;
  uint32_t codes_per_chunk;  // 0 where all are at home
  uint32_t number_offset;    // from the image's start, as all offsets
  uint32_t f_offset;         // kNone: of the lengths
  uint32_t g_offset;
  uint32_t generation_offset;
  uint32_t code_offset;
  uint32_t vector_offset;
  uint32_t node_bytes;  // on the node's page; multiple of 8

  uint32_t NumberOf(uint32_t block, uint32_t slot) const { return block * nodes_per_page + slot; }
  uint32_t BlockOf(uint32_t number) const { return number / nodes_per_page; }
  uint32_t SlotOf(uint32_t number) const { return number % nodes_per_page; }
  size_t OffsetOf(uint32_t slot) const { return kPageHeaderBytes + size_t{slot} * node_bytes; }
  uint32_t CodeChunks() const {
    return codes_at_home == slots ? 0
                                  : (slots - codes_at_home + codes_per_chunk - 1) / codes_per_chunk;
  }
  // Bytes of an image with a vector of `length` bytes.
  size_t ImageBytes(uint32_t length) const { return size_t{vector_offset} + length; }
};

constexpr uint32_t kMaxSlots = 200;
constexpr uint32_t kMinSlots = 8;  // so that code_dots may read 64 bytes past the codes
// Room left in a node page's hole: 2 hint bits a node, a change counter.
constexpr uint32_t kNodePageHole = 24;
constexpr uint32_t kNodePageBytes = kPageDataBytes - kNodePageHole;
// Bit strings longer than this have no codes: their lists would fill pages.
constexpr uint32_t kMostCodedBits = 2048;

// Edge code bits that suit a dimension.
uint32_t DefaultBits(uint32_t dim);

// What the meta page stores of a layout.
struct LayoutChoice {
  uint32_t dim;
  QuiverForm form;
  Codec codec;
  uint32_t bits;
  uint32_t slots;
  uint32_t nodes_per_page;
  bool float32;
  uint32_t sparse_bytes;  // SPARSE: room for a vector at home; else 0
};

// Fills *layout; false when the choice does not make a page.
bool MakeLayout(const LayoutChoice& choice, NodeLayout* layout);

// Chooses everything for a new index.  sparse_bytes: what most vectors of a sparse
// column take.  False where the form cannot have the dimension or the metric.
bool ChooseLayout(const QuiverIndexParams& params, uint32_t sparse_bytes, NodeLayout* layout);

}  // namespace quiver

#endif  // QUIVER_PAGE_LAYOUT_H
