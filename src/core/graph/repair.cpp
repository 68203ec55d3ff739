#include "graph/repair.h"

#include <algorithm>
#include <new>

#include "graph/mend.h"
#include "graph/place.h"
#include "graph/room.h"
#include "graph/vacuum.h"

namespace quiver {

namespace {

class Repair {
 public:
  Repair(const GraphContext& context, int ef_construction, void (*delay)(),
         QuiverVacuumStats* stats)
      : context_(&context),
        delay_(delay),
        stats_(stats),
        census_(context),
        mender_(context, census_, ef_construction, stats),
        chain_(context.allocator) {}

  void Run() {
    const Store& store = context_->store;
    census_.Take([this] { Pause(); });
    ReplaceEntry();
    // Nodes on pages that are newer point to emptied ones only where they found no
    // others, or had chosen them before: a route the fewer, when these are freed.
    const uint32_t blocks = store.BlockCount();
    for (uint32_t block = kMetaBlock + 1; block < blocks; block++) {
      Pause();
      mender_.MendPage(block);
    }
    FreeNodes(PageKind::kUpper, blocks);
    FreeNodes(PageKind::kNode, blocks);
    if (layout().form == QUIVER_FORM_SPARSE || !layout().vector_at_home) FreeChunks(blocks);
    SetRepairPending(store, false);
  }

 private:
  void Pause() {
    context_->store.Poll();
    if (delay_ != nullptr) delay_();
  }

  const NodeLayout& layout() const { return context_->layout(); }

  // What a page's places are: free, or to be freed.
  struct Places {
    uint32_t free = 0;
    uint32_t dead = 0;
    bool chunks = false;  // one of them keeps the chunk pages of its node
  };

  Places CountPlaces(const uint8_t* page, uint32_t block) const {
    const NodeLayout& layout = context_->layout();
    Places places;
    for (uint32_t slot = 0; slot < layout.nodes_per_page; slot++) {
      const ConstNode node(page, layout, slot);
      const uint32_t chunk = node.head().chunk_head;
      places.chunks |= KeepsChunks(layout) && chunk != kMetaBlock && chunk != QUIVER_INVALID_BLOCK;
      if (!node.in_use())
        places.free++;
      else if (IsDead(node, layout.NumberOf(block, slot)))
        places.dead++;
    }
    return places;
  }

  // Emptied, and so when the census was taken: lists were mended since.
  bool IsDead(const ConstNode& node, uint32_t number) const {
    return node.in_use() && (node.head().flags & kNodeEmptied) != 0 && !node.has_rows() &&
           census_.Missing(number);
  }

  // Searches enter at a living node, of the highest layer that has one.
  void ReplaceEntry() {
    const Store& store = context_->store;
    const NodeLayout& layout = context_->layout();
    const Partition before = ReadPartition(store);
    const NodePointer entry = before.entry();
    if (!entry.valid() && !census_.highest().valid()) return;
    if (entry.valid()) {
      const uint32_t block = layout.BlockOf(entry.number);
      if (block != kMetaBlock && block < store.BlockCount()) {
        QuiverPin pin;
        const bool living = IsLiving(store.Read(block, &pin), layout, entry, before.entry_level);
        store.Release(&pin);
        if (living) return;
      }
    }
    QuiverPin meta;
    const Partition now = Meta(store.Lock(kMetaBlock, &meta))->partition;
    if (now.entry_number == before.entry_number &&
        now.entry_generation == before.entry_generation) {
      store.Begin();
      Partition& partition = Meta(store.Edit(&meta))->partition;
      partition.entry_number = census_.highest().number;
      partition.entry_generation = census_.highest().generation;
      partition.entry_level = static_cast<uint8_t>(census_.highest_level());
      store.Commit();
    }
    store.Release(&meta);
    if (!census_.highest().valid()) EnterByNewcomer();
  }

  // All nodes were dead.  One that came since has looked for an entry point either
  // before it was taken away, then it is found here, or afterwards, then it has
  // become one.
  void EnterByNewcomer() {
    const Store& store = context_->store;
    for (uint32_t block = kMetaBlock + 1; block < store.BlockCount(); block++) {
      Pause();
      QuiverPin pin;
      const uint8_t* page = store.Read(block, &pin);
      NodePointer newcomer;
      if (IsNodePage(page, layout(), PageKind::kNode)) {
        for (uint32_t slot = 0; slot < layout().nodes_per_page; slot++) {
          const ConstNode node(page, layout(), slot);
          if (node.in_use() && (node.head().flags & kNodeEmptied) == 0)
            newcomer = {layout().NumberOf(block, slot), node.pointer_generation()};
        }
      }
      store.Release(&pin);
      if (!newcomer.valid()) continue;
      RaiseEntry(*context_, newcomer, 0, newcomer);
      return;
    }
  }

  void FreeNodes(PageKind kind, uint32_t blocks) {
    for (uint32_t block = kMetaBlock + 1; block < blocks; block++) {
      if (!census_.HasRoom(block)) continue;
      do Pause();
      while (!FreePlaces(kind, block));
    }
  }

  // Frees the places of dead nodes on a page.  A page with nothing else becomes free
  // for all uses; one with free places joins the chain of such pages.
  // False where the page has changed in between: look again.
  bool FreePlaces(PageKind kind, uint32_t block) {
    const NodeLayout& layout = context_->layout();
    const Store& store = context_->store;
    QuiverPin pin;
    const uint8_t* page = store.Read(block, &pin);
    const bool of_kind = IsNodePage(page, layout, kind);
    const Places seen = of_kind ? CountPlaces(page, block) : Places();
    const bool chained = of_kind && (Special(page)->flags & kInRoomChain) != 0;
    store.Release(&pin);
    if (seen.dead == 0 && (seen.free == 0 || chained)) return true;

    // The meta page's lock comes first, where it may be needed.
    const bool whole = !chained && MayGoWhole(seen);
    const bool join = !chained && !whole;
    QuiverPin meta;
    Partition partition = {};
    if (join) partition = Meta(store.Lock(kMetaBlock, &meta))->partition;
    page = store.Lock(block, &pin);
    bool freed = false;
    bool done = false;
    if (IsNodePage(page, layout, kind) && ((Special(page)->flags & kInRoomChain) != 0) == chained) {
      const Places places = CountPlaces(page, block);
      if (whole && MayGoWhole(places)) {
        store.Begin();
        InitPage(store.Edit(&pin), PageKind::kFree, 0);
        store.Commit();
        stats_->freed_nodes += places.dead;
        stats_->freed_pages++;
        freed = true;
        done = true;
      } else if (!whole && (places.dead > 0 || (join && places.free > 0))) {
        store.Begin();
        uint8_t* image = store.Edit(&pin);
        ClearDead(image, block);
        if (join) {
          // A damaged meta page may name the page already.
          uint32_t& first = RoomOf(&partition, kind);
          Special(image)->flags |= kInRoomChain;
          Special(image)->next = first == block ? QUIVER_INVALID_BLOCK : first;
          if (first != block) {
            first = block;
            Meta(store.Edit(&meta))->partition = partition;
          }
        }
        store.Commit();
        stats_->freed_nodes += places.dead;
        done = true;
      }
    }
    store.Release(&pin);
    if (join) store.Release(&meta);
    if (freed) store.NoteFree(block);
    return done;
  }

  // Chunk pages that are in no place's chain: those of freed nodes, and what a crash
  // between a node's chunks and itself has left.
  void FreeChunks(uint32_t blocks) {
    const Store& store = context_->store;
    uint32_t followed = kInvalidNode;
    for (uint32_t block = kMetaBlock + 1; block < blocks; block++) {
      if (!census_.IsChunk(block)) continue;
      Pause();
      QuiverPin pin;
      const uint8_t* page = store.Read(block, &pin);
      const bool chunk = IsPageOf(page, PageKind::kChunk);
      const ChunkHead head = *Chunk(page);
      store.Release(&pin);
      // Nobody takes pages out of a chain while this goes on.
      if (!chunk || (head.number == followed && InChain(block))) continue;
      // Who writes a node's chunks has its page locked until the node is there.
      const uint32_t node_block = layout().BlockOf(head.number);
      QuiverPin node_pin;
      const bool below = node_block != kMetaBlock && node_block < block;
      chain_.Clear();
      if (below) FollowChain(store.Read(node_block, &node_pin), head.number);
      followed = head.number;
      const bool kept = InChain(block);
      if (!kept) FreeChunk(block, head);
      if (below) store.Release(&node_pin);
      if (!kept) store.NoteFree(block);
    }
  }

  // The chunk pages of a node, or those that a free place keeps for its next one, into
  // chain_.  A page that merely names them may be another's: a crash leaves chunks of a
  // number and a generation that the place's next node has too.  A chain ends where it
  // is damaged.  REQUIRES: `page`, that of `number`, is locked.
  void FollowChain(const uint8_t* page, uint32_t number) {
    const Store& store = context_->store;
    const NodeLayout& layout = context_->layout();
    if (!IsNodePage(page, layout, PageKind::kNode) && !IsNodePage(page, layout, PageKind::kUpper))
      return;
    const ConstNode node(page, layout, layout.SlotOf(number));
    if (!node.in_use() && !KeepsChunks(layout)) return;
    const uint32_t parts = PartCount(node, layout);
    uint32_t block = node.head().chunk_head;
    while (chain_.size() < parts && block > layout.BlockOf(number) && block < store.BlockCount()) {
      QuiverPin pin;
      const uint8_t* chunk = store.Read(block, &pin);
      const bool of_node = IsPageOf(chunk, PageKind::kChunk) && Chunk(chunk)->number == number;
      const uint32_t next = Special(chunk)->next;
      store.Release(&pin);
      if (!of_node) return;
      chain_.PushBack(block);
      block = next;
    }
  }

  bool InChain(uint32_t block) const {
    return std::find(chain_.begin(), chain_.end(), block) != chain_.end();
  }

  void FreeChunk(uint32_t block, const ChunkHead& head) {
    const Store& store = context_->store;
    QuiverPin pin;
    const uint8_t* page = store.Lock(block, &pin);
    if (IsPageOf(page, PageKind::kChunk) && memcmp(Chunk(page), &head, sizeof head) == 0) {
      store.Begin();
      InitPage(store.Edit(&pin), PageKind::kFree, 0);
      store.Commit();
      stats_->freed_pages++;
    }
    store.Release(&pin);
  }

  bool MayGoWhole(const Places& places) const {
    return !places.chunks && places.free + places.dead == context_->layout().nodes_per_page;
  }

  void ClearDead(uint8_t* image, uint32_t block) const {
    const NodeLayout& layout = context_->layout();
    for (uint32_t slot = 0; slot < layout.nodes_per_page; slot++) {
      if (!IsDead(ConstNode(image, layout, slot), layout.NumberOf(block, slot))) continue;
      NodeHead& head = Node(image, layout, slot).head();
      const uint32_t chunk_head = head.chunk_head;
      head = {};
      if (KeepsChunks(layout)) head.chunk_head = chunk_head;
    }
  }

  const GraphContext* context_;
  void (*delay_)();
  QuiverVacuumStats* stats_;
  Census census_;
  Mender mender_;
  ArenaVector<uint32_t> chain_;  // chunk pages of one place
};

}  // namespace

void RepairGraph(const Store& store, const QuiverIndex& index, int ef_construction, void (*delay)(),
                 QuiverVacuumStats* stats) {
  CheckWritable(store, index);
  QuiverPin pin;
  const bool pending = Meta(store.Read(kMetaBlock, &pin))->repair_pending != 0;
  store.Release(&pin);
  if (!pending) return;
  Allocator allocator = store.MakeAllocator();
  const GraphContext context = {store, &index, quiver_kernels(), &allocator, false};
  static_assert(std::is_trivially_destructible_v<Repair>);
  auto* repair = new (AllocateArray<uint8_t>(&allocator, sizeof(Repair)))
      Repair(context, ef_construction, delay, stats);
  repair->Run();
}

}  // namespace quiver
