#include "graph/build.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/random.h"
#include "graph/chain.h"

namespace quiver {

namespace {

constexpr size_t kMemoryChunk = 1024 * 1024;

// Pages of the list before it becomes a graph: about where sweeping it, which is
// exact, begins to cost more than searching a graph of its rows at the default
// ef_search (docs/decisions/0004-list-limit.md).
constexpr uint32_t kListLimit = 64;

constexpr uint64_t kProgressRows = 256;

// What a sparse vector takes where none has been seen: 128 entries.
constexpr uint32_t kDefaultSparseBytes = 1024;

// Rows that the centre is computed from, about; and how many times the median
// squared length a row of them may have.
constexpr uint64_t kCenterSample = 20000;
constexpr float kOutlierSquare = 16;

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

Build::Build(const QuiverStore* base, const QuiverIndexParams& params)
    : base_(base),
      allocator_{base->context, base->allocate},
      params_(params),
      meta_(),
      index_(nullptr),
      kernels_(quiver_kernels()),
      pages_(base),
      context_{Store(pages_.store()), nullptr, kernels_, &allocator_, true},
      rows_(&allocator_),
      loose_(&allocator_),
      twins_(&allocator_) {
  NodeLayout layout;
  if (!DescribeIndex(params, kDefaultSparseBytes, &meta_, &layout))
    Store(base).Fail(QUIVER_ERROR_LIMIT, QUIVER_INVALID_BLOCK, -1,
                     "an index cannot have so many dimensions, or not with this metric",
                     params.dim);
  index_ = MakeIndex(&allocator_, meta_, layout);
  context_.index = index_;
  scratch_ = AllocateArray<float>(&allocator_,
                                  layout.form == QUIVER_FORM_DENSE ? 2 * size_t{layout.dim} : 0);
}

uint8_t* Build::AllocateRow(size_t bytes) {
  bytes = (bytes + 7) / 8 * 8;
  if (bytes > chunk_left_) {
    chunk_left_ = std::max(kMemoryChunk, bytes);
    chunk_ = AllocateArray<uint8_t>(&allocator_, chunk_left_);
    chunk_bytes_ += chunk_left_;
  }
  uint8_t* row = chunk_;
  chunk_ += bytes;
  chunk_left_ -= bytes;
  return row;
}

void Build::Add(QuiverTid tid, const QuiverValue* value) {
  if (value == nullptr || !HasDirection(*index_, *value)) {
    loose_.PushBack(PostingEntry::Make(tid, value == nullptr ? kPostingNull : kPostingNan));
    return;
  }
  auto* row = reinterpret_cast<Row*>(AllocateRow(sizeof(Row) + StoredBytes(*index_, *value)));
  const StoredVector stored = StoreValue(*kernels_, *index_, *value, row->bytes(), scratch_);
  row->hash = stored.hash;
  row->scale = stored.scale;
  row->entries = stored.entries;
  row->posting = PostingEntry::Make(tid);
  rows_.PushBack(row);
}

uint64_t Build::Memory() const {
  const NodeLayout& layout = index_->layout;
  // The pages of the graph, its upper layers included, and the twins' table.
  uint64_t pages = rows_.size() / layout.nodes_per_page + 1;
  const size_t beside = layout.vector_at_home ? 0 : layout.vector_bytes;
  pages += rows_.size() * ((beside + kChunkBytes - 1) / kChunkBytes + layout.CodeChunks());
  const uint64_t graph = pages * kPageBytes * 33 / 32 + rows_.size() * 40;
  return chunk_bytes_ + rows_.capacity() * sizeof(Row*) + loose_.capacity() * sizeof(PostingEntry) +
         std::max(graph, pages_.bytes() + twins_.capacity() * sizeof(Twin));
}

// Room beside a node for nine in ten of the sparse vectors seen.
void Build::ChooseSparseRoom() {
  if (index_->layout.form != QUIVER_FORM_SPARSE || rows_.empty()) return;
  const uint64_t stride = rows_.size() / kCenterSample + 1;
  ArenaVector<uint32_t> bytes(&allocator_);
  for (uint64_t i = 0; i < rows_.size(); i += stride) bytes.PushBack(rows_[i]->entries * 8u);
  auto* most = bytes.begin() + (bytes.size() - 1) * 9 / 10;
  std::nth_element(bytes.begin(), most, bytes.end());
  NodeLayout layout;
  if (DescribeIndex(params_, *most, &meta_, &layout)) index_->layout = layout;
}

void Build::Link(QuiverProgress progress, void* progress_context) {
  const bool centered = index_->layout.codec == Codec::kEdge && !rows_.empty();
  ChooseSparseRoom();
  if (centered) ChooseCenter();
  WriteMeta();
  if (centered) WriteCenter();
  const Store store(pages_.store());
  if (!HasList(index_->layout) ||
      rows_.size() > kListLimit * uint64_t{ListEntriesPerPage(index_->layout)}) {
    Meta(pages_.page(kMetaBlock))->partition.state = PartitionState::kGraph;
    LinkGraph(progress, progress_context);
  } else {
    for (Row* row : rows_) AppendToList(store, *index_, row->vector(), row->posting);
  }
  for (const PostingEntry posting : loose_) AppendLoose(store, posting);
  if (progress != nullptr) progress(progress_context, rows_.size(), rows_.size());
}

// The mean of a sample, without rows so long that a few of them would drag it
// away from all others.
void Build::ChooseCenter() {
  const uint32_t dim = index_->layout.dim;
  const uint64_t stride = rows_.size() / kCenterSample + 1;
  ArenaVector<float> squares(&allocator_);
  for (uint64_t i = 0; i < rows_.size(); i += stride) squares.PushBack(DecodeRow(i));
  if (squares.empty()) return;
  auto* middle = squares.begin() + squares.size() / 2;
  std::nth_element(squares.begin(), middle, squares.end());
  const float limit = *middle * kOutlierSquare;
  auto* sum = AllocateArray<double>(&allocator_, dim);
  std::fill_n(sum, dim, 0.0);
  double count = 0;
  for (uint64_t i = 0; i < rows_.size(); i += stride) {
    if (!(DecodeRow(i) <= limit)) continue;
    for (uint32_t j = 0; j < dim; j++) sum[j] += static_cast<double>(scratch_[j]);
    count++;
  }
  for (uint32_t j = 0; j < dim; j++) {
    const double mean = count > 0 ? sum[j] / count : 0;
    // None is needed for correctness: zero where components overflow.
    index_->center()[j] = std::abs(mean) < 1e18 ? static_cast<float>(mean) : 0.0f;
  }
}

// Decodes row i into scratch_; its squared length.
float Build::DecodeRow(uint64_t i) {
  Decode(*kernels_, *index_, rows_[i]->bytes(), rows_[i]->scale, scratch_);
  const float square = kernels_->ip_f32(scratch_, scratch_, index_->layout.dim);
  return std::isnan(square) ? std::numeric_limits<float>::infinity() : square;
}

void Build::WriteMeta() {
  uint8_t* page = pages_.page(pages_.Extend());
  InitPage(page, PageKind::kMeta, sizeof(MetaData));
  *Meta(page) = meta_;
}

void Build::WriteCenter() {
  const uint32_t dim = index_->layout.dim;
  Meta(pages_.page(kMetaBlock))->center_block = pages_.count();
  for (size_t first = 0; first < dim; first += kCenterPerPage) {
    const size_t count = std::min(kCenterPerPage, dim - first);
    uint8_t* page = pages_.page(pages_.Extend());
    InitPage(page, PageKind::kCenter, count * sizeof(float));
    memcpy(page + kPageHeaderBytes, index_->center() + first, count * sizeof(float));
  }
}

void Build::LinkGraph(QuiverProgress progress, void* progress_context) {
  auto* inserter = new (AllocateArray<uint8_t>(&allocator_, sizeof(Inserter))) Inserter(context_);
  SplitMix64 random(params_.seed ^ rows_.size());
  placer_ = new (AllocateArray<uint8_t>(&allocator_, sizeof(Placer))) Placer(context_);
  size_t cells = 64;
  while (cells < 2 * rows_.size()) cells *= 2;
  twins_.Resize(cells);
  for (Twin& twin : twins_) twin.node = NodePointer{};
  for (uint64_t i = 0; i < rows_.size(); i++) {
    Row* row = rows_[i];
    const StoredVector vector = row->vector();
    if (!AddToTwin(vector, row->posting)) {
      const NodePointer node = inserter->Insert(inserter->Prepare(vector), row->posting,
                                                params_.ef_construction, random.Next(), nullptr);
      if (node.valid()) RememberNode(vector.hash, node);
    }
    if (i % kProgressRows != 0) continue;
    context_.store.Poll();  // rows of known vectors need no search, which would
    if (progress != nullptr) progress(progress_context, i, rows_.size());
  }
}

bool Build::AddToTwin(const StoredVector& vector, PostingEntry posting) {
  const size_t mask = twins_.size() - 1;
  for (size_t i = vector.hash & mask; twins_[i].node.valid(); i = (i + 1) & mask)
    if (twins_[i].hash == vector.hash &&
        placer_->PlacePosting(twins_[i].node, vector, posting, nullptr) == Placed::kYes)
      return true;
  return false;
}

void Build::RememberNode(uint64_t hash, NodePointer node) {
  const size_t mask = twins_.size() - 1;
  size_t i = hash & mask;
  while (twins_[i].node.valid()) i = (i + 1) & mask;
  twins_[i] = {hash, node};
  twin_count_++;
}

void Build::Write(QuiverPageSink sink, void* sink_context) {
  for (uint32_t block = 0; block < pages_.count(); block++) {
    if (block % 64 == 0) base_->poll(base_->context);
    sink(sink_context, block, pages_.page(block));
  }
}

}  // namespace quiver
