// A node: one distinct vector, its rows and its neighbours in one layer.
#ifndef QUIVER_PAGE_NODE_H
#define QUIVER_PAGE_NODE_H

#include <type_traits>

#include "page/layout.h"
#include "page/posting.h"

namespace quiver {

constexpr uint32_t kInvalidNode = 0xFFFFFFFFu;
constexpr uint32_t kMaxLevel = 12;
constexpr uint32_t kInlinePostings = 2;

// Generations are compared by 15 bits: a pointer that outlived 32,767 reuses of
// its page could be taken for a fresh one, and would be one more route.
constexpr uint16_t kGenerationMask = 0x7FFF;
constexpr uint16_t kDominatedBit = 0x8000;
constexpr uint16_t PointerGeneration(uint32_t generation) {
  return static_cast<uint16_t>(generation & kGenerationMask);
}

// Where a node is.  Only a route: whoever follows it compares the generation.
struct NodePointer {
  uint32_t number = kInvalidNode;
  uint16_t generation = 0;  // 15 bits

  bool valid() const { return number != kInvalidNode; }
};

enum NodeFlags : uint8_t {
  kNodeInUse = 1,
  kNodeEmptied = 2,  // no rows left; a route only
};

// Format 2.
struct NodeHead {
  uint32_t generation;    // of the page's counter when the node was put here
  uint8_t level;          // 0: bottom layer
  uint8_t flags;          // NodeFlags; 0: the slot is free
  uint8_t slot_count;     // neighbours, 0 .. layout.slots
  uint8_t posting_count;  // inline rows, 0 .. kInlinePostings; 0 in upper layers
  uint64_t hash;          // of the original vector's bytes
  float vector_scale;     // component = scale * stored; a power of two, 1 for float32
  float f_scale;          // kEdge: terms likewise; powers of two
  float g_scale;
  uint32_t posting_head;  // first page of further rows, or QUIVER_INVALID_BLOCK
  uint32_t posting_tail;  // last page of further rows
  uint32_t down_number;   // upper layers: the same vector's node one level down
  uint16_t down_generation;
  uint16_t entries;     // SPARSE: of the vector; DENSE as float16: length of the rounding
                        // error / vector_scale, as float16; else 0
  uint32_t chunk_head;  // first chunk page, or QUIVER_INVALID_BLOCK
  PostingEntry postings[kInlinePostings];
};
static_assert(sizeof(NodeHead) == 64);
static_assert(offsetof(NodeHead, hash) == 8);
static_assert(offsetof(NodeHead, posting_head) == 28);
static_assert(offsetof(NodeHead, chunk_head) == 44);
static_assert(offsetof(NodeHead, postings) == 48);
static_assert(kMaxSlots <= 255);

// Typed access to a node's bytes, on its page or as an image; Byte is uint8_t or
// const uint8_t.  On the page of a node that exceeds it, codes() and vector() are
// there only as far as the layout says.
template <class Byte>
class BasicNode {
  template <class T>
  using Like = std::conditional_t<std::is_const_v<Byte>, const T, T>;

 public:
  BasicNode(Byte* page, const NodeLayout& layout, uint32_t slot)
      : bytes_(page + layout.OffsetOf(slot)), layout_(&layout) {}
  // An image.
  BasicNode(Byte* bytes, const NodeLayout& layout) : bytes_(bytes), layout_(&layout) {}

  Like<NodeHead>& head() const { return *reinterpret_cast<Like<NodeHead>*>(bytes_); }
  Byte* vector() const { return bytes_ + layout_->vector_offset; }
  Byte* codes() const { return bytes_ + layout_->code_offset; }
  Byte* code(uint32_t slot) const { return codes() + size_t{slot} * layout_->code_bytes; }
  Like<uint32_t>* numbers() const { return At<uint32_t>(layout_->number_offset); }
  Like<uint16_t>* generations() const { return At<uint16_t>(layout_->generation_offset); }
  Like<uint16_t>* f() const { return At<uint16_t>(layout_->f_offset); }
  Like<uint16_t>* g() const { return At<uint16_t>(layout_->g_offset); }
  // kNone: lengths of the edges.
  Like<float>* lengths() const { return At<float>(layout_->f_offset); }
  Byte* bytes() const { return bytes_; }

  // Bytes of the vector.
  uint32_t vector_bytes() const {
    return layout_->form == QUIVER_FORM_SPARSE ? uint32_t{head().entries} * 8
                                               : layout_->vector_bytes;
  }
  bool vector_at_home() const {
    return layout_->vector_at_home && vector_bytes() <= layout_->vector_bytes;
  }
  bool has_chunks() const { return !vector_at_home() || layout_->codes_at_home < layout_->slots; }

  bool in_use() const { return (head().flags & kNodeInUse) != 0; }
  // Never more than the layout has, whatever the page says.
  uint32_t slot_count() const {
    return head().slot_count < layout_->slots ? head().slot_count : layout_->slots;
  }
  uint32_t posting_count() const {
    return head().posting_count < kInlinePostings ? head().posting_count : kInlinePostings;
  }
  uint16_t pointer_generation() const { return PointerGeneration(head().generation); }
  NodePointer neighbor(uint32_t slot) const {
    return {numbers()[slot], static_cast<uint16_t>(generations()[slot] & kGenerationMask)};
  }
  bool dominated(uint32_t slot) const { return (generations()[slot] & kDominatedBit) != 0; }
  NodePointer down() const { return {head().down_number, head().down_generation}; }
  bool has_rows() const {
    return head().posting_count > 0 || head().posting_head != QUIVER_INVALID_BLOCK;
  }

 private:
  template <class T>
  Like<T>* At(uint32_t offset) const {
    return reinterpret_cast<Like<T>*>(bytes_ + offset);
  }

  Byte* bytes_;
  const NodeLayout* layout_;
};

using Node = BasicNode<uint8_t>;
using ConstNode = BasicNode<const uint8_t>;

inline size_t NodePageBytes(const NodeLayout& layout) {
  return size_t{layout.nodes_per_page} * layout.node_bytes;
}

// True for a page of nodes of `kind` (kNode, kUpper) whose nodes all lie below
// pd_lower: what lies above is not logged.
inline bool IsNodePage(const uint8_t* page, const NodeLayout& layout, PageKind kind) {
  return IsPageOf(page, kind) &&
         PageAt<PageHeader>(page, 0)->lower == kPageHeaderBytes + NodePageBytes(layout);
}

// True where a living node lies: in use, not emptied, just this one, on `level`.
inline bool IsLiving(const uint8_t* page, const NodeLayout& layout, NodePointer at, int level) {
  const ConstNode node(page, layout, layout.SlotOf(at.number));
  return IsNodePage(page, layout, level == 0 ? PageKind::kNode : PageKind::kUpper) &&
         node.in_use() && (node.head().flags & kNodeEmptied) == 0 &&
         node.pointer_generation() == at.generation && node.head().level == level;
}

// For readers that must not lose rows: fails where the page is damaged, rather
// than of another kind.
inline void CheckReadable(const Store& store, const uint8_t* page, const NodeLayout& layout,
                          uint32_t block) {
  if (IsNewPage(page)) return;
  if (!IsSoundPage(page)) store.Corrupted(block, "the page header or its special space is damaged");
  const PageKind kind = Special(page)->kind;
  if ((kind == PageKind::kNode || kind == PageKind::kUpper) && !IsNodePage(page, layout, kind))
    store.Corrupted(block, "the end of the page's data is not that of its nodes");
}

}  // namespace quiver

#endif  // QUIVER_PAGE_NODE_H
