#include "graph/mend.h"

#include <algorithm>
#include <cmath>
#include <new>

namespace quiver {

namespace {

// Candidates that are read for each link that is to be replaced, and besides.
constexpr size_t kReadForEach = 3;
constexpr size_t kReadBesides = 2;

// A node is searched for anew where it has fewer neighbours than this part of the
// slots; and a list is filled with dominated ones up to the part that a new node's is,
// or as far as it was, which back-links may have filled.
constexpr uint32_t kFewShare = 6;
constexpr uint32_t kFilledShare = 3;

}  // namespace

Mender::Mender(const GraphContext& context, const Census& census, int ef_construction,
               QuiverVacuumStats* stats)
    : context_(&context),
      census_(&census),
      ef_construction_(ef_construction),
      stats_(stats),
      search_stats_(),
      search_(context, &search_stats_),
      linker_(context, &search_),
      reader_(context),
      self_(context.kernels, context.index, context.allocator),
      planner_(context.kernels, context.index, context.allocator),
      image_(context.allocator),
      missing_(context.allocator),
      dead_(context.allocator),
      candidates_(context.allocator),
      found_(context.allocator),
      kept_(context.allocator),
      rejected_(context.allocator) {
  static_assert(std::is_trivially_destructible_v<Mender>);
  const NodeLayout& layout = context.layout();
  makers_ = reinterpret_cast<QueryMaker*>(
      AllocateArray<uint8_t>(context.allocator, layout.slots * sizeof(QueryMaker)));
  for (uint32_t i = 0; i < layout.slots; i++)
    new (makers_ + i) QueryMaker(context.kernels, context.index, context.allocator);
  codes_ = AllocateArray<uint8_t>(context.allocator, 2 * size_t{layout.slots} * layout.code_bytes);
  scratch_ =
      AllocateArray<float>(context.allocator, layout.form == QUIVER_FORM_DENSE ? layout.dim : 0);
}

void Mender::MendPage(uint32_t block) {
  const NodeLayout& layout = context_->layout();
  for (uint32_t slot = 0; slot < layout.nodes_per_page; slot++) {
    if (!ReadNode(block, slot)) continue;
    candidates_.Clear();
    dead_.Clear();
    const ConstNode node(reinterpret_cast<const uint8_t*>(image_.begin()), layout);
    query_ = self_.Make(VectorOf(node));
    for (const NodePointer at : missing_) VisitMissing(at);
    const auto gone = static_cast<uint32_t>(dead_.size());
    const uint32_t left = node.slot_count() - gone;
    if (gone == 0 && node.slot_count() > 0) continue;
    const uint32_t few = std::max(1u, layout.slots / kFewShare);
    ReadCandidates(kReadForEach * gone + kReadBesides);
    uint32_t want = gone;
    if (left + std::min<size_t>(gone, found_.size()) < few) {
      SearchAnew();
      want = layout.slots - left;
    }
    Choose(want);
    stats_->mended++;
  }
}

// Copies a living node that points to missing ones, or to none at all; false: there is
// nothing to mend.
bool Mender::ReadNode(uint32_t block, uint32_t slot) {
  const NodeLayout& layout = context_->layout();
  const Store& store = context_->store;
  QuiverPin pin;
  const uint8_t* page = store.Read(block, &pin);
  const ConstNode node(page, layout, slot);
  const bool bottom = IsNodePage(page, layout, PageKind::kNode);
  bool mend = false;
  if ((bottom || IsNodePage(page, layout, PageKind::kUpper)) && node.in_use() &&
      (node.head().flags & kNodeEmptied) == 0 && (node.head().level == 0) == bottom) {
    at_ = {layout.NumberOf(block, slot), node.pointer_generation()};
    level_ = node.head().level;
    missing_.Clear();
    for (uint32_t i = 0; i < node.slot_count(); i++)
      if (census_->Missing(node.neighbor(i).number)) missing_.PushBack(node.neighbor(i));
    mend = !missing_.empty() || (bottom && node.slot_count() == 0);
    if (mend) {
      uint64_t pages = 0;
      const ConstNode whole = reader_.Read(node, at_.number, NodeReader::kEverything, &pages);
      // Kernels may read 64 bytes past the codes.
      const size_t bytes = layout.ImageBytes(whole.vector_bytes());
      image_.Resize((bytes + 64) / 8 + 1);
      memcpy(image_.begin(), whole.bytes(), bytes);
    }
  }
  store.Release(&pin);
  return mend;
}

bool Mender::InList(NodePointer at) const {
  const ConstNode node(reinterpret_cast<const uint8_t*>(image_.begin()), context_->layout());
  for (uint32_t i = 0; i < node.slot_count(); i++)
    if (node.neighbor(i).number == at.number) return true;
  return at.number == at_.number;
}

// Whether a neighbour that the census missed is dead; a dead one's neighbours become
// candidates, at their estimated distances.
void Mender::VisitMissing(NodePointer at) {
  const NodeLayout& layout = context_->layout();
  const Store& store = context_->store;
  const uint32_t block = layout.BlockOf(at.number);
  if (block == kMetaBlock || block >= store.BlockCount()) {
    dead_.PushBack(at);
    return;
  }
  float estimates[kMaxSlots];
  NodePointer neighbors[kMaxSlots];
  uint32_t count = 0;
  QuiverPin pin;
  const uint8_t* page = store.Read(block, &pin);
  if (!IsLiving(page, layout, at, level_)) {
    dead_.PushBack(at);
    if (HoldsNode(page, layout, at, level_)) {
      const ConstNode node(page, layout, layout.SlotOf(at.number));
      uint64_t pages = 0;
      count = node.slot_count();
      for (uint32_t i = 0; i < count; i++) neighbors[i] = node.neighbor(i);
      if (layout.codec == Codec::kNone) {
        // How far they are from the dead node must do.
        memcpy(estimates, node.lengths(), count * sizeof(float));
      } else {
        const ConstNode whole = reader_.Read(node, at.number, NodeReader::kEverything, &pages);
        const float base = Distance(*context_->kernels, *context_->index, query_, VectorOf(whole));
        EstimateNeighbors(*context_->kernels, *context_->index, whole, query_, base, estimates);
      }
    }
  }
  store.Release(&pin);
  const size_t first = candidates_.size();
  for (uint32_t i = 0; i < count; i++)
    if (!std::isnan(estimates[i]) && !census_->Missing(neighbors[i].number) &&
        !InList(neighbors[i]))
      candidates_.PushBack({estimates[i], neighbors[i], false});
  if (candidates_.size() == first) return;
  std::min_element(candidates_.begin() + first, candidates_.end(),
                   [](const Candidate& a, const Candidate& b) { return a.estimate < b.estimate; })
      ->nearest = true;
}

uint8_t* Mender::Keep(const ConstNode& whole, size_t at) {
  while (kept_.size() <= at) kept_.PushBack({nullptr, 0});
  Kept& kept = kept_[at];
  const size_t bytes = whole.vector_bytes();
  if (kept.bytes == nullptr || kept.room < bytes) {
    const size_t room = std::max(bytes, 2 * kept.room);
    kept = {AllocateArray<uint8_t>(context_->allocator, room), room};
  }
  memcpy(kept.bytes, whole.vector(), bytes);
  return kept.bytes;
}

// The `most` nearest candidates, with their vectors, into found_, and the nearest one
// of each dead node: a link that led far away is replaced by one that does.
void Mender::ReadCandidates(size_t most) {
  const NodeLayout& layout = context_->layout();
  const Store& store = context_->store;
  found_.Clear();
  std::sort(candidates_.begin(), candidates_.end(), [](const Candidate& a, const Candidate& b) {
    if (a.at.number != b.at.number) return a.at.number < b.at.number;
    return a.nearest != b.nearest ? a.nearest : a.estimate < b.estimate;
  });
  Candidate* end = std::unique(
      candidates_.begin(), candidates_.end(),
      [](const Candidate& a, const Candidate& b) { return a.at.number == b.at.number; });
  std::sort(candidates_.begin(), end,
            [](const Candidate& a, const Candidate& b) { return a.estimate < b.estimate; });
  for (const Candidate* candidate = candidates_.begin(); candidate != end; candidate++) {
    if (found_.size() >= most && !candidate->nearest) continue;
    const uint32_t block = layout.BlockOf(candidate->at.number);
    if (block == kMetaBlock || block >= store.BlockCount()) continue;
    QuiverPin pin;
    const uint8_t* page = store.Read(block, &pin);
    if (IsLiving(page, layout, candidate->at, level_)) {
      const ConstNode node(page, layout, layout.SlotOf(candidate->at.number));
      uint64_t pages = 0;
      const ConstNode whole = reader_.Read(node, candidate->at.number, NodeReader::kVector, &pages);
      Found found = {};
      found.vector = VectorOf(whole);
      found.distance = Distance(*context_->kernels, *context_->index, query_, found.vector);
      found.number = candidate->at.number;
      found.generation = candidate->at.generation;
      found.vector.bytes = Keep(whole, found_.size());
      found_.PushBack(found);
    }
    store.Release(&pin);
  }
}

// Candidates for a node that has lost nearly all its neighbours.
void Mender::SearchAnew() {
  const Partition partition = ReadPartition(context_->store);
  if (!partition.entry().valid() || partition.entry_level < level_) return;
  search_.Reset(&query_, Search::kKeepVectors);
  const auto width = static_cast<size_t>(ef_construction_);
  search_.Run(partition.entry(), partition.entry_level, level_, width,
              width * Search::kWideWhenLinking);
  found_.Clear();
  for (const Found& found : search_.found())
    if (!found.emptied && !InList(found.pointer())) found_.PushBack(found);
  stats_->searched++;
}

// True where a neighbour that is left, or one chosen before, is closer to the
// candidate than the node is.
bool Mender::IsDominated(const Found& candidate, const Query& query, uint32_t chosen) {
  for (uint32_t i = 0; i < chosen; i++)
    if (Distance(*context_->kernels, *context_->index, queries_[i], candidate.vector) <
        candidate.distance)
      return true;
  if (context_->layout().codec == Codec::kNone) return false;
  const ConstNode node(reinterpret_cast<const uint8_t*>(image_.begin()), context_->layout());
  LinkDistances distances;
  EstimateLinkDistances(*context_, &planner_, node, query, candidate.distance, &distances);
  for (uint32_t i = 0; i < node.slot_count(); i++)
    if (!node.dominated(i) && !census_->Missing(node.neighbor(i).number) &&
        distances.to_v[i] < candidate.distance && distances.to_u[i] < candidate.distance)
      return true;
  return false;
}

// Takes the dead out of the list and links up to `want` of found_.
void Mender::Choose(uint32_t want) {
  const NodeLayout& layout = context_->layout();
  const ConstNode node(reinterpret_cast<const uint8_t*>(image_.begin()), layout);
  const uint32_t left = node.slot_count() - static_cast<uint32_t>(dead_.size());
  std::sort(found_.begin(), found_.end(),
            [](const Found& a, const Found& b) { return a.distance < b.distance; });
  const uint32_t filled = std::max(layout.slots / kFilledShare, node.slot_count());
  uint32_t chosen = 0;
  rejected_.Clear();
  for (const Found& found : found_) {
    if (chosen == want) break;
    queries_[chosen] = makers_[chosen].Make(found.vector);
    if (IsDominated(found, queries_[chosen], chosen))
      rejected_.PushBack(&found);
    else
      chosen_[chosen++] = &found;
  }
  for (const Found* found : rejected_) {
    if (chosen == want || left + chosen >= filled) break;
    queries_[chosen] = makers_[chosen].Make(found->vector);
    chosen_[chosen++] = found;
  }
  TakeOutDead();
  WriteLinks(chosen);
}

void Mender::WriteLinks(uint32_t chosen) {
  const NodeLayout& layout = context_->layout();
  const ConstNode node(reinterpret_cast<const uint8_t*>(image_.begin()), layout);
  const StoredVector vector = VectorOf(node);
  uint32_t count = 0;
  for (uint32_t i = 0; i < chosen; i++) {
    const Found& found = *chosen_[i];
    uint8_t* code = codes_ + 2 * size_t{i} * layout.code_bytes;
    uint8_t* back_code = code + layout.code_bytes;
    const EdgeSides sides =
        EncodeEdge(*context_, query_, vector, found.vector, scratch_, code, back_code);
    links_[count++] = {at_, found.pointer(), &queries_[i], found.distance, code, sides.factors};
    links_[count++] = {found.pointer(), at_,       &query_,
                       found.distance,  back_code, sides.back_factors};
  }
  std::stable_sort(links_, links_ + count,
                   [](const Link& a, const Link& b) { return a.list.number < b.list.number; });
  linker_.Write(links_, count, level_);
  stats_->linked += chosen;
}

void Mender::TakeOutDead() {
  const NodeLayout& layout = context_->layout();
  const Store& store = context_->store;
  if (dead_.empty()) return;
  QuiverPin pin;
  const uint8_t* page = store.Lock(layout.BlockOf(at_.number), &pin);
  if (HoldsNode(page, layout, at_, level_)) TakeOutOfPage(page, &pin);
  store.Release(&pin);
}

// The last slot moves into each gap.
void Mender::TakeOutOfPage(const uint8_t* page, QuiverPin* pin) {
  const NodeLayout& layout = context_->layout();
  const Store& store = context_->store;
  const uint32_t place = layout.SlotOf(at_.number);
  const auto is_dead = [&](const ConstNode& node, uint32_t i) {
    const NodePointer to = node.neighbor(i);
    return std::any_of(dead_.begin(), dead_.end(), [&](NodePointer dead) {
      return dead.number == to.number && dead.generation == to.generation;
    });
  };
  const bool chunked = layout.codes_at_home < layout.slots && layout.code_bytes > 0;
  bool open = false;
  uint8_t* image = nullptr;
  for (uint32_t i = 0;;) {
    const ConstNode now(image != nullptr ? image : page, layout, place);
    if (i >= now.slot_count()) break;
    if (!is_dead(now, i)) {
      i++;
      continue;
    }
    if (chunked) {
      // A record for each, since the codes lie on several pages.
      TakeOutChunked(page, i, pin);
      continue;
    }
    if (!open) {
      store.Begin();
      image = store.Edit(pin);
      open = true;
    }
    const Node node(image, layout, place);
    const uint32_t last = node.slot_count() - 1;
    MoveSlot(layout, node, last, i);
    memmove(node.code(i), node.code(last), layout.code_bytes);
    node.head().slot_count = static_cast<uint8_t>(last);
  }
  if (open) store.Commit();
}

// A record of the node's page and, where the gap is not on it, of the chunk page that
// the moved code goes to.
void Mender::TakeOutChunked(const uint8_t* page, uint32_t slot, QuiverPin* pin) {
  const NodeLayout& layout = context_->layout();
  const Store& store = context_->store;
  const uint32_t place = layout.SlotOf(at_.number);
  const ConstNode now(page, layout, place);
  const uint32_t last = now.slot_count() - 1;
  uint64_t pages = 0;
  const ConstNode whole = reader_.Read(now, at_.number, NodeReader::kEverything, &pages);
  const bool elsewhere = slot != last && slot >= layout.codes_at_home;
  const uint32_t part = elsewhere ? PartOfCode(now, layout, slot) : 0;
  QuiverPin chunk;
  const uint8_t* chunk_page = elsewhere ? store.Lock(reader_.BlockOfPart(part), &chunk) : nullptr;
  store.Begin();
  const Node node(store.Edit(pin), layout, place);
  MoveSlot(layout, node, last, slot);
  node.head().slot_count = static_cast<uint8_t>(last);
  if (elsewhere) {
    const size_t offset =
        layout.code_offset + size_t{slot} * layout.code_bytes - PartAt(now, layout, part).offset;
    if (memcmp(ChunkData(chunk_page) + offset, whole.code(last), layout.code_bytes) != 0)
      memcpy(ChunkData(store.Edit(&chunk)) + offset, whole.code(last), layout.code_bytes);
  } else if (slot != last) {
    memcpy(node.code(slot), whole.code(last), layout.code_bytes);
  }
  store.Commit();
  if (elsewhere) store.Release(&chunk);
}

}  // namespace quiver
