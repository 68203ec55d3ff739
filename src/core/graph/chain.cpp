#include "graph/chain.h"

namespace quiver {

namespace {

// What differs between the two chains.
class ListChain {
 public:
  ListChain(const QuiverIndex& index, const StoredVector& vector, PostingEntry posting)
      : index_(index), vector_(vector), posting_(posting) {}

  static constexpr PageKind kKind = PageKind::kList;
  static uint32_t& Head(Partition& p) { return p.list_head; }
  static uint32_t& Tail(Partition& p) { return p.list_tail; }
  bool TakesRows(const Partition& p) const { return p.state == PartitionState::kList; }
  bool MayGrow(const Partition& p) const { return p.list_pages < index_.list_limit; }
  static void Grown(Partition& p) { p.list_pages++; }
  static void Close(Partition& p) { p.state = PartitionState::kDraining; }
  // List pages lie below all nodes: always a new page.
  static uint32_t GrowAbove(const Partition&) { return QUIVER_INVALID_BLOCK; }
  static void Init(uint8_t* page) { InitPage(page, PageKind::kList, 0); }
  bool HasRoom(const uint8_t* page) const {
    return ListCount(page, index_.layout) < ListEntriesPerPage(index_.layout);
  }
  void Append(uint8_t* page) const {
    const size_t count = ListCount(page, index_.layout);
    ListEntry* entry = ListAt(page, index_.layout, count);
    *entry = ListEntry{vector_.hash, posting_, vector_.scale, vector_.entries, 0};
    memcpy(entry->vector(), vector_.bytes, index_.layout.vector_bytes);
    SetListCount(page, index_.layout, count + 1);
  }

 private:
  const QuiverIndex& index_;
  const StoredVector& vector_;
  PostingEntry posting_;
};

class LooseChain {
 public:
  explicit LooseChain(PostingEntry posting) : posting_(posting) {}

  static constexpr PageKind kKind = PageKind::kLoose;
  static uint32_t& Head(Partition& p) { return p.loose_head; }
  static uint32_t& Tail(Partition& p) { return p.loose_tail; }
  static bool TakesRows(const Partition&) { return true; }
  static bool MayGrow(const Partition&) { return true; }
  static void Grown(Partition&) {}
  static void Close(Partition&) {}
  // Up the blocks, so that a reader who has lost the chain knows where it was.
  static uint32_t GrowAbove(const Partition& p) {
    return p.loose_tail == QUIVER_INVALID_BLOCK ? kMetaBlock : p.loose_tail;
  }
  static void Init(uint8_t* page) { InitPostingPage(page, PageKind::kLoose, 0, 0); }
  static bool HasRoom(const uint8_t* page) { return PostingCount(page) < kPostingsPerPage; }
  void Append(uint8_t* page) const { AppendPosting(page, posting_); }

 private:
  PostingEntry posting_;
};

template <class Chain>
bool AppendIfRoom(const Store& store, const Chain& chain, const uint8_t* page, QuiverPin* pin) {
  if (!IsPageOf(page, Chain::kKind) || Special(page)->next != QUIVER_INVALID_BLOCK ||
      !chain.HasRoom(page))
    return false;
  store.Begin();
  chain.Append(store.Edit(pin));
  store.Commit();
  return true;
}

// Under the meta page's lock: appends to the tail after all, grows the chain, or
// closes it.  *closed says that the latter happened; false: look again.
template <class Chain>
bool AppendGrowing(const Store& store, const Chain& chain, uint32_t seen_tail, bool* closed) {
  QuiverPin meta;
  QuiverPin tail;
  QuiverPin fresh;
  Partition partition = Meta(store.Lock(kMetaBlock, &meta))->partition;
  const uint32_t tail_block = Chain::Tail(partition);
  if (tail_block != seen_tail || !chain.TakesRows(partition)) {
    store.Release(&meta);
    return false;
  }
  const bool has_tail = tail_block != QUIVER_INVALID_BLOCK;
  if (has_tail) {
    const uint8_t* page = store.Lock(tail_block, &tail);
    if (!IsPageOf(page, Chain::kKind)) store.Corrupted(tail_block, "the tail of a chain is lost");
    if (AppendIfRoom(store, chain, page, &tail)) {
      store.Release(&tail);
      store.Release(&meta);
      return true;
    }
  }
  *closed = !chain.MayGrow(partition);
  if (*closed) {
    Chain::Close(partition);
    store.Begin();
    Meta(store.Edit(&meta))->partition = partition;
    store.Commit();
  } else {
    store.Extend(Chain::GrowAbove(partition), &fresh);
    Chain::Tail(partition) = fresh.block;
    if (!has_tail) Chain::Head(partition) = fresh.block;
    Chain::Grown(partition);
    store.Begin();
    Meta(store.Edit(&meta))->partition = partition;
    if (has_tail) Special(store.Edit(&tail))->next = fresh.block;
    uint8_t* page = store.Edit(&fresh, true);
    Chain::Init(page);
    chain.Append(page);
    store.Commit();
    store.Release(&fresh);
  }
  if (has_tail) store.Release(&tail);
  store.Release(&meta);
  return true;
}

template <class Chain>
bool Append(const Store& store, const Chain& chain) {
  for (;;) {
    store.Poll();
    Partition partition = ReadPartition(store);
    if (!chain.TakesRows(partition)) return false;
    const uint32_t tail = Chain::Tail(partition);
    if (tail != QUIVER_INVALID_BLOCK) {
      if (tail >= store.BlockCount()) store.Corrupted(kMetaBlock, "a chain leaves the file", tail);
      QuiverPin pin;
      const bool done = AppendIfRoom(store, chain, store.Lock(tail, &pin), &pin);
      store.Release(&pin);
      if (done) return true;
    }
    bool closed = false;
    if (AppendGrowing(store, chain, tail, &closed)) return !closed;
  }
}

}  // namespace

bool AppendToList(const Store& store, const QuiverIndex& index, const StoredVector& vector,
                  PostingEntry posting) {
  return Append(store, ListChain(index, vector, posting));
}

void AppendLoose(const Store& store, PostingEntry posting) {
  Append(store, LooseChain(posting));
}

void UnlinkListHead(const Store& store, const QuiverIndex& index, uint32_t block) {
  QuiverPin meta;
  QuiverPin pin;
  bool freed = false;
  Partition partition = Meta(store.Lock(kMetaBlock, &meta))->partition;
  if (partition.list_head == block && partition.state == PartitionState::kDraining) {
    const uint8_t* page = store.Lock(block, &pin);
    if (IsPageOf(page, PageKind::kList) && ListCount(page, index.layout) == 0) {
      partition.list_head = Special(page)->next;
      if (partition.list_pages > 0) partition.list_pages--;
      if (partition.list_head == QUIVER_INVALID_BLOCK) {
        partition.list_tail = QUIVER_INVALID_BLOCK;
        partition.list_pages = 0;
        partition.state = PartitionState::kGraph;
      }
      store.Begin();
      Meta(store.Edit(&meta))->partition = partition;
      InitPage(store.Edit(&pin), PageKind::kFree, 0);
      store.Commit();
      freed = true;
    }
    store.Release(&pin);
  }
  store.Release(&meta);
  if (freed) store.NoteFree(block);
}

int FindListEntry(const uint8_t* page, const NodeLayout& layout, QuiverTid tid, uint64_t hash) {
  if (!IsPageOf(page, PageKind::kList)) return -1;
  const size_t count = ListCount(page, layout);
  for (size_t i = 0; i < count; i++) {
    const ListEntry* entry = ListAt(page, layout, i);
    const QuiverTid other = entry->posting.tid();
    if (other.block == tid.block && other.offset == tid.offset && entry->hash == hash)
      return static_cast<int>(i);
  }
  return -1;
}

}  // namespace quiver
