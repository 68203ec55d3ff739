#include "graph/verify_chains.h"

#include <algorithm>

#include "graph/room.h"
#include "page/list_page.h"

namespace quiver {

namespace {

constexpr int kTries = 8;

bool SameList(const Partition& a, const Partition& b) {
  return a.list_head == b.list_head && a.list_tail == b.list_tail && a.list_pages == b.list_pages &&
         a.state == b.state;
}

bool SameLoose(const Partition& a, const Partition& b) {
  return a.loose_head == b.loose_head && a.loose_tail == b.loose_tail;
}

bool SameEntry(const Partition& a, const Partition& b) {
  return a.entry_number == b.entry_number && a.entry_generation == b.entry_generation &&
         a.entry_level == b.entry_level;
}

}  // namespace

template <class Walk, class Same>
Fault ChainVerifier::Settle(const Walk& walk, const Same& same) {
  Fault before;
  Partition partition = ReadPartition(state_->store);
  for (int attempt = 0; attempt < kTries; attempt++) {
    walked_.Clear();
    const Fault fault = walk(partition);
    if (fault.text == nullptr) return {};
    const Partition now = ReadPartition(state_->store);
    const bool unchanged = same(partition, now);
    if (unchanged && fault == before) return fault;
    before = unchanged ? fault : Fault{};
    partition = now;
  }
  return {};
}

void ChainVerifier::ReferToWalked() {
  for (const uint32_t block : walked_) state_->ReferTo(block);
}

// From head to the end, each page of `kind` and with `flags`.
Fault ChainVerifier::WalkPages(PageKind kind, uint32_t head, uint8_t flags, const char* lost) {
  const Store& store = state_->store;
  seen_.Clear();
  uint32_t last = kMetaBlock;
  for (uint32_t block = head; block != QUIVER_INVALID_BLOCK;) {
    if (block >= store.BlockCount()) return {last, "a chain of pages leaves the file", block};
    if (!seen_.Insert(block)) return {last, "a chain of pages runs in a circle", block};
    store.Poll();
    QuiverPin pin;
    const uint8_t* page = store.Read(block, &pin);
    const bool is_of_chain = IsPageOf(page, kind) && (Special(page)->flags & flags) == flags;
    const uint32_t next = is_of_chain ? Special(page)->next : QUIVER_INVALID_BLOCK;
    store.Release(&pin);
    if (!is_of_chain) return {block, lost, last};
    walked_.PushBack(block);
    last = block;
    block = next;
  }
  return {};
}

Fault ChainVerifier::WalkList(const Partition& partition) {
  const Fault fault = WalkPages(PageKind::kList, partition.list_head, 0,
                                "a page of the list's chain is not one of the list");
  if (fault.text != nullptr) return fault;
  const uint32_t end = walked_.empty() ? QUIVER_INVALID_BLOCK : walked_.back();
  if (end != partition.list_tail)
    return {end, "a chain of pages does not end at its tail", partition.list_tail};
  if (walked_.size() != partition.list_pages)
    return {kMetaBlock, "the list has another number of pages than the meta page says",
            walked_.size()};
  if (partition.state == PartitionState::kGraph && !walked_.empty())
    return {kMetaBlock, "a list is left in an index that is a graph", walked_.size()};
  // Rows move up the blocks: a pass of vacuum counts on it.
  const NodeLayout& layout = state_->layout();
  uint32_t highest = kMetaBlock;
  for (const uint32_t block : walked_) highest = std::max(highest, block);
  for (uint32_t block = 1; block < highest && block < state_->blocks.size(); block++) {
    const auto kind = static_cast<PageKind>(state_->blocks[block].kind);
    if (kind != PageKind::kNode && kind != PageKind::kUpper) continue;
    for (uint32_t slot = 0; slot < layout.nodes_per_page; slot++)
      if (state_->nodes[layout.NumberOf(block, slot)].marks != 0)
        return {block, "a node lies below the list", highest};
  }
  return {};
}

// Readers who have lost this chain find their place again because it ascends.
Fault ChainVerifier::WalkLoose(const Partition& partition) {
  const Fault fault =
      WalkPages(PageKind::kLoose, partition.loose_head, 0,
                "a page of the chain of rows without a distance is not one of them");
  if (fault.text != nullptr) return fault;
  for (size_t i = 1; i < walked_.size(); i++)
    if (walked_[i] < walked_[i - 1])
      return {walked_[i - 1], "the chain of rows without a distance does not ascend", walked_[i]};
  const uint32_t end = walked_.empty() ? QUIVER_INVALID_BLOCK : walked_.back();
  if (end != partition.loose_tail)
    return {end, "a chain of pages does not end at its tail", partition.loose_tail};
  return {};
}

// The entry point must be there: inserts begin at it.
Fault ChainVerifier::FindEntry(const Partition& partition) {
  const NodePointer entry = partition.entry();
  if (!entry.valid()) return {};
  if (partition.state == PartitionState::kList)
    return {kMetaBlock, "an index that is a list has an entry point", entry.number};
  const NodeFacts facts = state_->FactsNow(entry.number);
  if (!facts.is(entry)) return {kMetaBlock, "the entry point is not in use", entry.number};
  if (facts.level != partition.entry_level)
    return {kMetaBlock, "the entry point is on another level than the meta page says", facts.level};
  return {};
}

Fault ChainVerifier::SettleList() {
  return Settle([this](const Partition& partition) { return WalkList(partition); }, SameList);
}

Fault ChainVerifier::SettleLoose() {
  return Settle([this](const Partition& partition) { return WalkLoose(partition); }, SameLoose);
}

void ChainVerifier::VerifyPartition() {
  const auto report = [this](const Fault& fault) {
    if (fault.text != nullptr) state_->Error(fault.block, -1, fault.text, fault.value);
  };
  report(SettleList());
  ReferToWalked();
  report(SettleLoose());
  ReferToWalked();
  report(Settle([this](const Partition& partition) { return FindEntry(partition); }, SameEntry));
  VerifyRoom(PageKind::kNode);
  VerifyRoom(PageKind::kUpper);

  // An insert makes an entry point where there is none; until then searches sweep.
  const Partition partition = ReadPartition(state_->store);
  if (partition.entry().valid() || state_->bottom_nodes == state_->emptied_nodes) return;
  for (uint32_t number = 0; number < state_->nodes.size(); number++) {
    const NodeFacts& seen = state_->nodes[number];
    if ((seen.marks & NodeFacts::kInUse) == 0 || (seen.marks & NodeFacts::kEmptied) != 0) continue;
    const NodeFacts now = state_->FactsNow(number);
    if ((now.marks & NodeFacts::kInUse) == 0 || (now.marks & NodeFacts::kEmptied) != 0) continue;
    if (ReadPartition(state_->store).entry().valid()) return;
    state_->Warning(kMetaBlock, -1, "the graph has nodes and no entry point", state_->bottom_nodes);
    return;
  }
}

// A page that says it is in the chain, was not met there, and still says so; or none.
uint32_t ChainVerifier::FindOutsideRoom(PageKind kind) {
  for (const uint32_t block : walked_)
    if (block < state_->blocks.size()) state_->blocks[block].has_room = false;
  for (uint32_t block = 1; block < state_->blocks.size(); block++) {
    BlockFacts& facts = state_->blocks[block];
    if (!facts.has_room || facts.kind != static_cast<uint8_t>(kind)) continue;
    QuiverPin pin;
    state_->store.Poll();
    const uint8_t* page = state_->store.Read(block, &pin);
    const bool still = IsPageOf(page, kind) && (Special(page)->flags & kInRoomChain) != 0;
    state_->store.Release(&pin);
    if (still) return block;
    facts.has_room = false;
  }
  return QUIVER_INVALID_BLOCK;
}

// Every page that says it is in the chain of those with room is there once.
void ChainVerifier::VerifyRoom(PageKind kind) {
  const auto first_of = [kind](const Partition& partition) {
    Partition copy = partition;
    return RoomOf(&copy, kind);
  };
  uint32_t outside = QUIVER_INVALID_BLOCK;
  for (int attempt = 0; attempt < kTries; attempt++) {
    const Fault fault = Settle(
        [&](const Partition& partition) {
          return WalkPages(kind, first_of(partition), kInRoomChain,
                           "a page of the chain of those with room is not one of them");
        },
        [&](const Partition& a, const Partition& b) { return first_of(a) == first_of(b); });
    if (fault.text != nullptr) {
      state_->Warning(fault.block, -1, fault.text, fault.value);
      return;
    }
    outside = FindOutsideRoom(kind);
    if (outside == QUIVER_INVALID_BLOCK) return;
  }
  state_->Warning(outside, -1, "a page with room is not in the chain of those");
}

// Pages of one node's further rows: each names the node and lies above the one before.
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
    const bool is_of_chain = IsPostingPageOf(page, number, head.generation);
    const uint32_t next = is_of_chain ? Special(page)->next : QUIVER_INVALID_BLOCK;
    store.Release(&pin);
    if (!is_of_chain) return {block, "a page of a node's chain of rows is not one of them", number};
    walked_.PushBack(block);
    last = block;
    block = next;
  }
  const uint32_t end = last == home ? QUIVER_INVALID_BLOCK : last;
  if (end != head.posting_tail)
    return {home, "a node's chain of rows does not end at its tail", head.posting_tail};
  return {};
}

// As Settle, with the node's head in place of the meta page.  Vacuum takes pages out of
// the middle of a chain without a trace in the head: so a fault must come twice.
void ChainVerifier::VerifyPostings(uint32_t number, const NodeHead& seen) {
  const Store& store = state_->store;
  const NodeLayout& layout = state_->layout();
  const uint32_t home = layout.BlockOf(number);
  NodeHead head = seen;
  Fault before;
  for (int attempt = 0; attempt < kTries; attempt++) {
    const Fault fault = WalkPostings(number, head);
    if (fault.text == nullptr) break;
    QuiverPin pin;
    const uint8_t* page = store.Read(home, &pin);
    const bool is_there = IsNodePage(page, layout, PageKind::kNode);
    const NodeHead now = is_there ? ConstNode(page, layout, layout.SlotOf(number)).head() : head;
    store.Release(&pin);
    if (!is_there || (now.flags & kNodeInUse) == 0 || now.generation != seen.generation) return;
    const bool unchanged =
        head.posting_head == now.posting_head && head.posting_tail == now.posting_tail;
    if (unchanged && fault == before) {
      state_->Error(fault.block, -1, fault.text, fault.value);
      break;
    }
    before = unchanged ? fault : Fault{};
    head = now;
  }
  ReferToWalked();
}

// The page as it is now; false where it is of another kind than it was.
bool ChainVerifier::ReadOrphan(uint32_t block, PostingHead* head, size_t* rows) {
  QuiverPin pin;
  state_->store.Poll();
  const uint8_t* page = state_->store.Read(block, &pin);
  const bool is_same =
      IsSoundPage(page) && static_cast<uint8_t>(Special(page)->kind) == state_->blocks[block].kind;
  const PageKind kind = is_same ? Special(page)->kind : PageKind::kFree;
  *rows = 0;
  if (kind == PageKind::kList && HasList(state_->layout()))
    *rows = ListCount(page, state_->layout());
  if (kind == PageKind::kPosting || kind == PageKind::kLoose) {
    *rows = PostingCount(page);
    *head = *PostingHeadOf(page);
  }
  state_->store.Release(&pin);
  return is_same;
}

// A page may have become free and then part of a chain that had been walked before.
bool ChainVerifier::IsOnChainNow(uint32_t block, PageKind kind, const PostingHead& head) {
  walked_.Clear();
  if (kind == PageKind::kList) (void)SettleList();
  if (kind == PageKind::kLoose) (void)SettleLoose();
  const uint32_t home = state_->layout().BlockOf(head.number);
  if (kind == PageKind::kPosting && home != kMetaBlock && home < state_->store.BlockCount()) {
    QuiverPin pin;
    const uint8_t* page = state_->store.Read(home, &pin);
    const ConstNode node(page, state_->layout(), state_->layout().SlotOf(head.number));
    const bool is_there = IsNodePage(page, state_->layout(), PageKind::kNode) && node.in_use() &&
                          node.head().generation == head.generation;
    const NodeHead owner = node.head();
    state_->store.Release(&pin);
    if (is_there) (void)WalkPostings(head.number, owner);
  }
  return std::find(walked_.begin(), walked_.end(), block) != walked_.end();
}

void ChainVerifier::VerifyOrphan(uint32_t block) {
  PostingHead head = {};
  size_t rows = 0;
  const auto kind = static_cast<PageKind>(state_->blocks[block].kind);
  for (int attempt = 0; attempt < 2; attempt++) {
    if (!ReadOrphan(block, &head, &rows)) return;
    if (rows > 0 && IsOnChainNow(block, kind, head)) return;
  }
  orphans_++;
  if (rows > 0) state_->Error(block, -1, "a page of rows belongs to nothing", rows);
}

void ChainVerifier::VerifyOrphans() {
  for (uint32_t block = 1; block < state_->blocks.size(); block++) {
    if (state_->blocks[block].referred_to) continue;
    switch (state_->blocks[block].kind) {
      case static_cast<uint8_t>(PageKind::kCenter):
        if (state_->has_center)
          state_->Warning(block, -1, "a page of the centre belongs to nothing");
        VerifyOrphan(block);
        break;
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
