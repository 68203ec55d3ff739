#include "graph/search.h"

#include "page/hints.h"

namespace quiver {

namespace {

// Beam of the upper layers: one would be plain greedy; among separate clusters
// each more finds the right one more often, for a page a layer.  So it grows with
// the beam at the bottom (docs/decisions/0006-partly-filled-lists.md).
constexpr size_t kLeastDescentWidth = 3;
constexpr size_t kDescentShare = 8;

// When a search looks lost (docs/decisions/0007-cover-of-the-upper-layer.md).
constexpr float kLostEdges = 1.2f;
constexpr float kLostGain = 1.2f;
constexpr float kLostShare = 0.5f;

// Candidates that are fetched ahead: most often the next to be expanded, unless
// neighbours of the present one are nearer.
constexpr size_t kFetchedAhead = 4;

bool Farther(const Candidate& a, const Candidate& b) {
  return a.distance > b.distance;
}

}  // namespace

Search::Search(const GraphContext& context, QuiverScanStats* stats)
    : context_(&context),
      stats_(stats),
      beam_(context.allocator),
      visited_(context.allocator),
      visited_above_(context.allocator),
      found_(context.allocator),
      spill_(context.allocator),
      seeds_(context.allocator),
      reader_(context),
      kept_(context.allocator) {}

void Search::Reset(const Query* query, unsigned keep) {
  query_ = query;
  keep_ = keep;
  block_count_ = context_->store.BlockCount();
  squares_ = HasSquaredEdges(*context_->index);
  visited_.Clear();
  found_.Clear();
  spill_.Clear();
  above_ = std::numeric_limits<float>::infinity();
  farthest_ = 0;
  kept_used_ = 0;
  twin_ = nullptr;
  stop_ = false;
  if ((keep & kKeepSizes) && decoded_ == nullptr && context_->layout().form == QUIVER_FORM_DENSE)
    decoded_ = AllocateArray<float>(context_->allocator, context_->layout().dim);
}

void Search::Run(NodePointer entry, int entry_level, int level, size_t width, size_t wide) {
  const size_t narrow = std::max(kLeastDescentWidth, width / kDescentShare);
  Descend(entry, entry_level, level, narrow, narrow);
  RunLayer(level, width);
  if (stop_ || level > 0 || entry_level == 0 || wide <= narrow || !LooksLost()) return;
  const float first = above_;
  Descend(entry, entry_level, level, narrow, wide);
  if (above_ < first) RunLayer(level, width);
}

// Down to the nodes on `level` that seeds_ then has.
void Search::Descend(NodePointer entry, int entry_level, int level, size_t width,
                     size_t last_width) {
  const unsigned keep = keep_;
  keep_ = kKeepNothing;
  marks_ = &visited_above_;
  visited_above_.Clear();
  seeds_.Clear();
  seeds_.PushBack(Candidate{0, entry.number, entry.generation, 0});
  for (int l = entry_level; l > level; l--) {
    const size_t first = found_.size();
    RunLayer(l, l == level + 1 ? last_width : width);
    seeds_.Clear();
    above_ = nearest_;
    for (size_t i = first; i < found_.size(); i++) {
      const Found& found = found_[i];
      // An infinite distance (components that overflow) is no reason to stop here.
      const float distance = std::min(found.distance, std::numeric_limits<float>::max());
      seeds_.PushBack(Candidate{distance, found.down.number, found.down.generation, 0});
      farthest_ = std::max(farthest_, distance);
    }
    found_.Resize(first);
  }
  keep_ = keep;
  marks_ = &visited_;
}

void Search::RunLayer(int level, size_t width) {
  beam_.Reset(width);
  nearest_ = std::numeric_limits<float>::infinity();
  marks_->Reserve(width * context_->layout().slots);
  for (const Candidate& seed : seeds_)
    if (seed.number != kInvalidNode && marks_->Insert(seed.number)) Offer(seed);
  Drain(level);
}

// Whether the nearest node found seems to belong elsewhere: it is farther from the
// query than from some of its own neighbours, hardly nearer than the nodes of the layer
// above, and those hardly nearer than any that the descent met.  Where distances are no
// squared lengths nothing is known.
bool Search::LooksLost() const {
  return nearest_ > kLostEdges * nearest_edge_ && nearest_ > kLostShare * farthest_ &&
         above_ < kLostGain * nearest_;
}

bool Search::Continue(size_t width) {
  if (spill_.empty()) return false;
  beam_.Reset(width);
  std::make_heap(spill_.begin(), spill_.end(), Farther);
  for (size_t i = 0; i < width && !spill_.empty(); i++) {
    std::pop_heap(spill_.begin(), spill_.end(), Farther);
    const Candidate candidate = spill_.back();
    spill_.PopBack();
    Offer(candidate);
  }
  Drain(0);
  return true;
}

void Search::Drain(int level) {
  const NodeLayout& layout = context_->layout();
  Candidate candidate;
  while (!stop_ && beam_.Take(&candidate)) {
    context_->store.Poll();
    beam_.AnnounceNext(kFetchedAhead, [&](const Candidate& next) {
      context_->store.Prefetch(layout.BlockOf(next.number),
                               layout.OffsetOf(layout.SlotOf(next.number)), layout.node_bytes);
    });
    Expand(candidate, level);
  }
}

void Search::Offer(const Candidate& candidate) {
  Candidate evicted;
  if (!(candidate.distance < beam_.Threshold())) {
    if (keep_ & kKeepCandidates) spill_.PushBack(candidate);
  } else if (beam_.Put(candidate, &evicted)) {
    if ((keep_ & kKeepCandidates) && (evicted.marks & kExpanded) == 0) spill_.PushBack(evicted);
  }
}

const uint8_t* Search::KeepVector(const ConstNode& whole, bool in_place) {
  if (context_->stable_pages && in_place) return whole.vector();
  const size_t length = whole.vector_bytes();
  if (kept_used_ == kept_.size()) kept_.PushBack({nullptr, 0});
  Kept& kept = kept_[kept_used_++];
  if (kept.bytes == nullptr || kept.room < length) {
    // At least twice as much: the arena keeps what is outgrown, and in a build sparse
    // vectors may come in the order of their lengths.
    const size_t room = std::max(length, 2 * kept.room);
    kept = {AllocateArray<uint8_t>(context_->allocator, room), room};
  }
  memcpy(kept.bytes, whole.vector(), length);
  return kept.bytes;
}

float Search::DistanceTo(const Query& query, NodePointer to, int level, bool exactly) {
  const NodeLayout& layout = context_->layout();
  const Store& store = context_->store;
  const uint32_t block = layout.BlockOf(to.number);
  if (block >= block_count_) {
    block_count_ = store.BlockCount();
    if (block >= block_count_) return std::numeric_limits<float>::infinity();
  }
  QuiverPin pin;
  const uint8_t* page = store.Read(block, &pin);
  stats_->pages++;
  CheckReadable(store, page, layout, block);
  float distance = std::numeric_limits<float>::infinity();
  const ConstNode node(page, layout, layout.SlotOf(to.number));
  if (IsNodePage(page, layout, level == 0 ? PageKind::kNode : PageKind::kUpper) && node.in_use() &&
      (!exactly || node.pointer_generation() == to.generation) && node.head().level == level) {
    const ConstNode whole = reader_.Read(node, to.number, NodeReader::kVector, &stats_->pages);
    distance = Distance(*context_->kernels, *context_->index, query, VectorOf(whole));
  }
  store.Release(&pin);
  return distance;
}

void Search::Expand(const Candidate& candidate, int level) {
  const NodeLayout& layout = context_->layout();
  const Store& store = context_->store;
  const uint32_t block = layout.BlockOf(candidate.number);
  if (block >= block_count_) {
    block_count_ = store.BlockCount();
    if (block >= block_count_) return;  // a damaged link: one route fewer
  }

  QuiverPin pin;
  const uint8_t* page = store.Read(block, &pin);
  stats_->pages++;
  CheckReadable(store, page, layout, block);
  // Another node in the place of a freed one is as good a route, and will not be visited
  // again by pointers of its own.
  const ConstNode node(page, layout, layout.SlotOf(candidate.number));
  if (!IsNodePage(page, layout, level == 0 ? PageKind::kNode : PageKind::kUpper) ||
      !node.in_use() || node.head().level != level) {
    store.Release(&pin);
    return;
  }
  const ConstNode whole =
      reader_.Read(node, candidate.number, NodeReader::kEverything, &stats_->pages);
  const NodeHead& head = node.head();
  Found found;
  found.vector = VectorOf(whole);
  found.distance = Distance(*context_->kernels, *context_->index, *query_, found.vector);
  found.number = candidate.number;
  found.generation = node.pointer_generation();
  found.posting_count = static_cast<uint8_t>(node.posting_count());
  found.emptied = (head.flags & kNodeEmptied) != 0;
  memcpy(found.postings, head.postings, sizeof found.postings);
  found.posting_head = head.posting_head;
  found.version = 0;
  if (keep_ & kSkipKilled) {
    found.version = store.Version(pin);
    if (HideKilled(page, NodeRow(layout.SlotOf(found.number), 0), found.postings,
                   found.posting_count) == 0)
      found.posting_count = 0;
  }
  found.down = node.down();
  if (level == 0 && twin_ != nullptr && twin_->hash == head.hash && !found.emptied)
    stop_ = SameVector(*context_->index, found.vector, *twin_);
  found.size = (keep_ & kKeepSizes)
                   ? StoredSize(*context_->kernels, *context_->index, found.vector, decoded_)
                   : 0;
  found.vector.bytes =
      (keep_ & kKeepVectors) ? KeepVector(whole, whole.bytes() == node.bytes()) : nullptr;
  found_.PushBack(found);
  if (found.distance < nearest_) {
    nearest_ = found.distance;
    nearest_edge_ = squares_ ? ShortEdge(layout, node) : std::numeric_limits<float>::infinity();
  }

  const uint32_t count = node.slot_count();
  const bool coded = layout.codec != Codec::kNone;
  float estimates[kMaxSlots];
  uint32_t numbers[kMaxSlots];
  uint16_t generations[kMaxSlots];
  if (coded)
    EstimateNeighbors(*context_->kernels, *context_->index, whole, *query_, found.distance,
                      estimates);
  memcpy(numbers, node.numbers(), count * sizeof(uint32_t));
  memcpy(generations, node.generations(), count * sizeof(uint16_t));
  store.Release(&pin);
  if (level == 0)
    stats_->expanded++;
  else
    stats_->descended++;
  stats_->estimates += count;

  if (!coded) {
    OfferByReading(numbers, generations, count, level);
    return;
  }
  const bool keep_all = (keep_ & kKeepCandidates) != 0;
  for (uint32_t i = 0; i < count; i++) {
    if (!keep_all && !(estimates[i] < beam_.Threshold())) continue;
    // Written so that a NaN from a damaged slot is refused.
    if (!(estimates[i] < std::numeric_limits<float>::infinity())) continue;
    if (numbers[i] == kInvalidNode || !marks_->Insert(numbers[i])) continue;
    Offer(Candidate{estimates[i], numbers[i],
                    static_cast<uint16_t>(generations[i] & kGenerationMask), 0});
  }
}

// Neighbours without codes: each one's own page says how far it is.
void Search::OfferByReading(const uint32_t* numbers, const uint16_t* generations, uint32_t count,
                            int level) {
  const NodeLayout& layout = context_->layout();
  Candidate fresh[kMaxSlots];
  uint32_t fresh_count = 0;
  for (uint32_t i = 0; i < count; i++) {
    if (numbers[i] == kInvalidNode || !marks_->Insert(numbers[i])) continue;
    fresh[fresh_count++] = {0, numbers[i], static_cast<uint16_t>(generations[i] & kGenerationMask),
                            0};
    context_->store.Prefetch(layout.BlockOf(numbers[i]), layout.OffsetOf(layout.SlotOf(numbers[i])),
                             layout.node_bytes);
  }
  for (uint32_t i = 0; i < fresh_count; i++) {
    fresh[i].distance = DistanceTo(*query_, fresh[i].pointer(), level, false);
    if (fresh[i].distance < std::numeric_limits<float>::infinity()) Offer(fresh[i]);
  }
}

}  // namespace quiver
