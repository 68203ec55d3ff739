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

  void Add(QuiverTid tid, const float* vector);
  void Link(QuiverProgress progress, void* progress_context);
  void Write(QuiverPageSink sink, void* sink_context);
  uint64_t Memory() const;
  uint64_t rows() const { return rows_ + loose_.size(); }

 private:
  // A collected row; the stored vector follows.
  struct Row {
    uint64_t hash;
    float scale;
    PostingEntry posting;

    uint8_t* vector() { return reinterpret_cast<uint8_t*>(this + 1); }
  };

  Row* RowAt(uint64_t i) {
    return reinterpret_cast<Row*>(chunks_[i / rows_per_chunk_] +
                                  (i % rows_per_chunk_) * row_bytes_);
  }
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

  size_t row_bytes_;
  size_t rows_per_chunk_;
  ArenaVector<uint8_t*> chunks_;
  uint64_t rows_ = 0;
  ArenaVector<PostingEntry> loose_;
  float* rotated_;
  float* scratch_;

  // Nodes by hash of their vector: open addressing, at most half full.
  struct Twin {
    uint64_t hash;
    NodePointer node;
  };
  ArenaVector<Twin> twins_;
  uint64_t twin_count_ = 0;
};

// Fills the meta page's description of a new index; false where no node fits a page.
bool DescribeIndex(const QuiverIndexParams& params, MetaData* meta, NodeLayout* layout);

}  // namespace quiver

#endif  // QUIVER_GRAPH_BUILD_H
