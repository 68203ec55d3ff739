#include "graph/pack.h"

#include <algorithm>

namespace quiver {

namespace {

constexpr uint32_t kPollPages = 64;

bool IsOfNodes(PageKind kind) {
  return kind == PageKind::kNode || kind == PageKind::kUpper;
}

bool IsOfChain(PageKind kind) {
  return kind == PageKind::kChunk || kind == PageKind::kPosting;
}

// The node that a page of a chain belongs to.
uint32_t OwnerOf(const uint8_t* page) {
  return Special(page)->kind == PageKind::kChunk ? Chunk(page)->number
                                                 : PostingHeadOf(page)->number;
}

// Nodes of a fresh page have the generations 1, 2, ...
uint32_t GenerationAt(const NodeLayout& layout, uint32_t number) {
  return layout.SlotOf(number) + 1;
}

}  // namespace

void Packer::Plan() {
  const uint32_t chained = Survey();
  planned_ = true;
  count_ = pages_->count();
  page_ = AllocateArray<uint8_t>(context_->allocator, kPageBytes);
  if (seats_.pages == 0) return;
  groups_ = new (AllocateArray<uint8_t>(context_->allocator, sizeof(PageGroups)))
      PageGroups(*context_, pages_, seats_);
  groups_->Arrange();

  // How many pages follow each page of nodes; then where it is.
  const uint32_t pages = groups_->pages();
  blocks_ = AllocateArray<uint32_t>(context_->allocator, size_t{pages} + 1);
  std::fill_n(blocks_, size_t{pages} + 1, 0);
  for (uint32_t block = graph_; chained > 0 && block < end_; block++) {
    if (block % kPollPages == 0) context_->store.Poll();
    const uint8_t* page = pages_->page(block);
    if (IsOfChain(Special(page)->kind)) blocks_[PlaceOf(OwnerOf(page)) / layout().nodes_per_page]++;
  }
  uint32_t next = graph_;
  for (uint32_t i = 0; i < pages; i++) {
    const uint32_t following = blocks_[i];
    blocks_[i] = next;
    next += 1 + following;
  }
  blocks_[pages] = next;
  count_ = next + (pages_->count() - end_);
}

// Finds the pages of nodes; how many pages are of chains.
uint32_t Packer::Survey() {
  const uint32_t count = pages_->count();
  constexpr uint32_t kUpper = 0;
  constexpr uint32_t kBottom = 1;
  uint32_t chained = 0;
  uint32_t found[2] = {0, 0};
  seats_.ranks = AllocateArray<uint32_t>(context_->allocator, count);
  graph_ = end_ = count;
  for (uint32_t block = 0; block < count; block++) {
    if (block % kPollPages == 0) context_->store.Poll();
    const uint8_t* page = pages_->page(block);
    // A lock that was not given back would be taken for the page's LSN.
    constexpr uint8_t kUnlocked[sizeof(PageHeader::lsn)] = {};
    if (memcmp(PageAt<PageHeader>(page, 0)->lsn, kUnlocked, sizeof kUnlocked) != 0)
      Fail(block, "a page of a build is still locked");
    const PageKind kind = Special(page)->kind;
    seats_.ranks[block] = Seats::kNoRank;
    if (!IsOfNodes(kind) && !IsOfChain(kind)) {
      if (graph_ < count && end_ == count) end_ = block;
      continue;
    }
    if (end_ < count) Fail(block, "a page of a build's graph lies behind it");
    graph_ = std::min(graph_, block);
    if (IsOfChain(kind))
      chained++;
    else
      seats_.ranks[block] = kind == PageKind::kUpper ? kUpper : kBottom;
    if (IsOfNodes(kind)) found[seats_.ranks[block]]++;
  }
  seats_.upper_pages = found[kUpper];
  seats_.pages = found[kUpper] + found[kBottom];
  seats_.blocks = AllocateArray<uint32_t>(context_->allocator, seats_.pages);
  uint32_t next[2] = {0, found[kUpper]};
  for (uint32_t block = graph_; block < end_; block++) {
    uint32_t& rank = seats_.ranks[block];
    if (rank == Seats::kNoRank) continue;
    rank = next[rank]++;
    seats_.blocks[rank] = block;
  }
  return chained;
}

// Where the node goes whose number in the build this is.
uint32_t Packer::PlaceOf(uint32_t number) const {
  const uint32_t block = layout().BlockOf(number);
  const bool there = block >= graph_ && block < end_ && seats_.ranks[block] != Seats::kNoRank;
  const uint32_t place =
      there ? groups_->PlaceOf(seats_.Of(layout(), number)) : PageGroups::kNobody;
  if (place == PageGroups::kNobody) Fail(block, "a pointer of a build leads to no node");
  return place;
}

NodePointer Packer::Pointer(uint32_t number) const {
  const uint32_t place = PlaceOf(number);
  const uint32_t moved =
      layout().NumberOf(blocks_[layout().BlockOf(place)], layout().SlotOf(place));
  return {moved, PointerGeneration(GenerationAt(layout(), moved))};
}

bool Packer::HasRoom(uint32_t page) const {
  return groups_->SeatAt(layout().NumberOf(page, layout().nodes_per_page - 1)) ==
         PageGroups::kNobody;
}

void Packer::Write(QuiverPageSink sink, void* sink_context) {
  Sink out = {sink, sink_context, 0};
  WriteMeta(&out);
  while (out.next < graph_) {
    if (out.next % kPollPages == 0) context_->store.Poll();
    out.Add(pages_->page(out.next));
  }
  for (uint32_t page = 0; groups_ != nullptr && page < groups_->pages(); page++) {
    if (page % kPollPages == 0) context_->store.Poll();
    WriteNodes(page, &out);
    if (out.next != blocks_[page + 1]) Fail(out.next, "a build has pages that no node names");
  }
  WriteLoose(&out);
}

void Packer::WriteMeta(Sink* sink) {
  memcpy(page_, pages_->page(kMetaBlock), kPageBytes);
  Partition& partition = Meta(page_)->partition;
  if (groups_ != nullptr) {
    const NodePointer entry = Pointer(partition.entry_number);
    partition.entry_number = entry.number;
    partition.entry_generation = entry.generation;
    const uint32_t upper = groups_->upper_pages();
    const uint32_t pages = groups_->pages();
    partition.upper_room =
        upper > 0 && HasRoom(upper - 1) ? blocks_[upper - 1] : QUIVER_INVALID_BLOCK;
    partition.node_room = HasRoom(pages - 1) ? blocks_[pages - 1] : QUIVER_INVALID_BLOCK;
  }
  // Unsigned: whatever the difference is.
  const uint32_t moved = count_ - pages_->count();
  if (partition.loose_head != QUIVER_INVALID_BLOCK) {
    partition.loose_head += moved;
    partition.loose_tail += moved;
  }
  sink->Add(page_);
}

void Packer::WriteNodes(uint32_t page, Sink* sink) {
  const uint32_t per_page = layout().nodes_per_page;
  const uint32_t block = sink->next;
  memset(page_, 0, kPageBytes);
  InitPage(page_, page < groups_->upper_pages() ? PageKind::kUpper : PageKind::kNode,
           NodePageBytes(layout()));
  if (HasRoom(page)) Special(page_)->flags = kInRoomChain;
  uint32_t next = block + 1;  // of the pages that follow
  for (uint32_t slot = 0; slot < per_page; slot++) {
    const Seat seat = groups_->SeatAt(layout().NumberOf(page, slot));
    if (seat == PageGroups::kNobody) break;
    const uint32_t number = seats_.NumberOf(layout(), seat);
    const Node node(page_, layout(), slot);
    memcpy(node.bytes(),
           pages_->page(layout().BlockOf(number)) + layout().OffsetOf(layout().SlotOf(number)),
           layout().node_bytes);
    NodeHead& head = node.head();
    head.generation = GenerationAt(layout(), layout().NumberOf(block, slot));
    Special(page_)->generation = head.generation;
    for (uint32_t i = 0; i < node.slot_count(); i++) {
      const NodePointer to = Pointer(node.numbers()[i]);
      node.numbers()[i] = to.number;
      node.generations()[i] =
          static_cast<uint16_t>(to.generation | (node.dominated(i) ? kDominatedBit : 0));
    }
    if (head.level > 0) {
      const NodePointer down = Pointer(head.down_number);
      head.down_number = down.number;
      head.down_generation = down.generation;
    }
    const auto follow = [&](PageKind kind, uint32_t* first) {
      const uint32_t length = ChainLength(*first, kind, number);
      *first = length > 0 ? next : QUIVER_INVALID_BLOCK;
      next += length;
    };
    follow(PageKind::kChunk, &head.chunk_head);
    follow(PageKind::kPosting, &head.posting_head);
    head.posting_tail = head.posting_head == QUIVER_INVALID_BLOCK ? QUIVER_INVALID_BLOCK : next - 1;
  }
  sink->Add(page_);
  for (uint32_t slot = 0; next > sink->next && slot < per_page; slot++) {
    const Seat seat = groups_->SeatAt(layout().NumberOf(page, slot));
    if (seat == PageGroups::kNobody) break;
    const uint32_t number = seats_.NumberOf(layout(), seat);
    const ConstNode node(pages_->page(layout().BlockOf(number)), layout(), layout().SlotOf(number));
    const NodePointer owner = Pointer(number);
    WriteChain(node.head().chunk_head, owner, sink);
    WriteChain(node.head().posting_head, owner, sink);
  }
}

// Pages of a chain of the build, which must be those of the node.
uint32_t Packer::ChainLength(uint32_t first, PageKind kind, uint32_t number) const {
  uint32_t length = 0;
  for (uint32_t block = first; block != QUIVER_INVALID_BLOCK; length++) {
    if (block < graph_ || block >= end_ || length == end_ - graph_)
      Fail(block, "a chain of a build leaves its graph");
    const uint8_t* page = pages_->page(block);
    if (Special(page)->kind != kind || OwnerOf(page) != number)
      Fail(block, "a chain of a build has another node's page");
    block = Special(page)->next;
  }
  return length;
}

void Packer::WriteChain(uint32_t first, NodePointer owner, Sink* sink) {
  for (uint32_t block = first; block != QUIVER_INVALID_BLOCK;) {
    memcpy(page_, pages_->page(block), kPageBytes);
    block = Special(page_)->next;
    const uint32_t generation = GenerationAt(layout(), owner.number);
    if (Special(page_)->kind == PageKind::kChunk) {
      Chunk(page_)->number = owner.number;
      Chunk(page_)->generation = generation;
    } else {
      auto* head = PageAt<PostingHead>(page_, kPageHeaderBytes);
      head->number = owner.number;
      head->generation = generation;
    }
    Special(page_)->next = block == QUIVER_INVALID_BLOCK ? block : sink->next + 1;
    sink->Add(page_);
  }
}

void Packer::WriteLoose(Sink* sink) {
  const uint32_t moved = count_ - pages_->count();
  for (uint32_t block = end_; block < pages_->count(); block++) {
    if (block % kPollPages == 0) context_->store.Poll();
    memcpy(page_, pages_->page(block), kPageBytes);
    if (Special(page_)->next != QUIVER_INVALID_BLOCK) Special(page_)->next += moved;
    sink->Add(page_);
  }
}

}  // namespace quiver
