// Building an index in memory, by one participant or by several that share it.
//
// Rows are collected first, as they will be stored; that gives the centre.  Then either
// the rows fit a list, or each is inserted into a graph of finished pages by the same
// code that inserts into an index on disk, over a page store in memory.  Last, pages
// are handed out on which near nodes lie together (pack.h).
//
//   everybody: Add ... | leader: Prepare | everybody: SortRows, where it is bounded |
//   everybody: LinkRows | leader: Finish, Write
//
// The caller sees to it that everybody has ended a step before the next begins.
//
// A build is bounded where rows or graph would take more memory than it may have.  Rows beyond
// that go to disk while they are collected; then all are sorted, near ones together
// (row_sorter.h), and linked in that order over pages on disk (disk_pages.h).  Nothing else
// is different: the graph is the one that these rows in this order give.
#ifndef QUIVER_GRAPH_BUILD_H
#define QUIVER_GRAPH_BUILD_H

#include "graph/build_memory.h"
#include "graph/disk_pages.h"
#include "graph/insert.h"
#include "graph/pack.h"
#include "graph/row_sorter.h"
#include "graph/twins.h"

namespace quiver {

// Pages of the list before it becomes a graph: about where sweeping it, which is
// exact, begins to cost more than searching a graph of its rows at the default
// ef_search (docs/decisions/0004-list-limit.md).
constexpr uint32_t kListLimit = 64;

// What the participants share, at the beginning of their space.
struct BuildControl {
  QuiverIndexParams params;
  uint64_t memory;  // bytes that all participants may take; UINT64_MAX: any number
  uint32_t participants;
  uint32_t bounded;   // set by Prepare
  uint64_t prepared;  // Prepare has been called, and there is a graph
  uint64_t twin_cells;
  // Apart, since they change all the time.
  alignas(64) RowControl rows;
  alignas(64) RowControl loose;
  alignas(64) PageControl pages;
  alignas(64) FrameControl frames;
  alignas(64) uint64_t linked;  // rows; atomic
  alignas(64) SortControl sort;
};

class Build {
 public:
  // The leader.  space: nullptr for a build without others.
  // memory: 0 for any.
  Build(const QuiverStore* base, const QuiverIndexParams& params, const QuiverSpace* space,
        uint64_t memory, uint32_t participants);
  // Another participant, before its first Add, before SortRows or before LinkRows.
  Build(const QuiverStore* base, const QuiverSpace* space);

  void Add(QuiverTid tid, const QuiverValue* value);
  // False where there is no graph to link: the index is a list, and done but for Finish.
  bool Prepare();
  bool bounded() const { return control_->bounded != 0; }
  // How many of them this participant has sorted.
  uint64_t SortRows(QuiverProgress progress, void* progress_context);
  // How many of them this participant has linked.
  uint64_t LinkRows(QuiverProgress progress, void* progress_context);
  void Finish();
  void Write(QuiverPageSink sink, void* sink_context);
  uint64_t Memory() const;
  uint64_t rows() const { return vectors_.rows() + loose_.rows(); }
  uint32_t page_count() const { return packer_.count(); }

 private:
  Build(const QuiverStore* base, const QuiverSpace* space, const QuiverIndexParams* params,
        uint64_t memory, uint32_t participants);
  static BuildControl* MakeControl(const BuildSpace& space, const QuiverIndexParams* params);

  // Tells what all participants have done of a step, now and then.
  class Progress;

  size_t RowBytes(CollectedRow* row) const {
    return sizeof(CollectedRow) + StoredBytes(*index_, row->vector());
  }
  // Calls visit(row) for each stride-th row.
  template <class Visit>
  void Sample(uint64_t stride, const Visit& visit);
  BuildMemory Limits() const { return {control_->memory, control_->participants}; }
  // Bytes that the graph of all rows will take.
  uint64_t Graph() const { return GraphBytes(index_->layout, vectors_.rows(), sparse_chunks_); }
  // From now on pages lie on disk.
  void UseDisk();
  void MakeOrder();
  void ChooseSparseRoom();
  void ChooseCenter();
  float DecodeRow(CollectedRow* row);
  void WriteMeta();
  void WriteCenter();
  uint64_t LinkSorted(Inserter* inserter, Placer* placer, Progress* progress);
  void LinkRow(Inserter* inserter, Placer* placer, CollectedRow* row, uint64_t random);

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
  DiskPages disk_pages_;
  GraphContext context_;  // over either
  Packer packer_;
  VectorChunks vectors_;
  LooseChunks loose_;
  TwinTable twins_;
  RowSorter sorter_;
  float* scratch_;            // 2 x dim
  double sparse_chunks_ = 0;  // chunk pages of a SPARSE row, on average
};

// Fills the meta page's description of a new index, whose sparse vectors mostly take
// sparse_bytes; false where the form cannot have the dimension or the metric.
bool DescribeIndex(const QuiverIndexParams& params, uint32_t sparse_bytes, MetaData* meta,
                   NodeLayout* layout);

}  // namespace quiver

#endif  // QUIVER_GRAPH_BUILD_H
