// Building an index in memory, by one participant or by several that share it.
//
// Rows are collected first, as they will be stored; that gives the centre.  Then either
// the rows fit a list, or each is inserted into a graph of finished pages by the same
// code that inserts into an index on disk, over a page store in memory.  Last, pages
// are handed out on which near nodes lie together (pack.h).
//
//   everybody: Add ... | leader: Prepare | everybody: LinkRows | leader: Finish, Write
//
// The caller sees to it that everybody has ended a step before the next begins.
#ifndef QUIVER_GRAPH_BUILD_H
#define QUIVER_GRAPH_BUILD_H

#include "graph/insert.h"
#include "graph/pack.h"
#include "graph/row_chunks.h"
#include "graph/twins.h"

namespace quiver {

// What the participants share, at the beginning of their space.
struct BuildControl {
  QuiverIndexParams params;
  uint64_t prepared;  // Prepare has been called, and there is a graph
  uint64_t twin_cells;
  // Apart, since they change all the time.
  alignas(64) RowControl rows;
  alignas(64) RowControl loose;
  alignas(64) PageControl pages;
  alignas(64) uint64_t linked;  // rows; atomic
};

class Build {
 public:
  // The leader.  space: nullptr for a build without others.
  Build(const QuiverStore* base, const QuiverIndexParams& params, const QuiverSpace* space);
  // Another participant, before its first Add or before LinkRows.
  Build(const QuiverStore* base, const QuiverSpace* space);

  void Add(QuiverTid tid, const QuiverValue* value);
  // False where there is no graph to link: the index is a list, and done but for Finish.
  bool Prepare();
  // How many of them this participant has linked.
  uint64_t LinkRows(QuiverProgress progress, void* progress_context);
  void Finish();
  void Write(QuiverPageSink sink, void* sink_context);
  uint64_t Memory() const;
  uint64_t rows() const { return vectors_.rows() + loose_.rows(); }
  uint32_t page_count() const { return packer_.count(); }

 private:
  Build(const QuiverStore* base, const QuiverSpace* space, const QuiverIndexParams* params);
  static BuildControl* MakeControl(const BuildSpace& space, const QuiverIndexParams* params);

  size_t RowBytes(CollectedRow* row) const {
    return sizeof(CollectedRow) + StoredBytes(*index_, row->vector());
  }
  // Calls visit(row) for each stride-th row.
  template <class Visit>
  void Sample(uint64_t stride, const Visit& visit);
  void ChooseSparseRoom();
  void ChooseCenter();
  float DecodeRow(CollectedRow* row);
  void WriteMeta();
  void WriteCenter();
  void LinkRow(Inserter* inserter, Placer* placer, CollectedRow* row, uint64_t random);

  const QuiverStore* base_;
  Allocator allocator_;
  PrivateSpace private_space_;
  BuildSpace space_;
  BuildControl* control_;
  QuiverIndexParams params_;
  MetaData meta_;
  QuiverIndex* made_;  // index_, where it is not finished yet
  const QuiverIndex* index_;
  const QuiverKernels* kernels_;
  MemoryPages pages_;
  GraphContext context_;
  Packer packer_;
  VectorChunks vectors_;
  LooseChunks loose_;
  TwinTable twins_;
  float* scratch_;  // 2 x dim
};

// Fills the meta page's description of a new index, whose sparse vectors mostly take
// sparse_bytes; false where the form cannot have the dimension or the metric.
bool DescribeIndex(const QuiverIndexParams& params, uint32_t sparse_bytes, MetaData* meta,
                   NodeLayout* layout);

}  // namespace quiver

#endif  // QUIVER_GRAPH_BUILD_H
