#include "graph/scan.h"

#include <limits>

#include "base/hash.h"
#include "page/hints.h"

namespace quiver {

namespace {

// Later beams grow, so that a long stream costs little more than its rows.
constexpr size_t kMostWidthFactor = 16;

// A search that looks lost goes down once more with a beam this much wider on layer 1.
constexpr size_t kWideFactor = 3;

// Pages swept between two batches of a sweep without order.
constexpr uint32_t kWalkPages = 16;

uint32_t TidKey(QuiverTid tid) {
  // A 32-bit digest; a false match only costs an exact comparison.
  return static_cast<uint32_t>(HashBytes(&tid.block, sizeof tid.block, tid.offset)) & 0x7FFFFFFF;
}

}  // namespace

Scan::Scan(const QuiverStore* store, const QuiverIndex* index, const QuiverScanOptions* options)
    : options_(options),
      store_(store),
      allocator_(store_.MakeAllocator()),
      context_{store_, index, quiver_kernels(), &allocator_, false},
      stats_(),
      search_(context_, &stats_),
      maker_(context_.kernels, index, &allocator_),
      reader_(context_),
      query_(),
      queue_(&allocator_),
      list_(&allocator_),
      list_tids_(&allocator_),
      list_tid_set_(&allocator_),
      current_(),
      chain_(&allocator_),
      expanded_(&allocator_),
      done_bits_(&allocator_),
      last_distance_(-std::numeric_limits<float>::infinity()),
      kills_(&allocator_) {
  highest_upper_ = -std::numeric_limits<float>::infinity();
  current_.posting_head = QUIVER_INVALID_BLOCK;
}

void Scan::Begin(const QuiverValue* query) {
  width_ = static_cast<size_t>(options_->ef_search);
  if (query == nullptr) {
    BeginSweep();
    return;
  }
  ordered_ = true;
  bounded_ = options_->bound < std::numeric_limits<double>::infinity();
  query_ = maker_.Make(*query);
  if ((options_->exact_order || bounded_) && context_.index->metric == QUIVER_METRIC_IP)
    decoded_ = AllocateArray<float>(
        &allocator_, context_.layout().form == QUIVER_FORM_DENSE ? context_.layout().dim : 1);
}

bool Scan::Next(QuiverRow* row) {
  PostingEntry posting;
  float distance;
  while (NextPosting(&posting, &distance)) {
    row->tid = posting.tid();
    row->kind = current_.kind;
    row->distance = 0;
    row->sure = false;
    if (!ordered_ || row->kind != QUIVER_ROW_DISTANCE) return true;
    // Further rows of one vector are as far as the first.
    if (!decided_) {
      const bool strict = options_->iterative == QUIVER_ITERATIVE_STRICT || options_->exact_order;
      late_ = strict && distance < last_distance_;
      if (!late_) last_distance_ = sure_ ? current_.upper : distance;
      decided_ = true;
    }
    if (late_) {
      stats_.dropped++;
      continue;
    }
    row->sure = sure_;
    row->distance = options_->exact_order ? static_cast<double>(distance)
                                          : OperatorDistance(context_.index->metric, distance);
    return true;
  }
  return false;
}

void Scan::Kill() {
  if (!options_->skip_killed) return;
  stats_.killed++;
  kills_.Add(returned_);
  if (kills_.full()) kills_.Apply(store_);
}

uint64_t Scan::VersionOf(const QuiverPin& pin) const {
  return options_->skip_killed ? store_.Version(pin) : 0;
}

bool Scan::Skips(const uint8_t* page, size_t row) const {
  return options_->skip_killed && IsKilled(page, static_cast<uint32_t>(row));
}

// The next row of the current node, of the batch, or of the next batch.
bool Scan::NextPosting(PostingEntry* posting, float* distance) {
  for (;;) {
    *distance = current_.distance;
    if (current_posting_ < current_.posting_count) {
      returned_ = current_.origin;
      returned_.row += current_posting_;
      *posting = current_.postings[current_posting_++];
    } else if (chain_at_ < chain_.size()) {
      returned_ = chain_origin_;
      returned_.row += static_cast<uint32_t>(chain_at_);
      *posting = chain_[chain_at_++];
    } else if (current_.posting_head != QUIVER_INVALID_BLOCK) {
      FurtherRows();
      continue;
    } else {
      // Rows of the list wait until the graph's have come as far as they are.
      const bool more = has_graph_ && (phase_ == Phase::kBeams || phase_ == Phase::kSweep);
      if (phase_ == Phase::kBeams && has_graph_ && LookAhead()) {
        FillMore();
        // Rows not reached yet may be nearer than those that wait.  All of a small file is
        // looked at for them, but not of one that memory alone made the beams end in.
        if (phase_ == Phase::kSweep && store_.BlockCount() <= 2 * stats_.pages) FillSweep();
        continue;
      }
      if (!queue_.empty() && (list_.empty() || queue_.front().distance <= list_.front().distance)) {
        current_ = queue_.Pop();
        nodes_taken_++;
      } else if (!list_.empty() && !(queue_.empty() && more)) {
        current_ = list_.Pop();
      } else {
        bool filled = false;
        while (!filled && phase_ != Phase::kEnd) {
          switch (phase_) {
            case Phase::kFirstBeam:
              filled = FillFirst();
              break;
            case Phase::kBeams:
              filled = FillMore();
              break;
            case Phase::kSweep:
              filled = FillSweep();
              break;
            case Phase::kNan:
              filled = FillLoose(kPostingNan);
              break;
            case Phase::kNull:
              filled = FillLoose(kPostingNull);
              break;
            case Phase::kEnd:
              break;
          }
        }
        if (!filled) return false;
        continue;
      }
      current_posting_ = 0;
      chain_.Clear();
      chain_at_ = 0;
      chain_last_ = 0;
      decided_ = false;
      if (options_->exact_order && current_.has_rows()) sure_ = PlaceIsSure();
      continue;
    }
    if (posting->offset == 0) continue;
    if (current_.from_graph && SeenBefore(posting->tid())) continue;
    return true;
  }
}

// The first page of the current node's further rows; none where the node is gone,
// since its rows were dead then.
uint32_t Scan::FirstOfChain() {
  const NodeLayout& layout = context_.layout();
  const uint32_t block = layout.BlockOf(current_.node.number);
  if (block >= store_.BlockCount()) return QUIVER_INVALID_BLOCK;
  QuiverPin pin;
  const uint8_t* page = store_.Read(block, &pin);
  stats_.pages++;
  CheckReadable(store_, page, layout, block);
  const ConstNode node(page, layout, layout.SlotOf(current_.node.number));
  const uint32_t first = IsNodePage(page, layout, PageKind::kNode) && node.in_use() &&
                                 node.pointer_generation() == current_.node.generation
                             ? node.head().posting_head
                             : QUIVER_INVALID_BLOCK;
  store_.Release(&pin);
  return first;
}

// One page of the current node's further rows into chain_; false where there are
// no more.  A chain goes up the blocks and rows stay on their page.  So whoever
// meets a page that vacuum has taken off goes on with the first one of the chain,
// as it is now, that lies above the last one read.
bool Scan::FurtherRows() {
  // More than vacuum can take off while one chain is read, unless it is damaged.
  constexpr int kMostLookedFor = 100;
  int looked_for = 0;
  uint32_t block = current_.posting_head;
  uint32_t below = chain_last_;
  current_.posting_head = QUIVER_INVALID_BLOCK;
  chain_.Clear();
  chain_at_ = 0;
  while (block != QUIVER_INVALID_BLOCK) {
    store_.Poll();
    if (block <= below || block >= store_.BlockCount())
      store_.Corrupted(block, "a node's chain of rows leaves the file or does not ascend");
    QuiverPin pin;
    const uint8_t* page = store_.Read(block, &pin);
    stats_.pages++;
    CheckReadable(store_, page, context_.layout(), block);
    const bool of_node =
        IsPageOf(page, PageKind::kPosting) && PostingHeadOf(page)->number == current_.node.number &&
        PointerGeneration(PostingHeadOf(page)->generation) == current_.node.generation;
    if (of_node && block > chain_last_) {
      const size_t count = PostingCount(page);
      chain_origin_ = {VersionOf(pin), block, 0};
      for (size_t i = 0; i < count; i++)
        chain_.PushBack(Skips(page, i) ? PostingEntry{} : Postings(page)[i]);
      current_.posting_head = Special(page)->next;
      chain_last_ = block;
      store_.Release(&pin);
      return true;
    }
    below = block;
    if (of_node) block = Special(page)->next;
    store_.Release(&pin);
    if (of_node) continue;
    if (++looked_for > kMostLookedFor) store_.Corrupted(below, "it is not a page of a node's rows");
    block = FirstOfChain();
    below = 0;
  }
  return false;
}

// Whether the current row's place needs no comparison by exact distances: all
// rows before it are surely not farther, the next one surely not nearer, and those
// that come later and are not surely farther will be left out.
bool Scan::PlaceIsSure() {
  const bool after = current_.distance >= highest_upper_;
  highest_upper_ = std::max(highest_upper_, current_.upper);
  float next = -std::numeric_limits<float>::infinity();
  if (!queue_.empty()) next = queue_.front().distance;
  if (!list_.empty() && (queue_.empty() || list_.front().distance < next))
    next = list_.front().distance;
  return after && current_.kind == QUIVER_ROW_DISTANCE && next >= current_.upper;
}

// The list and the first beam.
bool Scan::FillFirst() {
  Partition partition = ReadPartition(store_);
  stats_.pages++;
  if (partition.list_head != QUIVER_INVALID_BLOCK) {
    ReadList(partition);
    // A row may have moved from the list into the graph before its page was
    // read; then the graph has it, perhaps with its first entry point.
    partition = ReadPartition(store_);
    stats_.pages++;
  }
  const bool off = options_->iterative == QUIVER_ITERATIVE_OFF;
  const unsigned keep = (off ? Search::kKeepNothing : Search::kKeepCandidates) |
                        (decoded_ != nullptr ? Search::kKeepSizes : Search::kKeepNothing) |
                        (options_->skip_killed ? Search::kSkipKilled : Search::kKeepNothing);
  bool within = true;
  for (;;) {
    has_graph_ = partition.entry().valid();
    search_.Reset(&query_, keep);
    if (!has_graph_) break;
    search_.Run(partition.entry(), partition.entry_level, 0, width_, width_ * kWideFactor);
    if (search_.found().empty()) {
      // Vacuum may have moved the entry point away from where it was.
      const NodePointer before = partition.entry();
      partition = ReadPartition(store_);
      stats_.pages++;
      if (partition.entry_number != before.number ||
          partition.entry_generation != before.generation)
        continue;
    }
    within = QueueFound();
    break;
  }
  phase_ = off ? Phase::kEnd : Phase::kBeams;
  if (!within && !off) EndRows();
  return !queue_.empty() || !list_.empty();
}

// True when the next beam may bring nodes nearer than the last ones waiting.
bool Scan::LookAhead() const {
  return 5 * nodes_taken_ >= 2 * nodes_queued_;
}

bool Scan::LookedEnough() const {
  return ordered_ && options_->max_scan_tuples > 0 &&
         rows_looked_at_ >= static_cast<uint64_t>(options_->max_scan_tuples);
}

// No more rows with a distance.
void Scan::EndRows() {
  phase_ = Phase::kNan;
  loose_block_ = ReadPartition(store_).loose_head;
}

bool Scan::FillMore() {
  if (LookedEnough()) {
    phase_ = Phase::kEnd;
    return !list_.empty();
  }
  width_ = std::min(width_ * 2, static_cast<size_t>(options_->ef_search) * kMostWidthFactor);
  const NodeLayout& layout = context_.layout();
  const size_t pages_per_node =
      layout.codec == Codec::kNone ? layout.slots / 2 : 1 + layout.CodeChunks();
  if (stats_.pages + width_ * pages_per_node > store_.BlockCount() ||
      Memory() > options_->memory_limit || !search_.Continue(width_)) {
    BeginSweep();
    return false;
  }
  if (!QueueFound()) EndRows();
  return !queue_.empty();
}

// Takes over what the search found; false where a bound is asked for and nothing
// found is within.
bool Scan::QueueFound() {
  const NodeLayout& layout = context_.layout();
  bool within = !bounded_;
  for (const Found& found : search_.found()) {
    expanded_.PushBack(found.number);
    nodes_queued_++;
    DistanceBounds key;
    if (!Place(found.distance, found.vector, found.size, &key)) {
      nodes_taken_++;
      continue;
    }
    within = true;
    // A node without rows too: it is taken in its turn, so that it calls for the
    // next beam no earlier than one with rows would.
    queue_.Add(
        {key.lower,
         key.upper,
         found.posting_head,
         found.pointer(),
         found.posting_count,
         true,
         QUIVER_ROW_DISTANCE,
         {found.postings[0], found.postings[1]},
         {found.version, layout.BlockOf(found.number), NodeRow(layout.SlotOf(found.number), 0)}});
  }
  queue_.Heapify();
  rows_looked_at_ += search_.found().size();
  search_.found().Clear();
  return within;
}

void Scan::ReadList(const Partition& partition) {
  const NodeLayout& layout = context_.layout();
  uint32_t steps = 0;
  uint32_t block = partition.list_head;
  while (block != QUIVER_INVALID_BLOCK) {
    store_.Poll();
    if (block >= store_.BlockCount()) store_.Corrupted(block, "the list leaves the file");
    if (++steps > 2 * context_.index->list_limit + 2)
      store_.Corrupted(block, "the list is longer than it may be");
    QuiverPin pin;
    const uint8_t* page = store_.Read(block, &pin);
    stats_.pages++;
    CheckReadable(store_, page, layout, block);
    const bool taken_off = !IsPageOf(page, PageKind::kList);
    if (!taken_off) {
      const size_t count = ListCount(page, layout);
      const uint64_t version = VersionOf(pin);
      for (size_t i = 0; i < count; i++) {
        if (Skips(page, i)) continue;
        const ListEntry* entry = ListAt(page, layout, i);
        list_tids_.PushBack(entry->posting.tid());
        DistanceBounds key;
        if (PlaceVector({entry->vector(), entry->scale, entry->entries, entry->hash}, &key))
          list_.Add(QueuedRow::Single(key.lower, key.upper, QUIVER_ROW_DISTANCE, entry->posting,
                                      {version, block, static_cast<uint32_t>(i)}));
      }
      stats_.swept += count;
      block = Special(page)->next;
    }
    store_.Release(&pin);
    // Pages leave the list from its head only: whatever is left begins at the
    // present head, none of which has been read yet.
    if (taken_off) block = ReadPartition(store_).list_head;
  }
  list_.Heapify();
  rows_looked_at_ += list_.size();
}

bool Scan::Place(float distance, const StoredVector& vector, float size,
                 DistanceBounds* key) const {
  *key = {distance, distance};
  if (!options_->exact_order && !bounded_) return true;
  const DistanceBounds bounds = BoundsOf(*context_.index, query_, distance, vector, size);
  if (options_->exact_order) *key = bounds;
  return !bounded_ || static_cast<double>(bounds.lower) <= options_->bound;
}

bool Scan::PlaceVector(const StoredVector& vector, DistanceBounds* key) {
  *key = {};
  if (!ordered_) return true;
  const float size =
      decoded_ == nullptr ? 0 : StoredSize(*context_.kernels, *context_.index, vector, decoded_);
  return Place(Distance(*context_.kernels, *context_.index, query_, vector), vector, size, key);
}

void Scan::BuildListTids() {
  list_tid_set_built_ = true;
  for (const QuiverTid tid : list_tids_) list_tid_set_.Insert(TidKey(tid));
}

// True for a row that the list had when it was read: it moved meanwhile.
bool Scan::SeenBefore(QuiverTid tid) {
  if (list_tids_.empty()) return false;
  if (!list_tid_set_built_) BuildListTids();
  if (!list_tid_set_.Contains(TidKey(tid))) return false;
  for (const QuiverTid& other : list_tids_)
    if (other.block == tid.block && other.offset == tid.offset) return true;
  return false;
}

size_t Scan::Memory() const {
  return search_.memory() + queue_.bytes() + list_.bytes() +
         expanded_.capacity() * sizeof(uint32_t);
}

void Scan::BeginSweep() {
  phase_ = Phase::kSweep;
  sweep_block_ = kMetaBlock + 1;
  const uint64_t nodes = uint64_t{store_.BlockCount()} * context_.layout().nodes_per_page;
  done_bits_.Resize((nodes + 63) / 64);
  for (const uint32_t number : expanded_)
    if (number < nodes) done_bits_[number / 64] |= uint64_t{1} << (number % 64);
}

// As many pages as memory allows; without order a few.
bool Scan::FillSweep() {
  if (LookedEnough()) {
    phase_ = Phase::kEnd;
    return !list_.empty();
  }
  uint32_t swept = 0;
  while (queue_.size() * sizeof(QueuedRow) <= options_->memory_limit && !LookedEnough()) {
    // The length is read again until it is stable: rows may move up meanwhile.
    if (sweep_block_ >= store_.BlockCount()) {
      EndRows();
      break;
    }
    if (!ordered_ && ++swept > kWalkPages) break;
    store_.Poll();
    SweepPage(sweep_block_++);
  }
  queue_.Heapify();
  // Rows without a distance come when these are gone, and those of the list.
  if (queue_.empty()) return !list_.empty();
  phase_ = Phase::kSweep;
  return true;
}

void Scan::SweepPage(uint32_t block) {
  const NodeLayout& layout = context_.layout();
  QuiverPin pin;
  const uint8_t* page = store_.Read(block, &pin);
  stats_.pages++;
  CheckReadable(store_, page, layout, block);
  const uint64_t version = VersionOf(pin);
  if (IsPageOf(page, PageKind::kNode)) {
    for (uint32_t slot = 0; slot < layout.nodes_per_page; slot++) {
      const ConstNode node(page, layout, slot);
      const uint32_t number = layout.NumberOf(block, slot);
      if (!node.in_use() || !node.has_rows()) continue;
      if (number / 64 < done_bits_.size() && (done_bits_[number / 64] >> (number % 64) & 1) != 0)
        continue;
      const NodeHead& head = node.head();
      PostingEntry postings[kInlinePostings] = {head.postings[0], head.postings[1]};
      auto posting_count = static_cast<uint8_t>(node.posting_count());
      if (options_->skip_killed &&
          HideKilled(page, NodeRow(slot, 0), postings, posting_count) == 0) {
        posting_count = 0;
        if (head.posting_head == QUIVER_INVALID_BLOCK) continue;
      }
      DistanceBounds key = {};
      stats_.swept++;
      rows_looked_at_++;
      if (ordered_ &&
          !PlaceVector(VectorOf(reader_.Read(node, number, NodeReader::kVector, &stats_.pages)),
                       &key))
        continue;
      queue_.Add({key.lower,
                  key.upper,
                  head.posting_head,
                  NodePointer{number, node.pointer_generation()},
                  posting_count,
                  true,
                  QUIVER_ROW_DISTANCE,
                  {postings[0], postings[1]},
                  {version, block, NodeRow(slot, 0)}});
    }
  } else if (!ordered_ && IsPageOf(page, PageKind::kList)) {
    const size_t count = ListCount(page, layout);
    for (size_t i = 0; i < count; i++) {
      if (Skips(page, i)) continue;
      const PostingEntry posting = ListAt(page, layout, i)->posting;
      queue_.Add(QueuedRow::Single(0, 0, QUIVER_ROW_DISTANCE, posting,
                                   {version, block, static_cast<uint32_t>(i)}));
      list_tids_.PushBack(posting.tid());
    }
    list_tid_set_built_ = false;
    stats_.swept += count;
  }
  store_.Release(&pin);
}

// One page of rows without a distance that have `flag`.  Its chain is like that of
// a node's further rows.
bool Scan::FillLoose(uint16_t flag) {
  constexpr int kMostLookedFor = 100;
  int looked_for = 0;
  uint32_t below = loose_last_;
  while (loose_block_ != QUIVER_INVALID_BLOCK) {
    store_.Poll();
    const uint32_t block = loose_block_;
    if (block <= below || block >= store_.BlockCount())
      store_.Corrupted(block,
                       "the chain of rows without a distance leaves the file or does not ascend");
    QuiverPin pin;
    const uint8_t* page = store_.Read(block, &pin);
    stats_.pages++;
    CheckReadable(store_, page, context_.layout(), block);
    if (!IsPageOf(page, PageKind::kLoose)) {
      store_.Release(&pin);
      if (++looked_for > kMostLookedFor)
        store_.Corrupted(block, "it is not a page of rows without a distance");
      loose_block_ = ReadPartition(store_).loose_head;
      below = 0;
      continue;
    }
    below = block;
    if (block > loose_last_) {
      loose_last_ = block;
      const size_t count = PostingCount(page);
      const uint64_t version = VersionOf(pin);
      for (size_t i = 0; i < count; i++)
        if ((Postings(page)[i].flags & flag) != 0 && !Skips(page, i))
          queue_.Add(QueuedRow::Single(0, 0, flag == kPostingNan ? QUIVER_ROW_NAN : QUIVER_ROW_NULL,
                                       Postings(page)[i],
                                       {version, block, static_cast<uint32_t>(i)}));
    }
    loose_block_ = Special(page)->next;
    store_.Release(&pin);
    if (!queue_.empty()) return true;
  }
  loose_last_ = 0;
  // A condition may hold for a distance that is NaN, never for NULL.
  if (phase_ == Phase::kNan && !bounded_) {
    phase_ = Phase::kNull;
    loose_block_ = ReadPartition(store_).loose_head;
  } else {
    phase_ = Phase::kEnd;
  }
  return false;
}

}  // namespace quiver
