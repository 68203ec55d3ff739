#include "graph/verify_links.h"

#include <algorithm>

#include "graph/room.h"
#include "graph/verify_vector.h"

namespace quiver {

namespace {

// More chunk pages than any node has.
constexpr uint32_t kMaxSpare = 256;

}  // namespace

LinkVerifier::LinkVerifier(VerifyState* state, ChainVerifier* chains)
    : state_(state),
      chains_(chains),
      edges_(state),
      reader_(state->context()),
      page_(AllocateArray<uint8_t>(state->allocator, kPageBytes)),
      image_(state->allocator),
      reached_(state->allocator) {}

// What is at a pointer: what the first pass saw, or where that differs, what is
// there now.
NodeFacts LinkVerifier::Look(NodePointer to) {
  if (to.number < state_->nodes.size() && state_->nodes[to.number].is(to))
    return state_->nodes[to.number];
  return state_->FactsNow(to.number);
}

// A page gives each generation once, to a node at one place, and never forgets how far
// it has come; whoever points to a node was written after it.  That is certain until 15
// bits have been counted through.
LinkVerifier::Stale LinkVerifier::WhyStale(NodePointer to) {
  const NodeLayout& layout = state_->layout();
  QuiverPin pin;
  state_->store.Poll();
  const uint8_t* page = state_->store.Read(layout.BlockOf(to.number), &pin);
  Stale stale = Stale::kGone;
  if (IsNewPage(page)) {
    stale = Stale::kNotGiven;
  } else if (IsSoundPage(page) && Special(page)->generation <= kGenerationMask) {
    if (to.generation == 0 || to.generation > Special(page)->generation) stale = Stale::kNotGiven;
    const bool is_of_nodes =
        IsNodePage(page, layout, PageKind::kNode) || IsNodePage(page, layout, PageKind::kUpper);
    for (uint32_t slot = 0; is_of_nodes && slot < layout.nodes_per_page; slot++) {
      const ConstNode node(page, layout, slot);
      if (node.in_use() && slot != layout.SlotOf(to.number) &&
          node.head().generation == to.generation)
        stale = Stale::kElsewhere;
    }
  }
  state_->store.Release(&pin);
  return stale;
}

void LinkVerifier::Mark(uint32_t number, NodeFacts::Marks mark) {
  if (number < state_->nodes.size())
    state_->nodes[number].marks = static_cast<uint8_t>(state_->nodes[number].marks | mark);
}

// The copy is of a moment ago; is that node still what is there?
bool LinkVerifier::IsStill(uint32_t number, const ConstNode& node) {
  return state_->FactsNow(number).is({number, node.pointer_generation()});
}

void LinkVerifier::VerifyNodes() {
  const NodeLayout& layout = state_->layout();
  for (uint32_t block = 1; block < state_->blocks.size(); block++) {
    const uint8_t kind = state_->blocks[block].kind;
    if (kind != static_cast<uint8_t>(PageKind::kNode) &&
        kind != static_cast<uint8_t>(PageKind::kUpper))
      continue;
    state_->Copy(block, page_);
    if (!IsNodePage(page_, layout, PageKind::kNode) && !IsNodePage(page_, layout, PageKind::kUpper))
      continue;
    for (uint32_t slot = 0; slot < layout.nodes_per_page; slot++) {
      const ConstNode node(page_, layout, slot);
      if (node.in_use())
        VerifyNode(layout.NumberOf(block, slot));
      else if (KeepsChunks(layout))
        ReferToSpare(layout.NumberOf(block, slot), node.head().chunk_head);
    }
  }
}

void LinkVerifier::VerifyNode(uint32_t number) {
  const NodeLayout& layout = state_->layout();
  const Store& store = state_->store;
  const uint32_t slot = layout.SlotOf(number);
  const uint32_t block = layout.BlockOf(number);
  ConstNode node(page_, layout, slot);
  // How the bytes are to be read is not known.
  if (VectorHeadFault(*state_->index, VectorOf(node)) != nullptr) return;
  if (PartCount(node, layout) > 0) {
    // Its parts change with it: all are read under its page's lock.
    const uint32_t generation = node.head().generation;
    QuiverPin pin;
    store.Poll();
    const uint8_t* page = store.Read(block, &pin);
    const ConstNode now(page, layout, slot);
    const PageKind kind = Special(page_)->kind;
    bool is_there = IsNodePage(page, layout, kind) && now.in_use() &&
                    now.head().generation == generation && PartCount(now, layout) > 0;
    NodeDamage damage;
    if (is_there) {
      uint64_t pages = 0;
      const ConstNode whole =
          reader_.TryRead(now, number, NodeReader::kEverything, &pages, &damage);
      is_there = damage.detail == nullptr;
      if (is_there) {
        const size_t bytes = layout.ImageBytes(whole.vector_bytes());
        image_.Resize(bytes / 8 + 1);
        memcpy(image_.begin(), whole.bytes(), bytes);
        node = ConstNode(reinterpret_cast<const uint8_t*>(image_.begin()), layout);
      }
    }
    store.Release(&pin);
    if (damage.detail != nullptr)
      state_->Error(damage.block, static_cast<int>(slot), damage.detail, damage.value);
    if (!is_there) return;
    VerifyChunks(number, node);
    const char* fault = VectorFault(*state_->index, VectorOf(node));
    if (fault != nullptr && !node.vector_at_home())
      state_->Error(block, static_cast<int>(slot), fault);
  }
  if (node.head().level > 0)
    VerifyDown(number, node);
  else
    chains_->VerifyPostings(number, node.head());
  VerifySlots(number, node);
}

// Pages that a place keeps besides the parts of its node: those of former nodes that
// the present one did not need.  Where they end is of no importance.
void LinkVerifier::ReferToSpare(uint32_t number, uint32_t block) {
  uint32_t steps = 0;
  while (block > state_->layout().BlockOf(number) && block < state_->blocks.size() &&
         steps++ < kMaxSpare) {
    QuiverPin pin;
    state_->store.Poll();
    const uint8_t* page = state_->store.Read(block, &pin);
    const bool is_of_place = IsPageOf(page, PageKind::kChunk) && Chunk(page)->number == number;
    const uint32_t next = Special(page)->next;
    state_->store.Release(&pin);
    if (!is_of_place) return;
    state_->ReferTo(block);
    block = next;
  }
}

// The parts have been read.
void LinkVerifier::VerifyChunks(uint32_t number, const ConstNode& node) {
  const uint32_t parts = PartCount(node, state_->layout());
  for (uint32_t i = 0; i < parts; i++) state_->ReferTo(reader_.BlockOfPart(i));
  QuiverPin pin;
  state_->store.Poll();
  const uint8_t* page = state_->store.Read(reader_.BlockOfPart(parts - 1), &pin);
  const uint32_t next = Special(page)->next;
  state_->store.Release(&pin);
  ReferToSpare(number, next);
}

void LinkVerifier::VerifySlots(uint32_t number, const ConstNode& node) {
  const NodeLayout& layout = state_->layout();
  const uint32_t block = layout.BlockOf(number);
  const int item = static_cast<int>(layout.SlotOf(number));
  const int level = node.head().level;
  const bool comparable = state_->options->full && edges_.Begin(node);
  const uint32_t count = node.slot_count();
  state_->edges += count;
  for (uint32_t i = 0; i < count; i++) {
    const NodePointer to = node.neighbor(i);
    if (!to.valid() || layout.BlockOf(to.number) == kMetaBlock ||
        layout.BlockOf(to.number) >= state_->store.BlockCount()) {
      state_->Warning(block, item, "a neighbour's number is not one of this index", to.number);
      continue;
    }
    if (to.number == number) {
      state_->Warning(block, item, "a node is its own neighbour", to.number);
      continue;
    }
    const auto* first = node.numbers();
    for (const auto* same = std::find(first, first + i, to.number); same != first + i;
         same = std::find(same + 1, first + i, to.number))
      if (node.neighbor(static_cast<uint32_t>(same - first)).generation == to.generation)
        state_->Warning(block, item, "a node has a neighbour twice", to.number);
    const NodeFacts facts = Look(to);
    if (!facts.is(to)) {
      switch (WhyStale(to)) {
        case Stale::kGone:
          state_->stale_edges++;
          break;
        case Stale::kNotGiven:
          state_->Warning(block, item, "a neighbour's generation is none that its page has given",
                          to.number);
          break;
        case Stale::kElsewhere:
          state_->Warning(block, item, "a neighbour's generation is that of another place",
                          to.number);
          break;
      }
      continue;
    }
    Mark(to.number, NodeFacts::kPointedTo);
    if (facts.level != level) {
      state_->Warning(block, item, "a neighbour is on another level", to.number);
      continue;
    }
    if (!comparable) continue;
    const char* fault = edges_.Compare(i, level);
    if (fault != nullptr) state_->Warning(block, item, fault, to.number);
  }
}

// The node below is written before the one above, and leaves after it.  Only where it
// was emptied before the one above came may it be gone.
void LinkVerifier::VerifyDown(uint32_t number, const ConstNode& node) {
  const NodeLayout& layout = state_->layout();
  const uint32_t block = layout.BlockOf(number);
  const int item = static_cast<int>(layout.SlotOf(number));
  const NodePointer down = node.down();
  const int below = node.head().level - 1;
  if (!down.valid() || layout.BlockOf(down.number) == kMetaBlock ||
      layout.BlockOf(down.number) >= state_->store.BlockCount()) {
    state_->Warning(block, item, "the node below is not one of this index", down.number);
    return;
  }
  const NodeFacts facts = Look(down);
  if (!facts.is(down)) {
    switch (WhyStale(down)) {
      case Stale::kGone:
        if (IsStill(number, node)) state_->lost_downs++;
        break;
      case Stale::kNotGiven:
        state_->Warning(block, item,
                        "the generation of the node below is none that its page has given",
                        down.number);
        break;
      case Stale::kElsewhere:
        state_->Warning(block, item, "the generation of the node below is that of another place",
                        down.number);
        break;
    }
    return;
  }
  if (facts.level != below) {
    state_->Warning(block, item, "the node below is of another level", down.number);
    return;
  }
  if (!state_->options->full || !edges_.ReadOther(down, below)) return;
  if (!SameVector(*state_->index, VectorOf(node), edges_.other()))
    state_->Warning(block, item, "the node below is one of another vector", down.number);
}

void LinkVerifier::Reach(NodePointer to) {
  if (!to.valid() || to.number >= state_->nodes.size()) return;
  NodeFacts& facts = state_->nodes[to.number];
  if (!facts.is(to) || (facts.marks & NodeFacts::kReached) != 0) return;
  Mark(to.number, NodeFacts::kReached);
  reached_.PushBack(to.number);
}

// Breadth first, each step up the blocks, so that a page is read about once a step.
void LinkVerifier::FindReached() {
  const NodeLayout& layout = state_->layout();
  reached_.Clear();
  Reach(ReadPartition(state_->store).entry());
  size_t first = 0;
  while (first < reached_.size()) {
    const size_t end = reached_.size();
    std::sort(reached_.begin() + first, reached_.end());
    uint32_t copied = kMetaBlock;
    for (; first < end; first++) {
      const uint32_t block = layout.BlockOf(reached_[first]);
      if (block != copied) state_->Copy(block, page_);
      copied = block;
      if (!IsNodePage(page_, layout, PageKind::kNode) &&
          !IsNodePage(page_, layout, PageKind::kUpper))
        continue;
      const ConstNode node(page_, layout, layout.SlotOf(reached_[first]));
      if (!node.in_use()) continue;
      for (uint32_t i = 0; i < node.slot_count(); i++) Reach(node.neighbor(i));
      if (node.head().level > 0) Reach(node.down());
    }
  }
}

void LinkVerifier::Report() {
  uint64_t bottom = 0;
  uint64_t pointed_to = 0;
  uint64_t reached = 0;
  for (const NodeFacts& facts : state_->nodes) {
    if ((facts.marks & NodeFacts::kInUse) == 0 || facts.level != 0) continue;
    bottom++;
    pointed_to += (facts.marks & NodeFacts::kPointedTo) != 0 ? 1 : 0;
    reached += (facts.marks & NodeFacts::kReached) != 0 ? 1 : 0;
  }
  state_->Info("links to nodes that are gone", state_->stale_edges, state_->edges);
  state_->Info("upper nodes whose node below is gone", state_->lost_downs, state_->upper_nodes);
  state_->Info("bottom nodes that no link leads to", bottom - pointed_to, bottom);
  if (state_->options->full)
    state_->Info("bottom nodes that no search comes to", bottom - reached, bottom);
}

}  // namespace quiver
