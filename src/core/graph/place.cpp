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

void InitNodePage(uint8_t* page, const NodeLayout& layout, PageKind kind) {
  InitPage(page, kind, NodePageBytes(layout));
}

// A block number whose nodes have numbers below kInvalidNode.
void CheckNumberable(const GraphContext& context, uint32_t block) {
  if (uint64_t{block} + 1 > kInvalidNode / context.layout().nodes_per_page)
    context.store.Fail(QUIVER_ERROR_LIMIT, block, -1, "the index has no more node numbers");
}

// The generation that the next node on a page will have.
uint32_t NextGeneration(const uint8_t* page) {
  return Special(page)->magic == kPageMagic ? Special(page)->generation + 1 : 1;
}

}  // namespace

Placer::Placer(const GraphContext& context)
    : context_(&context), reader_(context), image_(context.allocator), chunks_(context.allocator) {}

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
  chunks_.Resize(PartCount(ConstNode(image_.begin(), layout), layout));
}

// The chunk pages that the former node of a free place left to the next one, as
// many as that needs, into chunks_; *rest: those after them.
uint32_t Placer::FormerChunks(uint32_t number, uint32_t block, uint32_t* rest) {
  const Store& store = context_->store;
  uint32_t count = 0;
  const uint32_t below = context_->layout().BlockOf(number);
  while (count < chunks_.size() && block > below && block < store.BlockCount()) {
    if (std::find(chunks_.begin(), chunks_.begin() + count, block) != chunks_.begin() + count)
      break;
    QuiverPin pin;
    const uint8_t* page = store.Read(block, &pin);
    const bool of_node = IsPageOf(page, PageKind::kChunk) && Chunk(page)->number == number;
    const uint32_t next = Special(page)->next;
    store.Release(&pin);
    if (!of_node) break;
    chunks_[count++] = block;
    block = next;
  }
  // A chain that is damaged further on ends here: its pages are lost, no row is.
  *rest = count == chunks_.size() ? block : QUIVER_INVALID_BLOCK;
  return count;
}

// Writes what of the image does not fit the node's page, each chunk a record, the
// last part first, so that each names the next: over the pages of the place's
// former node, then to others.  The node's page is locked, so that number and
// generation are surely the node's; nobody sees them before its own record.  A
// crash in between leaves chunks that no node names, or that a free place keeps.
void Placer::WriteChunks(const uint8_t* page, uint32_t block, uint32_t slot) {
  const NodeLayout& layout = context_->layout();
  const Store& store = context_->store;
  const Node node(image_.begin(), layout);
  const ConstNode image(image_.begin(), layout);
  const uint32_t number = layout.NumberOf(block, slot);
  const uint32_t generation = NextGeneration(page);
  uint32_t next = QUIVER_INVALID_BLOCK;
  uint32_t former = 0;
  // A neighbour that vacuum has freed meanwhile may have been in this very place.
  for (uint32_t i = node.slot_count(); i-- > 0;) {
    if (node.numbers()[i] != number) continue;
    const uint32_t last = node.slot_count() - 1;
    MoveSlot(layout, node, last, i);
    memmove(node.code(i), node.code(last), layout.code_bytes);
    node.head().slot_count = static_cast<uint8_t>(last);
  }
  const uint32_t former_head =
      KeepsChunks(layout) && (IsPageOf(page, PageKind::kNode) || IsPageOf(page, PageKind::kUpper))
          ? ConstNode(page, layout, slot).head().chunk_head
          : QUIVER_INVALID_BLOCK;
  if (!chunks_.empty()) former = FormerChunks(number, former_head, &next);
  for (uint32_t i = PartCount(image, layout); i-- > 0;) {
    const NodePart part = PartAt(image, layout, i);
    const ChunkHead head = {number, generation, static_cast<uint16_t>(i), 0, 0};
    QuiverPin pin;
    const uint8_t* there = i < former ? store.Lock(chunks_[i], &pin) : store.Extend(block, &pin);
    // An insert that failed after this chunk may have written it already.
    const bool written = IsPageOf(there, PageKind::kChunk) && Special(there)->next == next &&
                         memcmp(Chunk(there), &head, sizeof head) == 0 &&
                         ChunkDataBytes(there) == part.bytes &&
                         memcmp(ChunkData(there), image_.begin() + part.offset, part.bytes) == 0;
    if (!written) {
      store.Begin();
      uint8_t* chunk = store.Edit(&pin, true);
      InitPage(chunk, PageKind::kChunk, sizeof(ChunkHead) + part.bytes);
      *Chunk(chunk) = head;
      memcpy(ChunkData(chunk), image_.begin() + part.offset, part.bytes);
      Special(chunk)->next = next;
      store.Commit();
    }
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

// The next upper node goes to the first page of the chain of those with room.
NodePointer Placer::PlaceUpper() {
  const GraphContext& context = *context_;
  const Store& store = context.store;
  const NodeLayout& layout = context.layout();
  for (;;) {
    store.Poll();
    const uint32_t first = ReadPartition(store).upper_room;
    QuiverPin pin;
    if (first < store.BlockCount()) {
      const uint8_t* page = store.Lock(first, &pin);
      const int slot = FreeSlot(page, layout, PageKind::kUpper);
      NodePointer where;
      if (slot >= 0) {
        const auto place = static_cast<uint32_t>(slot);
        WriteChunks(page, first, place);
        store.Begin();
        where = WriteNode(store.Edit(&pin), first, place);
        store.Commit();
      }
      store.Release(&pin);
      if (where.valid()) return where;
    }
    if (first != QUIVER_INVALID_BLOCK &&
        TakeOffRoom(context, PageKind::kUpper, first) != QUIVER_INVALID_BLOCK)
      continue;
    QuiverPin meta;
    const Partition partition = Meta(store.Lock(kMetaBlock, &meta))->partition;
    if (partition.upper_room != QUIVER_INVALID_BLOCK) {
      store.Release(&meta);
      continue;
    }
    const uint8_t* found = store.Extend(ReuseAbove(partition), &pin);
    CheckNumberable(context, pin.block);
    WriteChunks(found, pin.block, 0);
    store.Begin();
    Meta(store.Edit(&meta))->partition.upper_room = pin.block;
    uint8_t* page = store.Edit(&pin, true);
    InitNodePage(page, layout, PageKind::kUpper);
    Special(page)->flags = kInRoomChain;
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
  const Partition before = Meta(store.Lock(kMetaBlock, &meta))->partition;
  if (before.entry_number != kInvalidNode) {
    store.Release(&meta);
    return Placed::kRetry;
  }
  SourceLock from(context, source);
  if (!from.Acquire()) {
    store.Release(&meta);
    return Placed::kGone;
  }
  const uint8_t* found = store.Extend(ReuseAbove(before), &pin);
  CheckNumberable(context, pin.block);
  WriteChunks(found, pin.block, 0);
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

bool Placer::HasRoom(uint32_t block) {
  const Store& store = context_->store;
  if (block == kMetaBlock || block >= store.BlockCount()) return false;
  QuiverPin pin;
  const bool room = FreeSlot(store.Read(block, &pin), context_->layout(), PageKind::kNode) >= 0;
  store.Release(&pin);
  return room;
}

// A bottom page that had a free place: where this session put its last node, the
// first of the chain, or the file's last page, as a heap would hope.
uint32_t Placer::FindRoom() {
  if (HasRoom(context_->store.Target())) return context_->store.Target();
  uint32_t first = partition_.node_room;
  while (first != QUIVER_INVALID_BLOCK) {
    if (HasRoom(first)) return first;
    context_->store.Poll();
    first = TakeOffRoom(*context_, PageKind::kNode, first);
  }
  return context_->store.BlockCount() - 1;
}

Placed Placer::PlaceNode(const NewNode& node, const ListSource* source, NodePointer* where) {
  const GraphContext& context = *context_;
  const NodeLayout& layout = context.layout();
  PrepareImage(node);
  if (node.level > 0) {
    *where = PlaceUpper();
    return Placed::kYes;
  }
  const Store& store = context.store;
  const uint32_t target = FindRoom();
  SourceLock from(context, source);
  if (!from.Acquire()) return Placed::kGone;
  QuiverPin pin;
  const uint8_t* found = nullptr;
  int place = -1;
  if (target != kMetaBlock && from.Allows(target)) {
    found = store.Lock(target, &pin);
    place = FreeSlot(found, layout, PageKind::kNode);
    if (place < 0) store.Release(&pin);
  }
  const bool fresh = place < 0;
  const uint32_t slot = fresh ? 0 : static_cast<uint32_t>(place);
  if (fresh) {
    found = store.Extend(ReuseAbove(partition_), &pin);
    CheckNumberable(context, pin.block);
  }
  WriteChunks(found, pin.block, slot);
  store.Begin();
  from.Remove();
  uint8_t* page = store.Edit(&pin, fresh);
  if (fresh) InitNodePage(page, layout, PageKind::kNode);
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
      (node.head().flags & kNodeEmptied) != 0 || node.pointer_generation() != where.generation ||
      node.head().hash != vector.hash || node.head().entries != vector.entries ||
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
    if (!IsPostingPageOf(tail_page, where.number, node.head().generation))
      store.Corrupted(tail_block, "it is not a page of a node's rows");
    room = PostingCount(tail_page) < kPostingsPerPage && from.Allows(tail_block);
  }
  if (!room) {
    const uint32_t above = has_tail ? tail_block : block;
    store.Extend(ReuseAbove(partition_) == QUIVER_INVALID_BLOCK ? QUIVER_INVALID_BLOCK : above,
                 &fresh);
  }
  store.Begin();
  from.Remove();
  if (room) {
    AppendPosting(store.Edit(&tail), posting);
  } else {
    NodeHead& head = Node(store.Edit(&pin), layout, slot).head();
    uint8_t* fresh_page = store.Edit(&fresh, true);
    InitPostingPage(fresh_page, PageKind::kPosting, where.number, head.generation);
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

// A repair that frees `bottom` after this looks at its uppermost node before: that is
// there already.
void RaiseEntry(const GraphContext& context, NodePointer node, int level, NodePointer bottom) {
  const Store& store = context.store;
  const NodeLayout& layout = context.layout();
  QuiverPin meta;
  QuiverPin pin;
  const Partition partition = Meta(store.Lock(kMetaBlock, &meta))->partition;
  bool raise = partition.entry_number == kInvalidNode || partition.entry_level < level;
  if (raise) {
    raise = IsLiving(store.Read(layout.BlockOf(bottom.number), &pin), layout, bottom, 0);
    store.Release(&pin);
  }
  if (raise) {
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
