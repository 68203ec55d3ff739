#include "graph/row_sorter.h"

#include <algorithm>

namespace quiver {

namespace {

// A chunk being filled keeps about so much of it in memory.
constexpr uint64_t kStreamBytes = 48 * 1024;

// Buckets are worth so many chunks each; the last one of each is filled in part.
constexpr uint32_t kChunksPerBucket = 4;

// One row in so many goes to the first bucket.
constexpr uint64_t kFirstShare = 64;

}  // namespace

RowSorter::RowSorter(const GraphContext& context, const BuildSpace& space, SortControl* control)
    : context_(&context),
      space_(space),
      control_(control),
      order_(context, space),
      sorted_(space, &control->rows),
      rows_(context.allocator) {}

void RowSorter::Prepare(CollectedRow** sample, uint32_t count, uint64_t seed,
                        const BuildMemory& limits, uint32_t chunks) {
  control_->order_bytes =
      order_.Create(sample, count, limits.Sorting() / 2, limits.participants(), seed);
  const uint32_t leaves = order_.leaves();
  const uint64_t streams = limits.Sorting() / 2 / kStreamBytes / limits.participants();
  control_->buckets = static_cast<uint32_t>(
      std::clamp<uint64_t>(std::min<uint64_t>(streams, chunks / kChunksPerBucket), 1, leaves));
  // Leaves that follow each other, about as many rows of the sample in each bucket.
  auto* of_leaf = AllocateArray<uint32_t>(context_->allocator, leaves);
  std::fill_n(of_leaf, leaves, 0u);
  for (uint32_t i = 0; i < count; i++) of_leaf[order_.LeafOf(sample[i]->vector())]++;
  uint64_t before = 0;
  for (uint32_t i = 0; i < leaves; i++) {
    const uint64_t middle = before + of_leaf[i] / 2;
    control_->bucket_of[i] = static_cast<uint16_t>(
        1 + std::min<uint64_t>(middle * control_->buckets / std::max(count, 1u),
                               control_->buckets - 1));
    before += of_leaf[i];
  }
  // Rows fill their chunks as before or, where they are large, half of them.
  control_->bucket_chunks = 2 * chunks + (control_->buckets + 1) * limits.participants();
  space_.Reserve(SpaceOffset(SpaceRegion::kBuckets, 0, 0),
                 GrainsOf(control_->bucket_chunks * sizeof(uint16_t)));
}

void RowSorter::OpenToLink() {
  buckets_ =
      reinterpret_cast<uint16_t*>(space_.Map(SpaceOffset(SpaceRegion::kBuckets, 0, 0),
                                             GrainsOf(control_->bucket_chunks * sizeof(uint16_t))));
}

void RowSorter::OpenToSort() {
  OpenToLink();
  order_.Open(control_->order_bytes);
  streams_ = AllocateArray<SortedChunks>(context_->allocator, control_->buckets + 1);
  for (uint32_t i = 0; i <= control_->buckets; i++)
    new (&streams_[i]) SortedChunks(space_, &control_->rows);
}

void RowSorter::Add(CollectedRow* row, size_t bytes, uint64_t random) {
  if (random % kFirstShare == 0) {
    AddTo(0, row, bytes, 0);
    return;
  }
  const uint32_t leaf = order_.LeafOf(row->vector());
  AddTo(control_->bucket_of[leaf], row, bytes, leaf);
}

void RowSorter::AddTo(uint32_t bucket, CollectedRow* row, size_t bytes, uint32_t leaf) {
  SortedChunks* stream = &streams_[bucket];
  const uint32_t chunk = stream->filling();
  CollectedRow* copy = stream->Add(bytes);
  memcpy(copy, row, bytes);
  copy->leaf = static_cast<uint16_t>(leaf);
  if (stream->filling() == chunk) return;
  if (stream->filling() >= control_->bucket_chunks)
    context_->store.Fail(QUIVER_ERROR_INTERNAL, QUIVER_INVALID_BLOCK, -1,
                         "rows take more room sorted than unsorted", stream->filling());
  buckets_[stream->filling()] = static_cast<uint16_t>(bucket);
}

const uint32_t* RowSorter::Order() {
  const uint32_t chunks = sorted_.chunks();
  auto* order = AllocateArray<uint32_t>(context_->allocator, chunks);
  for (uint32_t i = 0; i < chunks; i++) order[i] = i;
  std::sort(order, order + chunks, [&](uint32_t a, uint32_t b) {
    return buckets_[a] != buckets_[b] ? buckets_[a] < buckets_[b] : a < b;
  });
  return order;
}

const ArenaVector<CollectedRow*>& RowSorter::RowsOf(RowChunkHead* chunk) {
  rows_.Clear();
  CollectedRow* row = SortedChunks::First(chunk);
  for (uint32_t i = 0; i < chunk->rows; i++) {
    rows_.PushBack(row);
    row = SortedChunks::Next(row, RowBytes(row));
  }
  // Rows of the first bucket have leaf 0 all; equal ones follow each other.
  std::sort(rows_.begin(), rows_.end(), [](const CollectedRow* a, const CollectedRow* b) {
    return a->leaf != b->leaf ? a->leaf < b->leaf : a->hash < b->hash;
  });
  return rows_;
}

}  // namespace quiver
