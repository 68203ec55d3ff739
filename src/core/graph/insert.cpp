#include "graph/insert.h"

#include <algorithm>
#include <bit>
#include <limits>

#include "base/random.h"
#include "graph/chain.h"

namespace quiver {

namespace {

// A node is on level l or above with probability 2^(-5 l): each upper layer is
// a 32nd of the one below, about as many as a node has neighbours.
constexpr int kLevelShift = 5;

// A row that looks lost is sought on layer 1 with a beam this much wider: its edges
// are there for good.
constexpr size_t kWideFactor = 8;

// Codes of one bit a component lead astray more often: the beam is wider by this part.
constexpr size_t kCoarseShare = 4;

// A row goes to layer 1 if that layer has no node about as near as the row's eighth
// neighbour, nor as its 24th: the first finds the clusters that the layer missed, the
// second keeps it small (docs/decisions/0007-cover-of-the-upper-layer.md).
constexpr size_t kCoverNear = 8;
constexpr size_t kCoverFar = 24;
constexpr float kCoverNearGap = 1.2f;
constexpr float kCoverFarGap = 0.9f;

// List rows that an insert moves along while the list drains.
constexpr int kDrainRows = 4;

int RandomLevel(uint64_t random) {
  const int level = std::countl_zero(random | 1) / kLevelShift;
  return std::min(level, static_cast<int>(kMaxLevel));
}

}  // namespace

Inserter::Inserter(const GraphContext& context)
    : context_(&context),
      stats_(),
      search_(context, &stats_),
      chooser_(context),
      placer_(context),
      reader_(context),
      query_(context.kernels, context.index, context.allocator),
      self_(context.kernels, context.index, context.allocator),
      stored_(context.allocator) {
  const NodeLayout& layout = context.layout();
  const size_t floats = layout.form == QUIVER_FORM_DENSE ? layout.dim : 0;
  self_.Reserve(true);
  scratch_ = AllocateArray<float>(context.allocator, 2 * floats);
  neighbor_ = AllocateArray<float>(context.allocator, floats);
  edge_codes_ = AllocateArray<uint8_t>(context.allocator, size_t{layout.slots} * layout.code_bytes);
  back_codes_ = AllocateArray<uint8_t>(context.allocator, size_t{layout.slots} * layout.code_bytes);
}

PreparedVector Inserter::Prepare(const QuiverValue& value) {
  // There even for a sparse vector without entries.
  stored_.Resize(StoredBytes(*context_->index, value) / 8 + 1);
  return Prepare(StoreValue(*context_->kernels, *context_->index, value,
                            reinterpret_cast<uint8_t*>(stored_.begin()), scratch_));
}

PreparedVector Inserter::Prepare(const StoredVector& stored) {
  return {stored, query_.Make(stored)};
}

NodePointer Inserter::Insert(const PreparedVector& vector, PostingEntry posting,
                             int ef_construction, uint64_t random, const ListSource* source) {
  for (;;) {
    context_->store.Poll();
    const Partition partition = ReadPartition(context_->store);
    NewNode node = {vector.stored, posting, NodePointer{}, 0, nullptr, 0};
    if (!partition.entry().valid()) {
      const Placed placed = placer_.PlaceFirstNode(node, source);
      if (placed == Placed::kRetry) continue;
      if (placed == Placed::kGone) return {};
      return ReadPartition(context_->store).entry();
    }
    NodePointer bottom;
    bool merged = false;
    const Placed placed =
        InsertAtLevel(vector, partition, &node, ef_construction, source, &bottom, &merged);
    if (placed == Placed::kRetry) continue;
    if (placed == Placed::kGone || merged) return {};

    // Levels grow one at a time, so that a layer is entered by few nodes only.
    const int wanted = std::max(RandomLevel(random), uncovered_ ? 1 : 0);
    const int top = std::min(wanted, partition.entry_level + 1);
    NodePointer at = bottom;
    for (int level = 1; level <= top; level++) {
      node.down = at;
      node.level = level;
      InsertAtLevel(vector, partition, &node, ef_construction, nullptr, &at, &merged);
    }
    if (top > partition.entry_level) RaiseEntry(context_->store, at, top);
    return bottom;
  }
}

Placed Inserter::InsertAtLevel(const PreparedVector& vector, const Partition& partition,
                               NewNode* node, int ef_construction, const ListSource* source,
                               NodePointer* where, bool* merged) {
  search_.Reset(&vector.query, Search::kKeepVectors);
  auto width = static_cast<size_t>(ef_construction);
  if (context_->layout().codec == Codec::kEdge && context_->layout().bits == 1)
    width += width / kCoarseShare;
  if (node->level <= partition.entry_level)
    search_.Run(partition.entry(), partition.entry_level, node->level, width, width * kWideFactor);
  ArenaVector<Found>& found = search_.found();
  if (found.empty() && node->level <= partition.entry_level)
    context_->store.Corrupted(context_->layout().BlockOf(partition.entry_number),
                              "the entry point leads nowhere", partition.entry_number);
  std::sort(found.begin(), found.end(),
            [](const Found& a, const Found& b) { return a.distance < b.distance; });
  if (node->level == 0) {
    for (const Found& other : found) {
      if (!SameVector(*context_->index, other.vector, vector.stored)) continue;
      *merged = true;
      return placer_.PlacePosting(other.pointer(), vector.stored, node->posting, source);
    }
  }
  if (node->level == 0)
    uncovered_ = HasSquaredEdges(*context_->index) && partition.entry_level > 0 &&
                 found.size() > kCoverFar &&
                 search_.above() > kCoverNearGap * found[kCoverNear].distance &&
                 search_.above() > kCoverFarGap * found[kCoverFar].distance;
  const Found* choices[kMaxSlots];
  const NeighborChooser::Count count = chooser_.Choose(found, choices);
  MakeEdges(vector, choices, count);
  node->edges = edges_;
  node->edge_count = count.all;
  const Placed placed = placer_.PlaceNode(*node, source, where);
  if (placed == Placed::kYes) WriteBackLinks(vector, *where, node->level, count.all);
  return placed;
}

void Inserter::MakeEdges(const PreparedVector& vector, const Found* const* choices,
                         NeighborChooser::Count count) {
  const NodeLayout& layout = context_->layout();
  const QuiverIndex& index = *context_->index;
  for (uint32_t i = 0; i < count.all; i++) {
    const Found& found = *choices[i];
    uint8_t* code = edge_codes_ + size_t{i} * layout.code_bytes;
    uint8_t* back_code = back_codes_ + size_t{i} * layout.code_bytes;
    edges_[i] = {found.pointer(), i >= count.diverse, found.distance, code, {}};
    back_links_[i] = {found.pointer(), found.distance, back_code, {}};
    switch (layout.codec) {
      case Codec::kEdge: {
        QuiverEdgeTerms terms;
        Decode(*context_->kernels, index, found.vector.bytes, found.vector.scale, neighbor_);
        context_->kernels->encode_edge(vector.query.vector, neighbor_, index.center(), layout.dim,
                                       static_cast<int>(layout.bits), code, &terms);
        ComplementCode(layout, code, back_code);
        edges_[i].factors = ForwardFactors(index.metric, terms);
        back_links_[i].factors = BackwardFactors(index.metric, terms);
        break;
      }
      case Codec::kBits:
        memcpy(code, found.vector.bytes, layout.code_bytes);
        memcpy(back_code, vector.stored.bytes, layout.code_bytes);
        break;
      case Codec::kNone:
        break;
    }
  }
}

void Inserter::WriteBackLinks(const PreparedVector& vector, NodePointer to, int level,
                              uint32_t count) {
  const NodeLayout& layout = context_->layout();
  std::sort(back_links_, back_links_ + count,
            [](const BackLink& a, const BackLink& b) { return a.to.number < b.to.number; });
  uint32_t first = 0;
  // A handful of records, and no poll between them: a cancel there would leave a
  // row moved from the list, which others have committed, without a route to it.
  while (first < count) {
    if (layout.codec == Codec::kNone) {
      WriteUncodedBackLink(to, level, back_links_[first++]);
      continue;
    }
    // As many links as touch the pages of one record.
    uint32_t pages = 0;
    uint32_t last_block = QUIVER_INVALID_BLOCK;
    uint32_t end = first;
    for (; end < count; end++) {
      // A node's chunk pages are read between its page's lock and the record.
      if (!layout.vector_at_home && end > first) break;
      const uint32_t block = layout.BlockOf(back_links_[end].to.number);
      if (block == last_block) continue;
      if (pages == QUIVER_MAX_RECORD_PAGES) break;
      last_block = block;
      pages++;
    }
    WriteBackLinkRecord(vector, to, level, back_links_ + first, end - first);
    first = end;
  }
}

void Inserter::WriteBackLinkRecord(const PreparedVector& vector, NodePointer to, int level,
                                   const BackLink* links, uint32_t count) {
  const NodeLayout& layout = context_->layout();
  const Store& store = context_->store;
  QuiverPin pins[QUIVER_MAX_RECORD_PAGES];
  const uint8_t* pages[QUIVER_MAX_RECORD_PAGES];
  uint32_t page_count = 0;
  for (uint32_t i = 0; i < count; i++) {
    const uint32_t block = layout.BlockOf(links[i].to.number);
    if (page_count > 0 && pins[page_count - 1].block == block) continue;
    pages[page_count] = store.Lock(block, &pins[page_count]);
    page_count++;
  }

  bool open = false;
  uint32_t at = 0;
  for (uint32_t i = 0; i < count; i++) {
    const BackLink& link = links[i];
    if (pins[at].block != layout.BlockOf(link.to.number)) at++;
    const uint32_t slot = layout.SlotOf(link.to.number);
    const ConstNode now(pages[at], layout, slot);
    if (!IsNodePage(pages[at], layout, level == 0 ? PageKind::kNode : PageKind::kUpper) ||
        !now.in_use() || now.pointer_generation() != link.to.generation ||
        now.head().level != level)
      continue;
    const ConstNode whole =
        reader_.Read(now, link.to.number, NodeReader::kEverything, &stats_.pages);
    LinkDistances distances;
    LinkPlan plan;
    EstimateLinkDistances(*context_, &self_, whole, vector.query, link.distance, &distances);
    PlanLink(*context_, now, to, distances, link.distance, &plan);
    if (!plan.accepted) continue;
    if (layout.codes_at_home < layout.slots && plan.slot >= layout.codes_at_home) {
      WriteChunkedBackLink(to, link, plan, now, &pins[at]);
      continue;
    }
    if (!open) store.Begin();
    open = true;
    const Node node(store.Edit(&pins[at]), layout, slot);
    WriteLink(layout, node, to, link, plan);
    memcpy(node.code(plan.slot), link.code, layout.code_bytes);
  }
  if (open) store.Commit();
  while (page_count > 0) store.Release(&pins[--page_count]);
}

// The slot, but not its code, in an edited page.
void Inserter::WriteLink(const NodeLayout& layout, const Node& node, NodePointer to,
                         const BackLink& link, const LinkPlan& plan) {
  for (uint32_t j = 0; j < plan.newly_count; j++)
    node.generations()[plan.newly[j]] |= kDominatedBit;
  WriteSlot(layout, node, plan.slot,
            {to.number, static_cast<uint16_t>(to.generation | (plan.dominated ? kDominatedBit : 0)),
             link.factors, link.distance});
  if (plan.slot == node.head().slot_count) node.head().slot_count++;
}

// A record of the node's page, which is locked, and of the chunk page that the
// code lies on.  The node has just been read whole.
void Inserter::WriteChunkedBackLink(NodePointer to, const BackLink& link, const LinkPlan& plan,
                                    const ConstNode& now, QuiverPin* pin) {
  const NodeLayout& layout = context_->layout();
  const Store& store = context_->store;
  const uint32_t part = PartOfCode(now, layout, plan.slot);
  const size_t offset =
      layout.code_offset + size_t{plan.slot} * layout.code_bytes - PartAt(now, layout, part).offset;
  QuiverPin chunk;
  store.Lock(reader_.BlockOfPart(part), &chunk);
  store.Begin();
  WriteLink(layout, Node(store.Edit(pin), layout, layout.SlotOf(link.to.number)), to, link, plan);
  memcpy(ChunkData(store.Edit(&chunk)) + offset, link.code, layout.code_bytes);
  store.Commit();
  store.Release(&chunk);
}

// Without codes a list knows its own lengths only: how far its neighbours are from
// the row is read from their pages first, without a lock.  If the list has changed
// by the time it is locked, it is read again; at the last try what has changed
// counts as far away.
void Inserter::WriteUncodedBackLink(NodePointer to, int level, const BackLink& link) {
  constexpr int kTries = 3;
  const NodeLayout& layout = context_->layout();
  const Store& store = context_->store;
  const uint32_t block = layout.BlockOf(link.to.number);
  const uint32_t slot = layout.SlotOf(link.to.number);
  const PageKind kind = level == 0 ? PageKind::kNode : PageKind::kUpper;
  const auto is_there = [&](const uint8_t* page) {
    const ConstNode node(page, layout, slot);
    return IsNodePage(page, layout, kind) && node.in_use() &&
           node.pointer_generation() == link.to.generation && node.head().level == level;
  };
  NodePointer seen[kMaxSlots];
  LinkDistances distances;
  for (int attempt = 1;; attempt++) {
    QuiverPin pin;
    uint32_t seen_count = 0;
    const uint8_t* page = store.Read(block, &pin);
    if (is_there(page)) {
      const ConstNode node(page, layout, slot);
      seen_count = node.slot_count();
      for (uint32_t i = 0; i < seen_count; i++) seen[i] = node.neighbor(i);
    }
    store.Release(&pin);
    // A list with room takes the link whatever it says.
    if (seen_count == layout.slots)
      for (uint32_t i = 0; i < seen_count; i++)
        distances.to_u[i] = search_.DistanceTo(seen[i], level);

    page = store.Lock(block, &pin);
    if (!is_there(page)) {
      store.Release(&pin);
      return;
    }
    const ConstNode now(page, layout, slot);
    const uint32_t count = now.slot_count();
    bool changed = count == layout.slots && seen_count < count;
    for (uint32_t i = 0; i < count; i++) {
      const bool same = i < seen_count && seen[i].number == now.neighbor(i).number &&
                        seen[i].generation == now.neighbor(i).generation;
      if (!same || seen_count < layout.slots)
        distances.to_u[i] = std::numeric_limits<float>::infinity();
      changed |= !same && count == layout.slots;
      const float length = now.lengths()[i];
      distances.to_v[i] = length < std::numeric_limits<float>::infinity()
                              ? length
                              : std::numeric_limits<float>::infinity();
    }
    if (changed && attempt < kTries) {
      store.Release(&pin);
      continue;
    }
    LinkPlan plan;
    PlanLink(*context_, now, to, distances, link.distance, &plan);
    if (plan.accepted) {
      store.Begin();
      WriteLink(layout, Node(store.Edit(&pin), layout, slot), to, link, plan);
      store.Commit();
    }
    store.Release(&pin);
    return;
  }
}

void Inserter::DrainList(int rows, int ef_construction, uint64_t random) {
  const Store& store = context_->store;
  const NodeLayout& layout = context_->layout();
  SplitMix64 generator(random);
  auto* bytes = AllocateArray<uint8_t>(context_->allocator, layout.vector_bytes);
  for (int i = 0; i < rows; i++) {
    const Partition partition = ReadPartition(store);
    const uint32_t block = partition.list_head;
    if (partition.state != PartitionState::kDraining || block >= store.BlockCount()) return;
    QuiverPin pin;
    const uint8_t* page = store.Read(block, &pin);
    if (!IsPageOf(page, PageKind::kList)) {
      store.Release(&pin);
      return;
    }
    const size_t count = ListCount(page, layout);
    if (count == 0) {
      store.Release(&pin);
      UnlinkListHead(store, *context_->index, block);
      continue;
    }
    // Any of them: sessions that drain at once should not all take the same.
    const ListEntry* entry = ListAt(page, layout, generator.Next() % count);
    const StoredVector stored = {bytes, entry->scale, entry->entries, entry->hash};
    const PostingEntry posting = entry->posting;
    memcpy(bytes, entry->vector(), layout.vector_bytes);
    store.Release(&pin);
    const ListSource source = {block, posting.tid(), stored.hash};
    Insert(Prepare(stored), posting, ef_construction, generator.Next(), &source);
  }
}

void InsertRow(const QuiverStore* c_store, const QuiverIndex* index, int ef_construction,
               uint64_t random, QuiverTid tid, const QuiverValue* value) {
  const Store store(c_store);
  Allocator allocator = store.MakeAllocator();
  const GraphContext context = {store, index, quiver_kernels(), &allocator, false};
  CheckWritable(store, *index);
  if (value == nullptr || !HasDirection(*index, *value)) {
    AppendLoose(store, PostingEntry::Make(tid, value == nullptr ? kPostingNull : kPostingNan));
    return;
  }
  auto* inserter = new (AllocateArray<uint8_t>(&allocator, sizeof(Inserter))) Inserter(context);
  static_assert(std::is_trivially_destructible_v<Inserter>);
  const PreparedVector prepared = inserter->Prepare(*value);
  const PostingEntry posting = PostingEntry::Make(tid);
  if (AppendToList(store, *index, prepared.stored, posting)) return;
  inserter->Insert(prepared, posting, ef_construction, random, nullptr);
  inserter->DrainList(kDrainRows, ef_construction, random ^ 0x9E3779B97F4A7C15u);
}

}  // namespace quiver
