// Building an index in memory.
//
// Rows are collected first, as they will be stored; that gives the centre.
// Then either the rows fit a list, or each is inserted into a graph of finished
// pages by the same code that inserts into an index on disk, over a page store
// in memory.  Last, the pages are handed out in order.
#ifndef QUIVER_GRAPH_BUILD_H
#define QUIVER_GRAPH_BUILD_H

#include "graph/insert.h"
#include "graph/memory_pages.h"

namespace quiver {

class Build {
 public:
  Build(const QuiverStore* base, const QuiverIndexParams& params);

  void Add(QuiverTid tid, const QuiverValue* value);
  void Link(QuiverProgress progress, void* progress_context);
  void Write(QuiverPageSink sink, void* sink_context);
  uint64_t Memory() const;
  uint64_t rows() const { return rows_.size() + loose_.size(); }

 private:
  // A collected row; the stored vector follows.
  struct Row {
    uint64_t hash;
    float scale;
    uint16_t entries;
    PostingEntry posting;

    uint8_t* bytes() { return reinterpret_cast<uint8_t*>(this + 1); }
    StoredVector vector() { return {bytes(), scale, entries, hash}; }
  };
  static_assert(sizeof(Row) == 24);

  uint8_t* AllocateRow(size_t bytes);
  void ChooseSparseRoom();
  void ChooseCenter();
  float DecodeRow(uint64_t i);
  void WriteMeta();
  void WriteCenter();
  void LinkGraph(QuiverProgress progress, void* progress_context);
  bool AddToTwin(const StoredVector& vector, PostingEntry posting);
  void RememberNode(uint64_t hash, NodePointer node);

  const QuiverStore* base_;
  Allocator allocator_;
  QuiverIndexParams params_;
  MetaData meta_;
  QuiverIndex* index_;
  const QuiverKernels* kernels_;
  MemoryPages pages_;
  GraphContext context_;

  uint8_t* chunk_ = nullptr;  // rows go here
  size_t chunk_left_ = 0;
  uint64_t chunk_bytes_ = 0;  // of all chunks
  ArenaVector<Row*> rows_;
  ArenaVector<PostingEntry> loose_;
  float* scratch_;  // 2 x dim

  // Nodes by hash of their vector: open addressing, at most half full.
  struct Twin {
    uint64_t hash;
    NodePointer node;
  };
  ArenaVector<Twin> twins_;
  Placer* placer_ = nullptr;
  uint64_t twin_count_ = 0;
};

// Fills the meta page's description of a new index, whose sparse vectors mostly take
// sparse_bytes; false where the form cannot have the dimension or the metric.
bool DescribeIndex(const QuiverIndexParams& params, uint32_t sparse_bytes, MetaData* meta,
                   NodeLayout* layout);

}  // namespace quiver

#endif  // QUIVER_GRAPH_BUILD_H
