#include "graph/place.h"

#include <algorithm>

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

// A block number whose nodes have numbers below kInvalidNode.
void CheckNumberable(const GraphContext& context, uint32_t block) {
  if (uint64_t{block} + 1 > kInvalidNode / context.layout().nodes_per_page)
    context.store.Fail(QUIVER_ERROR_LIMIT, block, -1, "the index has no more node numbers");
}

// Locks a bottom page with a free slot that the source allows; slot -1: none.
int LockTarget(const GraphContext& context, const SourceLock& source, QuiverPin* pin,
               const uint8_t** locked) {
  const Store& store = context.store;
  const uint32_t blocks = store.BlockCount();
  uint32_t target = store.Target();
  // Without a hint, the last page may still have room, as a heap would hope.
  if (target >= blocks) target = blocks - 1;
  if (target == kMetaBlock || !source.Allows(target)) return -1;
  const uint8_t* page = store.Lock(target, pin);
  const int slot = FreeSlot(page, context.layout(), PageKind::kNode);
  if (slot < 0) store.Release(pin);
  *locked = page;
  return slot;
}

// The generation that the next node on a page will have.
uint32_t NextGeneration(const uint8_t* page) {
  return Special(page)->magic == kPageMagic ? Special(page)->generation + 1 : 1;
}

}  // namespace

Placer::Placer(const GraphContext& context)
    : context_(&context), reader_(context), image_(context.allocator) {}

// Makes the image of the node, all but its generation and chain.  No lock is held
// exclusively yet: this may allocate.
void Placer::PrepareImage(const NewNode& source) {
  const NodeLayout& layout = context_->layout();
  const QuiverIndex& index = *context_->index;
  const size_t bytes =
      std::max<size_t>(layout.ImageBytes(static_cast<uint32_t>(StoredBytes(index, source.vector))),
                       layout.node_bytes);
  if (image_.size() < bytes) image_.Resize(bytes);
  memset(image_.begin(), 0, bytes);
  const Node node(image_.begin(), layout);
  NodeHead& head = node.head();
  head.level = static_cast<uint8_t>(source.level);
  head.flags = kNodeInUse;
  head.hash = source.vector.hash;
  head.vector_scale = source.vector.scale;
  head.entries = source.vector.entries;
  head.f_scale = 1;
  head.g_scale = 1;
  head.posting_head = QUIVER_INVALID_BLOCK;
  head.posting_tail = QUIVER_INVALID_BLOCK;
  head.chunk_head = QUIVER_INVALID_BLOCK;
  head.down_number = source.down.number;
  head.down_generation = source.down.generation;
  if (source.level == 0) {
    head.posting_count = 1;
    head.postings[0] = source.posting;
  }
  memcpy(node.vector(), source.vector.bytes, StoredBytes(index, source.vector));
  for (uint32_t i = 0; i < source.edge_count; i++) {
    WriteSlot(layout, node, i, source.edges[i].slot_entry());
    memcpy(node.code(i), source.edges[i].code, layout.code_bytes);
    head.slot_count = static_cast<uint8_t>(i + 1);
  }
}

// Writes what of the image does not fit the node's page, each chunk a record, the
// last part first, so that each names the next.  The node's page is locked, so
// that number and generation are surely the node's; nobody sees them before its
// own record.  A crash in between leaves chunks that no node names.
void Placer::WriteChunks(uint32_t number, uint32_t generation) {
  const NodeLayout& layout = context_->layout();
  const Store& store = context_->store;
  const Node node(image_.begin(), layout);
  const ConstNode image(image_.begin(), layout);
  uint32_t next = QUIVER_INVALID_BLOCK;
  for (uint32_t i = PartCount(image, layout); i-- > 0;) {
    const NodePart part = PartAt(image, layout, i);
    QuiverPin pin;
    store.Extend(&pin);
    store.Begin();
    uint8_t* page = store.Edit(&pin, true);
    InitPage(page, PageKind::kChunk, sizeof(ChunkHead) + part.bytes);
    *Chunk(page) = {number, generation, static_cast<uint16_t>(i), 0, 0};
    memcpy(ChunkData(page), image_.begin() + part.offset, part.bytes);
    Special(page)->next = next;
    store.Commit();
    next = pin.block;
    store.Release(&pin);
  }
  node.head().generation = generation;
  node.head().chunk_head = next;
}

// Writes the image's part at home into a slot of an edited page; the pointer to it.
NodePointer Placer::WriteNode(uint8_t* page, uint32_t block, uint32_t slot) {
  const NodeLayout& layout = context_->layout();
  const Node node(page, layout, slot);
  const ConstNode image(image_.begin(), layout);
  Special(page)->generation = image.head().generation;
  memset(node.bytes(), 0, layout.node_bytes);
  const size_t home = image.vector_at_home()
                          ? layout.ImageBytes(image.vector_bytes())
                          : layout.code_offset + size_t{layout.codes_at_home} * layout.code_bytes;
  memcpy(node.bytes(), image_.begin(), home);
  return {layout.NumberOf(block, slot), node.pointer_generation()};
}

// Upper nodes share pages through a target noted in the meta page.
NodePointer Placer::PlaceUpper() {
  const GraphContext& context = *context_;
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
        const auto place = static_cast<uint32_t>(slot);
        WriteChunks(layout.NumberOf(target, place), NextGeneration(page));
        store.Begin();
        where = WriteNode(store.Edit(&pin), target, place);
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
    WriteChunks(layout.NumberOf(pin.block, 0), 1);
    store.Begin();
    Meta(store.Edit(&meta))->partition.upper_target = pin.block;
    uint8_t* page = store.Edit(&pin, true);
    InitNodePage(page, layout, PageKind::kUpper);
    const NodePointer where = WriteNode(page, pin.block, 0);
    store.Commit();
    store.Release(&pin);
    store.Release(&meta);
    return where;
  }
}

Placed Placer::PlaceFirstNode(const NewNode& node, const ListSource* source) {
  const GraphContext& context = *context_;
  const Store& store = context.store;
  QuiverPin meta;
  QuiverPin pin;
  PrepareImage(node);
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
  WriteChunks(context.layout().NumberOf(pin.block, 0), 1);
  store.Begin();
  Partition& partition = Meta(store.Edit(&meta))->partition;
  from.Remove();
  uint8_t* page = store.Edit(&pin, true);
  InitNodePage(page, context.layout(), PageKind::kNode);
  const NodePointer where = WriteNode(page, pin.block, 0);
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

Placed Placer::PlaceNode(const NewNode& node, const ListSource* source, NodePointer* where) {
  const GraphContext& context = *context_;
  PrepareImage(node);
  if (node.level > 0) {
    *where = PlaceUpper();
    return Placed::kYes;
  }
  const Store& store = context.store;
  SourceLock from(context, source);
  if (!from.Acquire()) return Placed::kGone;
  QuiverPin pin;
  const uint8_t* target = nullptr;
  const int free_slot = LockTarget(context, from, &pin, &target);
  const bool fresh = free_slot < 0;
  const uint32_t slot = fresh ? 0 : static_cast<uint32_t>(free_slot);
  if (fresh) {
    store.Extend(&pin);
    CheckNumberable(context, pin.block);
  }
  WriteChunks(context.layout().NumberOf(pin.block, slot), fresh ? 1 : NextGeneration(target));
  store.Begin();
  from.Remove();
  uint8_t* page = store.Edit(&pin, fresh);
  if (fresh) InitNodePage(page, context.layout(), PageKind::kNode);
  *where = WriteNode(page, pin.block, slot);
  store.Commit();
  store.SetTarget(pin.block);
  store.Release(&pin);
  from.Release();
  return Placed::kYes;
}

Placed Placer::PlacePosting(NodePointer where, const StoredVector& vector, PostingEntry posting,
                            const ListSource* source) {
  const GraphContext& context = *context_;
  const Store& store = context.store;
  uint64_t pages = 0;
  reader_.Reserve(StoredBytes(*context.index, vector));
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
      node.head().entries != vector.entries ||
      !SameVector(*context.index,
                  VectorOf(reader_.Read(node, where.number, NodeReader::kVector, &pages)),
                  vector)) {
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
