#include "graph/index.h"

#include <algorithm>

namespace quiver {

size_t IndexBytes(const NodeLayout& layout) {
  static_assert(sizeof(QuiverIndex) % 8 == 0);
  if (layout.codec != Codec::kEdge) return sizeof(QuiverIndex);
  const uint32_t dim = layout.dim;
  return sizeof(QuiverIndex) + (size_t{dim} + 1) / 2 * 2 * sizeof(float) +
         RotationSignWords(dim) * sizeof(uint64_t);
}

QuiverIndex* MakeIndex(Allocator* allocator, const MetaData& meta, const NodeLayout& layout) {
  const size_t bytes = IndexBytes(layout);
  auto* index = reinterpret_cast<QuiverIndex*>(AllocateArray<uint8_t>(allocator, bytes));
  memset(static_cast<void*>(index), 0, bytes);
  index->bytes = bytes;
  index->layout = layout;
  index->metric = static_cast<QuiverMetric>(meta.metric);
  index->m = meta.m;
  index->ef_construction = meta.ef_construction;
  index->list_limit = meta.list_limit;
  index->read_compatible = meta.read_compatible;
  index->rotation_seed = meta.rotation_seed;
  if (layout.codec == Codec::kEdge)
    MakeRotationSigns(meta.rotation_seed, layout.dim, index->signs());
  return index;
}

const QuiverIndex* OpenIndex(const Store& store) {
  Allocator allocator = store.MakeAllocator();
  NodeLayout layout;
  QuiverPin pin;
  if (store.BlockCount() == 0) store.Corrupted(kMetaBlock, "the file is empty");
  const uint8_t* page = store.Read(kMetaBlock, &pin);
  CheckMeta(store, page, &layout);
  const MetaData meta = *Meta(page);
  store.Release(&pin);
  if (meta.rotation_algorithm != kRotationAlgorithm)
    store.Fail(QUIVER_ERROR_FORMAT, kMetaBlock, -1, "unknown rotation algorithm",
               meta.rotation_algorithm);

  QuiverIndex* index = MakeIndex(&allocator, meta, layout);
  if (meta.center_block == QUIVER_INVALID_BLOCK || layout.codec != Codec::kEdge) return index;
  const uint32_t blocks = static_cast<uint32_t>((layout.dim + kCenterPerPage - 1) / kCenterPerPage);
  if (uint64_t{meta.center_block} + blocks > store.BlockCount())
    store.Corrupted(kMetaBlock, "the centre lies beyond the end of the file", meta.center_block);
  for (uint32_t i = 0; i < blocks; i++) {
    page = store.Read(meta.center_block + i, &pin);
    if (!IsPageOf(page, PageKind::kCenter))
      store.Corrupted(meta.center_block + i, "it is not a page of the centre");
    const size_t first = i * kCenterPerPage;
    const size_t count = std::min(kCenterPerPage, layout.dim - first);
    memcpy(index->center() + first, page + kPageHeaderBytes, count * sizeof(float));
    store.Release(&pin);
  }
  return index;
}

Partition ReadPartition(const Store& store) {
  NodeLayout layout;
  QuiverPin pin;
  const uint8_t* page = store.Read(kMetaBlock, &pin);
  CheckMeta(store, page, &layout);
  const Partition partition = Meta(page)->partition;
  store.Release(&pin);
  return partition;
}

void CheckWritable(const Store& store, const QuiverIndex& index) {
  if ((index.read_compatible & ~kKnownReadCompatible) != 0)
    store.Fail(QUIVER_ERROR_FORMAT, kMetaBlock, -1, "unknown feature flags allow reading only",
               index.read_compatible & ~kKnownReadCompatible);
}

}  // namespace quiver
