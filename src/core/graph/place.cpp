#include "graph/place.h"

#include "graph/chain.h"

namespace quiver {

namespace {

// The source's page, locked; nothing where there is no source.
class SourceLock {
 public:
  SourceLock(const GraphContext& context, const ListSource* source)
      : context_(context), source_(source) {}

  // False, and unlocked, where the row is no longer there.
  bool Acquire() {
    if (source_ == nullptr) return true;
    const uint8_t* page = context_.store.Lock(source_->block, &pin_);
    at_ = FindListEntry(page, context_.layout(), source_->tid, source_->hash);
    if (at_ >= 0) return true;
    context_.store.Release(&pin_);
    return false;
  }
  // Within a record.
  void Remove() {
    if (source_ == nullptr) return;
    RemoveListEntry(context_.store.Edit(&pin_), context_.layout(), static_cast<size_t>(at_));
  }
  void Release() {
    if (source_ != nullptr) context_.store.Release(&pin_);
  }
  // True where a row may go from the source to `block`.
  bool Allows(uint32_t block) const { return source_ == nullptr || block > source_->block; }

 private:
  const GraphContext& context_;
  const ListSource* source_;
  QuiverPin pin_ = {};
  int at_ = -1;
};

// A free slot of a node page of `kind`, or -1.
int FreeSlot(const uint8_t* page, const NodeLayout& layout, PageKind kind) {
  if (!IsNodePage(page, layout, kind)) return -1;
  for (uint32_t slot = 0; slot < layout.nodes_per_page; slot++)
    if (!ConstNode(page, layout, slot).in_use()) return static_cast<int>(slot);
  return -1;
}

void InitNodePage(uint8_t* page, const NodeLayout& layout, PageKind kind) {
  InitPage(page, kind, NodePageBytes(layout));
}

// Writes the node into a slot of an edited page; the pointer to it.
NodePointer WriteNode(const NodeLayout& layout, uint8_t* page, uint32_t block, uint32_t slot,
                      const NewNode& source) {
  const Node node(page, layout, slot);
  memset(node.bytes(), 0, layout.node_bytes);
  NodeHead& head = node.head();
  head.generation = ++Special(page)->generation;
  head.level = static_cast<uint8_t>(source.level);
  head.flags = kNodeInUse;
  head.hash = source.vector.hash;
  head.vector_scale = source.vector.scale;
  head.f_scale = 1;
  head.g_scale = 1;
  head.posting_head = QUIVER_INVALID_BLOCK;
  head.posting_tail = QUIVER_INVALID_BLOCK;
  head.down_number = source.down.number;
  head.down_generation = source.down.generation;
  if (source.level == 0) {
    head.posting_count = 1;
    head.postings[0] = source.posting;
  }
  memcpy(node.vector(), source.vector.bytes, layout.vector_bytes);
  for (uint32_t i = 0; i < source.edge_count; i++) {
    const NewEdge& edge = source.edges[i];
    WriteSlot(layout, node, i, edge.to.number, edge.to.generation, edge.code, edge.factors);
    head.slot_count = static_cast<uint8_t>(i + 1);
  }
  return {layout.NumberOf(block, slot), node.pointer_generation()};
}

// A block number whose nodes have numbers below kInvalidNode.
void CheckNumberable(const GraphContext& context, uint32_t block) {
  if (uint64_t{block} + 1 > kInvalidNode / context.layout().nodes_per_page)
    context.store.Fail(QUIVER_ERROR_LIMIT, block, -1, "the index has no more node numbers");
}

// Upper nodes share pages through a target noted in the meta page.
NodePointer PlaceUpper(const GraphContext& context, const NewNode& node) {
  const Store& store = context.store;
  const NodeLayout& layout = context.layout();
  for (;;) {
    store.Poll();
    const uint32_t target = ReadPartition(store).upper_target;
    QuiverPin pin;
    if (target < store.BlockCount()) {
      const uint8_t* page = store.Lock(target, &pin);
      const int slot = FreeSlot(page, layout, PageKind::kUpper);
      NodePointer where;
      if (slot >= 0) {
        store.Begin();
        where = WriteNode(layout, store.Edit(&pin), target, static_cast<uint32_t>(slot), node);
        store.Commit();
      }
      store.Release(&pin);
      if (where.valid()) return where;
    }
    QuiverPin meta;
    if (Meta(store.Lock(kMetaBlock, &meta))->partition.upper_target != target) {
      store.Release(&meta);
      continue;
    }
    store.Extend(&pin);
    CheckNumberable(context, pin.block);
    store.Begin();
    Meta(store.Edit(&meta))->partition.upper_target = pin.block;
    uint8_t* page = store.Edit(&pin, true);
    InitNodePage(page, layout, PageKind::kUpper);
    const NodePointer where = WriteNode(layout, page, pin.block, 0, node);
    store.Commit();
    store.Release(&pin);
    store.Release(&meta);
    return where;
  }
}

// Locks a bottom page with a free slot that the source allows; slot -1: none.
int LockTarget(const GraphContext& context, const SourceLock& source, QuiverPin* pin) {
  const Store& store = context.store;
  const uint32_t blocks = store.BlockCount();
  uint32_t target = store.Target();
  // Without a hint, the last page may still have room, as a heap would hope.
  if (target >= blocks) target = blocks - 1;
  if (target == kMetaBlock || !source.Allows(target)) return -1;
  const uint8_t* page = store.Lock(target, pin);
  const int slot = FreeSlot(page, context.layout(), PageKind::kNode);
  if (slot < 0) store.Release(pin);
  return slot;
}

}  // namespace

Placed PlaceFirstNode(const GraphContext& context, const NewNode& node, const ListSource* source) {
  const Store& store = context.store;
  QuiverPin meta;
  QuiverPin pin;
  if (Meta(store.Lock(kMetaBlock, &meta))->partition.entry_number != kInvalidNode) {
    store.Release(&meta);
    return Placed::kRetry;
  }
  SourceLock from(context, source);
  if (!from.Acquire()) {
    store.Release(&meta);
    return Placed::kGone;
  }
  store.Extend(&pin);
  CheckNumberable(context, pin.block);
  store.Begin();
  Partition& partition = Meta(store.Edit(&meta))->partition;
  from.Remove();
  uint8_t* page = store.Edit(&pin, true);
  InitNodePage(page, context.layout(), PageKind::kNode);
  const NodePointer where = WriteNode(context.layout(), page, pin.block, 0, node);
  partition.entry_number = where.number;
  partition.entry_generation = where.generation;
  partition.entry_level = 0;
  store.Commit();
  store.SetTarget(pin.block);
  store.Release(&pin);
  from.Release();
  store.Release(&meta);
  return Placed::kYes;
}

Placed PlaceNode(const GraphContext& context, const NewNode& node, const ListSource* source,
                 NodePointer* where) {
  if (node.level > 0) {
    *where = PlaceUpper(context, node);
    return Placed::kYes;
  }
  const Store& store = context.store;
  SourceLock from(context, source);
  if (!from.Acquire()) return Placed::kGone;
  QuiverPin pin;
  const int slot = LockTarget(context, from, &pin);
  const bool fresh = slot < 0;
  if (fresh) {
    store.Extend(&pin);
    CheckNumberable(context, pin.block);
  }
  store.Begin();
  from.Remove();
  uint8_t* page = store.Edit(&pin, fresh);
  if (fresh) InitNodePage(page, context.layout(), PageKind::kNode);
  *where = WriteNode(context.layout(), page, pin.block, fresh ? 0 : static_cast<uint32_t>(slot),
                     node);
  store.Commit();
  store.SetTarget(pin.block);
  store.Release(&pin);
  from.Release();
  return Placed::kYes;
}

Placed PlacePosting(const GraphContext& context, NodePointer where, const StoredVector& vector,
                    PostingEntry posting, const ListSource* source) {
  const Store& store = context.store;
  const NodeLayout& layout = context.layout();
  const uint32_t block = layout.BlockOf(where.number);
  const uint32_t slot = layout.SlotOf(where.number);
  SourceLock from(context, source);
  if (!from.Acquire()) return Placed::kGone;

  // Nodes lie above the list, which keeps locks in the order of the blocks.
  if (!from.Allows(block)) store.Corrupted(block, "a node lies below the list");
  QuiverPin pin;
  const uint8_t* page = store.Lock(block, &pin);
  const ConstNode node(page, layout, slot);
  if (!IsNodePage(page, layout, PageKind::kNode) || !node.in_use() ||
      node.pointer_generation() != where.generation || node.head().hash != vector.hash ||
      node.head().vector_scale != vector.scale ||
      memcmp(node.vector(), vector.bytes, layout.vector_bytes) != 0) {
    store.Release(&pin);
    from.Release();
    return Placed::kRetry;
  }
  const uint32_t tail_block = node.head().posting_tail;
  const bool has_tail = node.head().posting_head != QUIVER_INVALID_BLOCK;
  if (!has_tail && node.posting_count() < kInlinePostings && from.Allows(block)) {
    store.Begin();
    from.Remove();
    NodeHead& head = Node(store.Edit(&pin), layout, slot).head();
    head.postings[head.posting_count++] = posting;
    head.flags &= static_cast<uint8_t>(~kNodeEmptied);
    store.Commit();
    store.Release(&pin);
    from.Release();
    return Placed::kYes;
  }

  // Further rows lie on pages of their own, always above the node's: the lock
  // order is that of the blocks.
  QuiverPin tail = {};
  QuiverPin fresh;
  bool room = false;
  if (has_tail) {
    if (tail_block <= block || tail_block >= store.BlockCount())
      store.Corrupted(block, "a node's chain of rows leaves the file", tail_block);
    const uint8_t* tail_page = store.Lock(tail_block, &tail);
    if (!IsPageOf(tail_page, PageKind::kPosting))
      store.Corrupted(tail_block, "it is not a page of a node's rows");
    room = PostingCount(tail_page) < kPostingsPerPage && from.Allows(tail_block);
  }
  if (!room) store.Extend(&fresh);
  store.Begin();
  from.Remove();
  if (room) {
    AppendPosting(store.Edit(&tail), posting);
    // The node's page is left out of the record where it stays as it is.
    if ((node.head().flags & kNodeEmptied) != 0)
      Node(store.Edit(&pin), layout, slot).head().flags &= static_cast<uint8_t>(~kNodeEmptied);
  } else {
    NodeHead& head = Node(store.Edit(&pin), layout, slot).head();
    head.flags &= static_cast<uint8_t>(~kNodeEmptied);
    uint8_t* fresh_page = store.Edit(&fresh, true);
    InitPage(fresh_page, PageKind::kPosting, 0);
    AppendPosting(fresh_page, posting);
    head.posting_tail = fresh.block;
    if (has_tail)
      Special(store.Edit(&tail))->next = fresh.block;
    else
      head.posting_head = fresh.block;
  }
  store.Commit();
  if (!room) store.Release(&fresh);
  if (has_tail) store.Release(&tail);
  store.Release(&pin);
  from.Release();
  return Placed::kYes;
}

void RaiseEntry(const Store& store, NodePointer node, int level) {
  QuiverPin meta;
  const Partition partition = Meta(store.Lock(kMetaBlock, &meta))->partition;
  if (partition.entry_number == kInvalidNode || partition.entry_level < level) {
    store.Begin();
    Partition& edited = Meta(store.Edit(&meta))->partition;
    edited.entry_number = node.number;
    edited.entry_generation = node.generation;
    edited.entry_level = static_cast<uint8_t>(level);
    store.Commit();
  }
  store.Release(&meta);
}

}  // namespace quiver
