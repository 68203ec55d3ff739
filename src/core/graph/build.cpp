#include "graph/build.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/random.h"
#include "graph/chain.h"

namespace quiver {

namespace {

// Rows between two reports of progress.
constexpr uint64_t kProgressRows = 256;

// What a sparse vector takes where none has been seen: 128 entries.
constexpr uint32_t kDefaultSparseBytes = 1024;

// Rows that the centre is computed from, about; and how many times the median
// squared length a row of them may have.
constexpr uint64_t kCenterSample = 20000;
constexpr float kOutlierSquare = 16;

// Rows that a bounded build orders all others by, at most.
constexpr uint64_t kOrderSample = 20000;

}  // namespace

bool DescribeIndex(const QuiverIndexParams& params, uint32_t sparse_bytes, MetaData* meta,
                   NodeLayout* layout) {
  if (!ChooseLayout(params, sparse_bytes, layout)) return false;
  *meta = {};
  meta->magic = kMetaMagic;
  meta->format_version = kFormatVersion;
  meta->creator_version = QUIVER_CREATOR_VERSION;
  meta->dim = params.dim;
  meta->metric = static_cast<uint8_t>(params.metric);
  meta->float32 = layout->float32 ? 1 : 0;
  meta->bits = static_cast<uint8_t>(layout->bits);
  meta->rotation_algorithm = static_cast<uint8_t>(kRotationAlgorithm);
  meta->rotation_seed = params.seed;
  meta->form = static_cast<uint8_t>(layout->form);
  meta->codec = static_cast<uint8_t>(layout->codec);
  meta->sparse_bytes =
      static_cast<uint16_t>(layout->form == QUIVER_FORM_SPARSE ? layout->vector_bytes : 0);
  meta->slots = static_cast<uint16_t>(layout->slots);
  meta->nodes_per_page = static_cast<uint16_t>(layout->nodes_per_page);
  meta->m = static_cast<uint16_t>(params.m);
  meta->ef_construction = static_cast<uint16_t>(params.ef_construction);
  meta->type_oid = params.type_oid;
  meta->posting_bytes = sizeof(PostingEntry);
  meta->center_block = QUIVER_INVALID_BLOCK;
  meta->list_limit = kListLimit;
  Partition& partition = meta->partition;
  partition.list_head = QUIVER_INVALID_BLOCK;
  partition.list_tail = QUIVER_INVALID_BLOCK;
  partition.loose_head = QUIVER_INVALID_BLOCK;
  partition.loose_tail = QUIVER_INVALID_BLOCK;
  partition.entry_number = kInvalidNode;
  partition.upper_room = QUIVER_INVALID_BLOCK;
  partition.node_room = QUIVER_INVALID_BLOCK;
  partition.state = HasList(*layout) ? PartitionState::kList : PartitionState::kGraph;
  return true;
}

// Counts rows of a step, and looks for a cancel, which rows that need no search would not.
class Build::Progress {
 public:
  Progress(const Store& store, uint64_t* done, uint64_t total, QuiverProgress report, void* context)
      : store_(store), done_(*done), total_(total), report_(report), context_(context) {}

  void Row() {
    mine_++;
    if (++untold_ == kProgressRows) Tell();
  }
  void Tell() {
    store_.Poll();
    const uint64_t done = done_.fetch_add(untold_, std::memory_order_relaxed) + untold_;
    untold_ = 0;
    if (report_ != nullptr) report_(context_, done, total_);
  }
  // Rows of this participant.
  uint64_t mine() const { return mine_; }

 private:
  Store store_;
  std::atomic_ref<uint64_t> done_;
  uint64_t total_;
  QuiverProgress report_;
  void* context_;
  uint64_t mine_ = 0;
  uint64_t untold_ = 0;
};

BuildControl* Build::MakeControl(const BuildSpace& space, const QuiverIndexParams* params) {
  const uint64_t offset = SpaceOffset(SpaceRegion::kControl, 0, 0);
  const uint64_t bytes = GrainsOf(sizeof(BuildControl));
  if (params != nullptr) space.Reserve(offset, bytes);
  auto* control = reinterpret_cast<BuildControl*>(space.Map(offset, bytes));
  if (params != nullptr) {
    memset(static_cast<void*>(control), 0, sizeof *control);
    control->params = *params;
  }
  return control;
}

// params: nullptr for one who joins.
Build::Build(const QuiverStore* base, const QuiverSpace* space, const QuiverIndexParams* params,
             uint64_t memory, uint32_t participants)
    : allocator_{base->context, base->allocate},
      private_space_(base),
      space_(base, space == nullptr ? private_space_.space() : space),
      control_(MakeControl(space_, params)),
      params_(control_->params),
      meta_(),
      made_(nullptr),
      index_(nullptr),
      kernels_(quiver_kernels()),
      pages_(base, space_, &control_->pages),
      disk_pages_(base, space_, &control_->pages, &control_->frames),
      context_{Store(pages_.store()), nullptr, kernels_, &allocator_, true},
      packer_(&context_, &pages_),
      vectors_(space_, &control_->rows),
      loose_(space_, &control_->loose),
      twins_(space_),
      sorter_(context_, space_, &control_->sort) {
  NodeLayout layout;
  if (!DescribeIndex(params_, kDefaultSparseBytes, &meta_, &layout))
    Store(base).Fail(QUIVER_ERROR_LIMIT, QUIVER_INVALID_BLOCK, -1,
                     "an index cannot have so many dimensions, or not with this metric",
                     params_.dim);
  if (bounded()) {
    disk_pages_.Open();
    UseDisk();
  }
  // What has been chosen since then is on the pages.
  if (control_->prepared != 0)
    index_ = OpenIndex(context_.store);
  else
    index_ = made_ = MakeIndex(&allocator_, meta_, layout);
  context_.index = index_;
  if (params != nullptr) {
    control_->memory = memory == 0 ? UINT64_MAX : memory;
    control_->participants = std::max(participants, 1u);
    // One chunk of each participant at least: few rows are no reason to go to disk.
    const auto chunks = [&](uint64_t bytes, uint64_t chunk) {
      return static_cast<uint32_t>(
          std::clamp<uint64_t>(bytes / chunk, control_->participants, UINT32_MAX));
    };
    control_->rows.in_memory = chunks(Limits().Rows(layout), VectorChunks::kBytes);
    control_->loose.in_memory = chunks(Limits().Loose(), LooseChunks::kBytes);
  }
  scratch_ = AllocateArray<float>(&allocator_,
                                  layout.form == QUIVER_FORM_DENSE ? 2 * size_t{layout.dim} : 0);
}

Build::Build(const QuiverStore* base, const QuiverIndexParams& params, const QuiverSpace* space,
             uint64_t memory, uint32_t participants)
    : Build(base, space, &params, memory, participants) {}

Build::Build(const QuiverStore* base, const QuiverSpace* space)
    : Build(base, space, nullptr, 0, 0) {}

void Build::Add(QuiverTid tid, const QuiverValue* value) {
  if (value == nullptr || !HasDirection(*index_, *value)) {
    *loose_.Add(sizeof(PostingEntry)) =
        PostingEntry::Make(tid, value == nullptr ? kPostingNull : kPostingNan);
    return;
  }
  CollectedRow* row = vectors_.Add(sizeof(CollectedRow) + StoredBytes(*index_, *value));
  const StoredVector stored = StoreValue(*kernels_, *index_, *value, row->bytes(), scratch_);
  row->hash = stored.hash;
  row->scale = stored.scale;
  row->entries = stored.entries;
  row->leaf = 0;
  row->posting = PostingEntry::Make(tid);
}

// Rows are given back as they are linked, so the larger one of rows and graph counts.  Pages
// that lie on disk are in none of the large pieces that pages_ would take.
uint64_t Build::Memory() const {
  const uint64_t pages = bounded() ? uint64_t{pages_.count()} * kPageBytes : pages_.bytes();
  return loose_.bytes() + std::max(vectors_.bytes(), std::max(Graph(), pages));
}

void Build::UseDisk() {
  context_.store = Store(disk_pages_.store());
  context_.stable_pages = false;
}

template <class Visit>
void Build::Sample(uint64_t stride, const Visit& visit) {
  for (uint32_t i = 0; i < vectors_.chunks(); i++) {
    RowChunkHead* chunk = vectors_.Chunk(i);
    // The first one wanted, counted in this chunk.
    uint64_t next = (stride - chunk->first_row % stride) % stride;
    CollectedRow* row = VectorChunks::First(chunk);
    for (uint64_t j = 0; next < chunk->rows; j++) {
      if (j == next) {
        visit(row);
        next += stride;
      }
      row = VectorChunks::Next(row, RowBytes(row));
    }
    vectors_.Forget(i);
  }
}

// Room beside a node for nine in ten of the sparse vectors seen.
void Build::ChooseSparseRoom() {
  if (index_->layout.form != QUIVER_FORM_SPARSE || vectors_.rows() == 0) return;
  ArenaVector<uint32_t> bytes(&allocator_);
  Sample(vectors_.rows() / kCenterSample + 1,
         [&](CollectedRow* row) { bytes.PushBack(row->entries * 8u); });
  if (bytes.empty()) return;
  auto* most = bytes.begin() + (bytes.size() - 1) * 9 / 10;
  std::nth_element(bytes.begin(), most, bytes.end());
  NodeLayout layout;
  if (DescribeIndex(params_, *most, &meta_, &layout)) made_->layout = layout;
  uint64_t chunks = 0;
  for (const uint32_t length : bytes)
    if (length > made_->layout.vector_bytes) chunks += (length + kChunkBytes - 1) / kChunkBytes;
  sparse_chunks_ = static_cast<double>(chunks) / static_cast<double>(bytes.size());
}

bool Build::Prepare() {
  uint64_t before = 0;
  for (uint32_t i = 0; i < vectors_.chunks(); i++) {
    RowChunkHead* chunk = vectors_.Chunk(i);
    chunk->first_row = before;
    before += chunk->rows;
    vectors_.Forget(i);
  }
  const bool centered = index_->layout.codec == Codec::kEdge && before > 0;
  ChooseSparseRoom();
  control_->bounded =
      vectors_.on_disk() || loose_.on_disk() || (rows() > 0 && Memory() > control_->memory) ? 1 : 0;
  if (bounded()) {
    disk_pages_.Create(Limits().Frames(index_->layout, Graph(), params_.ef_construction),
                       control_->participants);
    UseDisk();
  }
  if (centered) ChooseCenter();
  WriteMeta();
  if (centered) WriteCenter();
  if (HasList(index_->layout) &&
      before <= kListLimit * uint64_t{ListEntriesPerPage(index_->layout)}) {
    Sample(1, [&](CollectedRow* row) {
      AppendToList(context_.store, *index_, row->vector(), row->posting);
    });
    control_->linked = before;
    return false;
  }
  {
    QuiverPin pin;
    context_.store.Lock(kMetaBlock, &pin);
    Meta(context_.store.Edit(&pin))->partition.state = PartitionState::kGraph;
    context_.store.Release(&pin);
  }
  if (before == 0) return false;  // without a list: of large vectors, and sparse ones
  if (bounded()) {
    MakeOrder();
  } else {
    control_->twin_cells = TwinTable::CellsFor(before);
    twins_.Create(control_->twin_cells);
  }
  control_->prepared = 1;
  return true;
}

void Build::MakeOrder() {
  const uint64_t rows = vectors_.rows();
  const uint64_t bytes = std::max<uint64_t>(vectors_.bytes() / rows, sizeof(CollectedRow));
  const uint64_t most = std::clamp<uint64_t>(Limits().Sample() / bytes, 1, kOrderSample);
  const uint64_t stride = rows / most + 1;
  // The sample's copies, which are given back.
  const uint64_t offset = SpaceOffset(SpaceRegion::kSample, 0, 0);
  const uint64_t room = std::max<uint64_t>(Limits().Sample(), VectorChunks::kBytes);
  uint64_t size = 0;
  Sample(stride, [&](CollectedRow* row) {
    const uint64_t more = (RowBytes(row) + 7) / 8 * 8;
    if (size + more <= room) size += more;
  });
  const uint64_t piece = GrainsOf(size);
  space_.Reserve(offset, piece);
  uint8_t* next = space_.Map(offset, piece);
  const uint8_t* start = next;
  ArenaVector<CollectedRow*> sample(&allocator_);
  Sample(stride, [&](CollectedRow* row) {
    const uint64_t more = (RowBytes(row) + 7) / 8 * 8;
    if (static_cast<uint64_t>(next - start) + more > room) return;
    memcpy(next, row, RowBytes(row));
    sample.PushBack(reinterpret_cast<CollectedRow*>(next));
    next += more;
  });
  sorter_.Prepare(sample.begin(), static_cast<uint32_t>(sample.size()), params_.seed, Limits(),
                  vectors_.chunks());
  space_.Release(offset, piece);
}

// The mean of a sample, without rows so long that a few of them would drag it
// away from all others.
void Build::ChooseCenter() {
  const uint32_t dim = index_->layout.dim;
  const uint64_t stride = vectors_.rows() / kCenterSample + 1;
  ArenaVector<float> squares(&allocator_);
  Sample(stride, [&](CollectedRow* row) { squares.PushBack(DecodeRow(row)); });
  if (squares.empty()) return;
  auto* middle = squares.begin() + squares.size() / 2;
  std::nth_element(squares.begin(), middle, squares.end());
  const float limit = *middle * kOutlierSquare;
  auto* sum = AllocateArray<double>(&allocator_, dim);
  std::fill_n(sum, dim, 0.0);
  double count = 0;
  Sample(stride, [&](CollectedRow* row) {
    if (!(DecodeRow(row) <= limit)) return;
    for (uint32_t j = 0; j < dim; j++) sum[j] += static_cast<double>(scratch_[j]);
    count++;
  });
  for (uint32_t j = 0; j < dim; j++) {
    const double mean = count > 0 ? sum[j] / count : 0;
    // None is needed for correctness: zero where components overflow.
    made_->center()[j] = std::abs(mean) < 1e18 ? static_cast<float>(mean) : 0.0f;
  }
}

// Decodes a row into scratch_; its squared length.
float Build::DecodeRow(CollectedRow* row) {
  Decode(*kernels_, *index_, row->bytes(), row->scale, scratch_);
  const float square = kernels_->ip_f32(scratch_, scratch_, index_->layout.dim);
  return std::isnan(square) ? std::numeric_limits<float>::infinity() : square;
}

void Build::WriteMeta() {
  QuiverPin pin;
  context_.store.Extend(QUIVER_INVALID_BLOCK, &pin);
  uint8_t* page = context_.store.Edit(&pin);
  InitPage(page, PageKind::kMeta, sizeof(MetaData));
  *Meta(page) = meta_;
  context_.store.Release(&pin);
}

void Build::WriteCenter() {
  const uint32_t dim = index_->layout.dim;
  QuiverPin meta;
  context_.store.Lock(kMetaBlock, &meta);
  Meta(context_.store.Edit(&meta))->center_block = context_.store.BlockCount();
  context_.store.Release(&meta);
  for (size_t first = 0; first < dim; first += kCenterPerPage) {
    const size_t count = std::min(kCenterPerPage, dim - first);
    QuiverPin pin;
    context_.store.Extend(QUIVER_INVALID_BLOCK, &pin);
    uint8_t* page = context_.store.Edit(&pin);
    InitPage(page, PageKind::kCenter, count * sizeof(float));
    memcpy(page + kPageHeaderBytes, index_->center() + first, count * sizeof(float));
    context_.store.Release(&pin);
  }
}

uint64_t Build::SortRows(QuiverProgress report, void* context) {
  const uint64_t total = vectors_.rows();
  Progress progress(context_.store, &control_->sort.sorted, total, report, context);
  sorter_.OpenToSort();
  for (uint32_t i; vectors_.Take(&i); vectors_.Release(i)) {
    RowChunkHead* chunk = vectors_.Chunk(i);
    CollectedRow* row = VectorChunks::First(chunk);
    for (uint32_t j = 0; j < chunk->rows; j++) {
      const size_t bytes = RowBytes(row);
      sorter_.Add(row, bytes, SplitMix64::At(params_.seed ^ total, chunk->first_row + j));
      row = VectorChunks::Next(row, bytes);
      progress.Row();
    }
  }
  progress.Tell();
  return progress.mine();
}

uint64_t Build::LinkRows(QuiverProgress report, void* context) {
  auto* inserter = new (AllocateArray<uint8_t>(&allocator_, sizeof(Inserter))) Inserter(context_);
  auto* placer = new (AllocateArray<uint8_t>(&allocator_, sizeof(Placer))) Placer(context_);
  const uint64_t total = vectors_.rows();
  Progress progress(context_.store, &control_->linked, total, report, context);
  if (bounded()) return LinkSorted(inserter, placer, &progress);
  twins_.Open(control_->twin_cells);
  for (uint32_t i; vectors_.Take(&i); vectors_.Release(i)) {
    RowChunkHead* chunk = vectors_.Chunk(i);
    CollectedRow* row = VectorChunks::First(chunk);
    for (uint32_t j = 0; j < chunk->rows; j++) {
      // A row's level does not depend on who links it.
      LinkRow(inserter, placer, row, SplitMix64::At(params_.seed ^ total, chunk->first_row + j));
      row = VectorChunks::Next(row, RowBytes(row));
      progress.Row();
    }
  }
  progress.Tell();
  return progress.mine();
}

void Build::LinkRow(Inserter* inserter, Placer* placer, CollectedRow* row, uint64_t random) {
  const StoredVector vector = row->vector();
  TwinTable::Walk walk(twins_, vector.hash);
  for (NodePointer node = walk.Next(); node.valid(); node = walk.Next())
    if (placer->PlacePosting(node, vector, row->posting, nullptr) == Placed::kYes) return;
  walk.Fill(inserter->Insert(inserter->Prepare(vector), row->posting, params_.ef_construction,
                             random, nullptr));
}

// Equal rows come one after another, but for those of other chunks, which the search meets.
uint64_t Build::LinkSorted(Inserter* inserter, Placer* placer, Progress* progress) {
  sorter_.OpenToLink();
  SortedChunks* chunks = sorter_.chunks();
  const uint32_t* order = sorter_.Order();
  uint64_t hash = 0;
  NodePointer node;  // of the last row
  for (uint32_t i; chunks->Take(&i); chunks->Release(order[i])) {
    for (CollectedRow* row : sorter_.RowsOf(chunks->Chunk(order[i]))) {
      const StoredVector vector = row->vector();
      progress->Row();
      if (node.valid() && hash == vector.hash &&
          placer->PlacePosting(node, vector, row->posting, nullptr) == Placed::kYes)
        continue;
      hash = vector.hash;
      const QuiverTid tid = row->posting.tid();
      node = inserter->Insert(inserter->Prepare(vector), row->posting, params_.ef_construction,
                              SplitMix64::At(params_.seed, uint64_t{tid.block} << 16 | tid.offset),
                              nullptr);
    }
  }
  progress->Tell();
  return progress->mine();
}

void Build::Finish() {
  for (uint32_t i = 0; i < loose_.chunks(); i++) {
    RowChunkHead* chunk = loose_.Chunk(i);
    PostingEntry* posting = LooseChunks::First(chunk);
    for (uint32_t j = 0; j < chunk->rows; j++) AppendLoose(context_.store, posting[j]);
    loose_.Release(i);
  }
  // Bounded, near nodes lie together because near rows were linked one after another.
  if (bounded()) return;
  if (control_->prepared != 0) twins_.Release(control_->twin_cells);
  packer_.Plan();
}

void Build::Write(QuiverPageSink sink, void* sink_context) {
  if (!bounded()) {
    packer_.Write(sink, sink_context);
    return;
  }
  const Store& store = context_.store;
  for (uint32_t block = 0; block < store.BlockCount(); block++) {
    if (block % 64 == 0) store.Poll();
    QuiverPin pin;
    const uint8_t* page = store.Read(block, &pin);
    sink(sink_context, block, page);
    store.Release(&pin);
  }
}

}  // namespace quiver
