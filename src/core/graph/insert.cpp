#include "graph/insert.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <utility>

#include "base/random.h"
#include "graph/chain.h"

namespace quiver {

namespace {

// A node is on level l or above with probability 2^(-5 l): each upper layer is
// a 32nd of the one below, about as many as a node has neighbours.
constexpr int kLevelShift = 5;

// Codes of one bit a component lead astray more often: the beam is wider by this part.
constexpr size_t kCoarseShare = 8;
constexpr size_t kCoarseShareFew = 4;  // HasFewSlots

// A row goes to layer 1 if that layer has no node about as near as the row's eighth
// neighbour, nor as its 24th: the first finds the clusters that the layer missed, the
// second keeps it small (docs/decisions/0007-cover-of-the-upper-layer.md).
constexpr size_t kCoverNear = 8;
constexpr size_t kCoverFar = 24;
constexpr float kCoverNearGap = 1.4f;
constexpr float kCoverNearGapFew = 1.2f;  // HasFewSlots
constexpr float kCoverFarGap = 0.9f;

// The beam that looks for an expected twin: its own codes lead to a vector, mostly
// straight.
constexpr size_t kTwinWidth = 8;

// How often the beam is doubled where it finds emptied nodes.
constexpr int kMostWidened = 3;

// List rows that an insert moves along while the list drains.
constexpr int kDrainRows = 4;

// Searches in vain from one entry point before it counts as damaged.
constexpr int kMostLost = 5;

// From 384 to 767 dimensions a page leaves its nodes the fewest routes, and islands are
// the hardest; a larger layer 1 costs the least of the index there.
bool HasFewSlots(const NodeLayout& layout) {
  return layout.codec == Codec::kEdge && layout.bits == 1 && layout.slots < 22;
}

int RandomLevel(uint64_t random) {
  const int level = std::countl_zero(random | 1) / kLevelShift;
  return std::min(level, static_cast<int>(kMaxLevel));
}

// Emptied nodes are about to go: they are neighbours only where there are no others.
void LeaveOutEmptied(ArenaVector<Found>* found) {
  Found* kept = std::remove_if(found->begin(), found->end(),
                               [](const Found& other) { return other.emptied; });
  if (kept != found->begin()) found->Resize(static_cast<size_t>(kept - found->begin()));
}

}  // namespace

Inserter::Inserter(const GraphContext& context)
    : context_(&context),
      stats_(),
      search_(context, &stats_),
      chooser_(context),
      placer_(context),
      linker_(context, &search_),
      query_(context.kernels, context.index, context.allocator),
      stored_(context.allocator) {
  const NodeLayout& layout = context.layout();
  const size_t floats = layout.form == QUIVER_FORM_DENSE ? layout.dim : 0;
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
    Partition partition = ReadPartition(context_->store);
    placer_.SetPartition(partition);
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
    if (placed == Placed::kGone) return {};
    if (merged) return bottom;

    // Levels grow one at a time, so that a layer is entered by few nodes only.
    const int wanted = std::max(RandomLevel(random), uncovered_ ? 1 : 0);
    const int top = std::min(wanted, partition.entry_level + 1);
    NodePointer at = bottom;
    for (node.level = 1; node.level <= top;) {
      node.down = at;
      if (InsertAtLevel(vector, partition, &node, ef_construction, nullptr, &at, &merged) ==
          Placed::kYes) {
        node.level++;
        continue;
      }
      // Vacuum has moved the entry point meanwhile, perhaps to a lower level.
      partition = ReadPartition(context_->store);
      if (!partition.entry().valid() || node.level > partition.entry_level + 1) break;
    }
    // Where vacuum found all nodes dead meanwhile, it has left none to enter by.
    if (node.level - 1 > partition.entry_level || !ReadPartition(context_->store).entry().valid())
      RaiseEntry(*context_, at, node.level - 1, bottom);
    return bottom;
  }
}

// Into search_, if a narrow beam meets it.
bool Inserter::FindTwin(const PreparedVector& vector, const Partition& partition) {
  search_.Reset(&vector.query, Search::kKeepVectors);
  search_.StopAt(&vector.stored);
  search_.Run(partition.entry(), partition.entry_level, 0, kTwinWidth, 0);
  return search_.met_twin();
}

// Into search_, with wider beams where nearly all that is found is about to go.
void Inserter::FindNeighbors(const PreparedVector& vector, const Partition& partition, int level,
                             size_t width) {
  if (level == 0 && std::exchange(expects_twin_, false) && FindTwin(vector, partition)) return;
  if (context_->layout().codec == Codec::kEdge && context_->layout().bits == 1)
    width += width / (HasFewSlots(context_->layout()) ? kCoarseShareFew : kCoarseShare);
  for (int widened = 0;; widened++, width *= 2) {
    search_.Reset(&vector.query, Search::kKeepVectors);
    if (level == 0) search_.StopAt(&vector.stored);
    if (level > partition.entry_level) return;
    search_.Run(partition.entry(), partition.entry_level, level, width,
                width * Search::kWideWhenLinking);
    const ArenaVector<Found>& found = search_.found();
    const auto emptied = static_cast<size_t>(std::count_if(
        found.begin(), found.end(), [](const Found& other) { return other.emptied; }));
    if (emptied == 0 || search_.met_twin() || found.size() - emptied >= context_->layout().slots ||
        widened == kMostWidened)
      return;
  }
}

Placed Inserter::InsertAtLevel(const PreparedVector& vector, const Partition& partition,
                               NewNode* node, int ef_construction, const ListSource* source,
                               NodePointer* where, bool* merged) {
  FindNeighbors(vector, partition, node->level, static_cast<size_t>(ef_construction));
  ArenaVector<Found>& found = search_.found();
  if (found.empty() && node->level <= partition.entry_level) {
    // Vacuum has moved the entry point meanwhile, or freed all that the search knew.
    const NodePointer now = ReadPartition(context_->store).entry();
    if (now.number != partition.entry_number || now.generation != partition.entry_generation ||
        ++lost_ < kMostLost)
      return Placed::kRetry;
    context_->store.Corrupted(context_->layout().BlockOf(partition.entry_number),
                              "the entry point leads nowhere", partition.entry_number);
  }
  lost_ = 0;
  std::sort(found.begin(), found.end(),
            [](const Found& a, const Found& b) { return a.distance < b.distance; });
  if (node->level == 0) {
    for (const Found& other : found) {
      if (other.emptied || !SameVector(*context_->index, other.vector, vector.stored)) continue;
      *merged = true;
      *where = other.pointer();
      return placer_.PlacePosting(other.pointer(), vector.stored, node->posting, source);
    }
  }
  LeaveOutEmptied(&found);
  const float near_gap = HasFewSlots(context_->layout()) ? kCoverNearGapFew : kCoverNearGap;
  if (node->level == 0)
    uncovered_ = HasSquaredEdges(*context_->index) && partition.entry_level > 0 &&
                 found.size() > kCoverFar &&
                 search_.above() > near_gap * found[kCoverNear].distance &&
                 search_.above() > kCoverFarGap * found[kCoverFar].distance;
  const Found* choices[kMaxSlots];
  const NeighborChooser::Count count = chooser_.Choose(found, choices);
  MakeEdges(vector, choices, count);
  node->edges = edges_;
  node->edge_count = count.all;
  const Placed placed = placer_.PlaceNode(*node, source, where);
  if (placed == Placed::kYes) WriteBackLinks(*where, node->level, count.all);
  return placed;
}

void Inserter::MakeEdges(const PreparedVector& vector, const Found* const* choices,
                         NeighborChooser::Count count) {
  const NodeLayout& layout = context_->layout();
  for (uint32_t i = 0; i < count.all; i++) {
    const Found& found = *choices[i];
    uint8_t* code = edge_codes_ + size_t{i} * layout.code_bytes;
    uint8_t* back_code = back_codes_ + size_t{i} * layout.code_bytes;
    const EdgeSides sides = EncodeEdge(*context_, vector.query, vector.stored, found.vector,
                                       neighbor_, code, back_code);
    edges_[i] = {found.pointer(), i >= count.diverse, found.distance, code, sides.factors};
    back_links_[i] = {found.pointer(), NodePointer{}, &vector.query,
                      found.distance,  back_code,     sides.back_factors};
  }
}

void Inserter::WriteBackLinks(NodePointer to, int level, uint32_t count) {
  for (uint32_t i = 0; i < count; i++) back_links_[i].to = to;
  std::sort(back_links_, back_links_ + count,
            [](const Link& a, const Link& b) { return a.list.number < b.list.number; });
  linker_.Write(back_links_, count, level);
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

void InsertRow(const QuiverStore* c_store, const QuiverIndex* index,
               const QuiverInsertOptions& options, QuiverTid tid, const QuiverValue* value) {
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
  if (options.expects_twin) inserter->ExpectTwin();
  inserter->Insert(prepared, posting, options.ef_construction, options.random, nullptr);
  inserter->DrainList(kDrainRows, options.ef_construction, options.random ^ 0x9E3779B97F4A7C15u);
}

}  // namespace quiver
