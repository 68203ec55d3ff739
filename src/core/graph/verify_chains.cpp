#include "graph/verify_chains.h"

#include "page/list_page.h"

namespace quiver {

namespace {

// A chain that others change while it is walked is walked again; one that changes
// every time is theirs.
constexpr int kTries = 8;

bool SameChains(const Partition& a, const Partition& b) {
  return a.list_head == b.list_head && a.list_tail == b.list_tail && a.list_pages == b.list_pages &&
         a.loose_head == b.loose_head && a.loose_tail == b.loose_tail && a.state == b.state;
}

bool SameEntry(const Partition& a, const Partition& b) {
  return a.entry_number == b.entry_number && a.entry_generation == b.entry_generation &&
         a.entry_level == b.entry_level;
}

bool SameRows(const NodeHead& a, const NodeHead& b) {
  return a.generation == b.generation && a.posting_head == b.posting_head &&
         a.posting_tail == b.posting_tail;
}

}  // namespace

void ChainVerifier::ReferToWalked() {
  for (const uint32_t block : walked_) state_->ReferTo(block);
}

// From head to tail, each page of `kind`.
Fault ChainVerifier::WalkPages(PageKind kind, uint32_t head, uint32_t tail, const char* lost,
                               uint64_t* pages) {
  const Store& store = state_->store;
  seen_.Clear();
  *pages = 0;
  uint32_t last = kMetaBlock;
  for (uint32_t block = head; block != QUIVER_INVALID_BLOCK;) {
    if (block >= store.BlockCount()) return {last, "a chain of pages leaves the file", block};
    if (!seen_.Insert(block)) return {last, "a chain of pages runs in a circle", block};
    store.Poll();
    QuiverPin pin;
    const uint8_t* page = store.Read(block, &pin);
    const bool is_of_chain = IsPageOf(page, kind);
    const uint32_t next = is_of_chain ? Special(page)->next : QUIVER_INVALID_BLOCK;
    store.Release(&pin);
    if (!is_of_chain) return {block, lost, last};
    walked_.PushBack(block);
    ++*pages;
    last = block;
    block = next;
  }
  const uint32_t end = head == QUIVER_INVALID_BLOCK ? QUIVER_INVALID_BLOCK : last;
  if (end != tail) return {last, "a chain of pages does not end at its tail", tail};
  return {};
}

Fault ChainVerifier::WalkList(const Partition& partition) {
  uint64_t pages = 0;
  const Fault fault = WalkPages(PageKind::kList, partition.list_head, partition.list_tail,
                                "a page of the list's chain is not one of the list", &pages);
  if (fault.text != nullptr) return fault;
  if (pages != partition.list_pages)
    return {kMetaBlock, "the list has another number of pages than the meta page says", pages};
  if (partition.state == PartitionState::kGraph && pages > 0)
    return {kMetaBlock, "a list is left in an index that is a graph", pages};
  // Rows move up the blocks: a pass of vacuum counts on it.
  const NodeLayout& layout = state_->layout();
  uint32_t highest = kMetaBlock;
  for (const uint32_t block : walked_) highest = block > highest ? block : highest;
  for (uint32_t block = 1; block < highest && block < state_->blocks.size(); block++) {
    const auto kind = static_cast<PageKind>(state_->blocks[block].kind);
    if (kind != PageKind::kNode && kind != PageKind::kUpper) continue;
    for (uint32_t slot = 0; slot < layout.nodes_per_page; slot++)
      if (state_->nodes[layout.NumberOf(block, slot)].marks != 0)
        return {block, "a node lies below the list", highest};
  }
  return {};
}

Fault ChainVerifier::WalkLoose(const Partition& partition) {
  uint64_t pages = 0;
  return WalkPages(PageKind::kLoose, partition.loose_head, partition.loose_tail,
                   "a page of the chain of rows without a distance is not one of them", &pages);
}

// The entry point must be there: inserts begin at it.
Fault ChainVerifier::FindEntry(const Partition& partition) {
  const NodePointer entry = partition.entry();
  if (!entry.valid()) {
    const bool has_nodes = state_->bottom_nodes > state_->emptied_nodes;
    return has_nodes
               ? Fault{kMetaBlock, "the graph has nodes and no entry point", state_->bottom_nodes}
               : Fault{};
  }
  if (partition.state == PartitionState::kList)
    return {kMetaBlock, "an index that is a list has an entry point", entry.number};
  const NodeFacts facts = state_->FactsNow(entry.number);
  if (!facts.is(entry)) return {kMetaBlock, "the entry point is not in use", entry.number};
  if (facts.level != partition.entry_level)
    return {kMetaBlock, "the entry point is on another level than the meta page says", facts.level};
  return {};
}

void ChainVerifier::VerifyPartition() {
  const Store& store = state_->store;
  Fault list;
  Fault loose;
  Fault entry;
  Partition partition = ReadPartition(store);
  for (int attempt = 0; attempt < kTries; attempt++) {
    walked_.Clear();
    list = WalkList(partition);
    ReferToWalked();
    walked_.Clear();
    loose = WalkLoose(partition);
    ReferToWalked();
    const Partition now = ReadPartition(store);
    const bool unchanged = SameChains(partition, now);
    partition = now;
    if (unchanged) break;
    list = {};
    loose = {};
  }
  for (int attempt = 0; attempt < kTries; attempt++) {
    entry = FindEntry(partition);
    const Partition now = ReadPartition(store);
    const bool unchanged = SameEntry(partition, now);
    partition = now;
    if (unchanged) break;
    entry = {};
  }
  const Fault faults[] = {list, loose, entry};
  for (const Fault& fault : faults)
    if (fault.text != nullptr) state_->Error(fault.block, -1, fault.text, fault.value);

  const uint32_t target = partition.upper_target;
  if (target == QUIVER_INVALID_BLOCK) return;
  if (target >= store.BlockCount()) {
    state_->Warning(kMetaBlock, -1, "the page with room for upper nodes lies past the end", target);
    return;
  }
  QuiverPin pin;
  const bool is_upper = IsPageOf(store.Read(target, &pin), PageKind::kUpper);
  store.Release(&pin);
  if (!is_upper)
    state_->Warning(kMetaBlock, -1, "the page with room for upper nodes is another one", target);
}

// Pages of one node's further rows: each above the one before, so that none comes
// twice.
Fault ChainVerifier::WalkPostings(uint32_t number, const NodeHead& head) {
  const Store& store = state_->store;
  const uint32_t home = state_->layout().BlockOf(number);
  uint32_t last = home;
  walked_.Clear();
  for (uint32_t block = head.posting_head; block != QUIVER_INVALID_BLOCK;) {
    if (block <= last || block >= store.BlockCount())
      return {last, "a node's chain of rows leaves its order or the file", block};
    store.Poll();
    QuiverPin pin;
    const uint8_t* page = store.Read(block, &pin);
    const bool is_of_chain = IsPageOf(page, PageKind::kPosting);
    const uint32_t next = is_of_chain ? Special(page)->next : QUIVER_INVALID_BLOCK;
    store.Release(&pin);
    if (!is_of_chain) return {block, "a page of a node's chain of rows is not one of them", number};
    if (block < state_->blocks.size() && state_->blocks[block].referred_to)
      return {block, "two nodes have one page of rows", number};
    walked_.PushBack(block);
    last = block;
    block = next;
  }
  const uint32_t end = last == home ? QUIVER_INVALID_BLOCK : last;
  if (end != head.posting_tail)
    return {home, "a node's chain of rows does not end at its tail", head.posting_tail};
  return {};
}

void ChainVerifier::VerifyPostings(uint32_t number, const NodeHead& seen) {
  const Store& store = state_->store;
  const NodeLayout& layout = state_->layout();
  const uint32_t home = layout.BlockOf(number);
  NodeHead head = seen;
  Fault fault;
  for (int attempt = 0; attempt < kTries; attempt++) {
    if (head.posting_head == QUIVER_INVALID_BLOCK) return;
    fault = WalkPostings(number, head);
    QuiverPin pin;
    const uint8_t* page = store.Read(home, &pin);
    const bool is_there = IsNodePage(page, layout, PageKind::kNode);
    const NodeHead now = is_there ? ConstNode(page, layout, layout.SlotOf(number)).head() : head;
    store.Release(&pin);
    if (!is_there || now.generation != seen.generation) return;
    const bool unchanged = SameRows(head, now);
    head = now;
    if (fault.text == nullptr || unchanged) break;
    fault = {};
  }
  if (fault.text != nullptr) state_->Error(fault.block, -1, fault.text, fault.value);
  ReferToWalked();
}

void ChainVerifier::VerifyOrphan(uint32_t block) {
  const NodeLayout& layout = state_->layout();
  QuiverPin pin;
  state_->store.Poll();
  const uint8_t* page = state_->store.Read(block, &pin);
  const bool is_same =
      IsSoundPage(page) && static_cast<uint8_t>(Special(page)->kind) == state_->blocks[block].kind;
  const PageKind kind = is_same ? Special(page)->kind : PageKind::kFree;
  size_t rows = 0;
  if (kind == PageKind::kList && HasList(layout)) rows = ListCount(page, layout);
  if (kind == PageKind::kPosting || kind == PageKind::kLoose) rows = PostingCount(page);
  state_->store.Release(&pin);
  if (!is_same) return;
  orphans_++;
  if (rows > 0) state_->Error(block, -1, "a page of rows belongs to nothing", rows);
}

void ChainVerifier::VerifyOrphans() {
  for (uint32_t block = 1; block < state_->blocks.size(); block++) {
    if (state_->blocks[block].referred_to) continue;
    switch (state_->blocks[block].kind) {
      case static_cast<uint8_t>(PageKind::kCenter):
      case static_cast<uint8_t>(PageKind::kList):
      case static_cast<uint8_t>(PageKind::kPosting):
      case static_cast<uint8_t>(PageKind::kLoose):
      case static_cast<uint8_t>(PageKind::kChunk):
        VerifyOrphan(block);
        break;
      default:
        break;
    }
  }
  state_->Info("pages that belong to nothing", orphans_, state_->blocks.size());
}

}  // namespace quiver
