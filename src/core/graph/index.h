// An open index: what never changes while its file lives.
#ifndef QUIVER_GRAPH_INDEX_H
#define QUIVER_GRAPH_INDEX_H

#include "code/rotation.h"
#include "page/meta.h"

// Flat: centre and rotation's signs, where there are any, follow in the same allocation.
struct QuiverIndex {
  uint64_t bytes;  // of the whole
  quiver::NodeLayout layout;
  QuiverMetric metric;
  uint32_t m;
  uint32_t ef_construction;
  uint32_t list_limit;
  uint32_t read_compatible;  // unknown flags among them refuse writes
  uint64_t rotation_seed;

  // Only where edges have codes.
  const float* center() const { return reinterpret_cast<const float*>(this + 1); }
  float* center() { return reinterpret_cast<float*>(this + 1); }
  const uint64_t* signs() const {
    return reinterpret_cast<const uint64_t*>(center() + (layout.dim + 1) / 2 * 2);
  }
  uint64_t* signs() { return reinterpret_cast<uint64_t*>(center() + (layout.dim + 1) / 2 * 2); }
};

namespace quiver {

// Bytes of a QuiverIndex of a layout.
size_t IndexBytes(const NodeLayout& layout);

// Allocates the index that `meta` describes; its centre is zero.
QuiverIndex* MakeIndex(Allocator* allocator, const MetaData& meta, const NodeLayout& layout);

// Reads meta page and centre.
const QuiverIndex* OpenIndex(const Store& store);

// The partition as the meta page has it now.
Partition ReadPartition(const Store& store);

// Fails where the index has features that we may read but not write.
void CheckWritable(const Store& store, const QuiverIndex& index);

}  // namespace quiver

#endif  // QUIVER_GRAPH_INDEX_H
