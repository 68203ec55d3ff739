// The order in which a bounded build links rows: near ones one after another.
//
// A tree of two levels of pivots is made from a sample (k-means, Lloyd 1982; where vectors have no
// mean, rows of the sample are the pivots).  Each row belongs to the leaf whose pivot is nearest,
// going down the tree.  Siblings stand so that each is near the next.  Nothing depends on what is
// found here but which pages are in memory together.
#ifndef QUIVER_GRAPH_ROW_ORDER_H
#define QUIVER_GRAPH_ROW_ORDER_H

#include "base/random.h"
#include "graph/node_reader.h"
#include "graph/row_chunks.h"

namespace quiver {

class RowOrder {
 public:
  static constexpr uint32_t kMostGroups = 32;
  static constexpr uint32_t kMostLeaves = kMostGroups * kMostGroups;

  // The context may have no index yet.
  RowOrder(const GraphContext& context, const BuildSpace& space)
      : context_(&context), space_(space) {}

  // One participant makes it from a sample, with pivots of at most so many bytes, those
  // included that each participant takes besides; the size of its piece.  Then each of the
  // others opens that.  Reorders the sample.
  uint64_t Create(CollectedRow** sample, uint32_t count, uint64_t bytes, uint32_t participants,
                  uint64_t seed);
  void Open(uint64_t piece);

  uint32_t leaves() const { return head_->first_leaf[head_->groups]; }
  uint32_t LeafOf(const StoredVector& vector) const;

 private:
  // At the beginning of its piece of the space.  The pivots follow: groups' and then leaves'.
  struct Head {
    uint64_t pivot_bytes;
    uint32_t groups;
    uint32_t first_leaf[kMostGroups + 1];
    float bias[kMostGroups + kMostLeaves];  // of each pivot: Nearness
  };

  // A part of the sample, and the pivots that it is divided by.
  struct Part {
    CollectedRow** rows;
    uint32_t count;
    uint32_t first_pivot;
    uint32_t pivots;
  };

  bool has_means() const { return context_->layout().form == QUIVER_FORM_DENSE; }
  uint8_t* PivotAt(uint32_t pivot) const {
    return reinterpret_cast<uint8_t*>(head_ + 1) + pivot * pivot_bytes_;
  }
  size_t PivotBytes(CollectedRow** sample, uint32_t count) const;
  size_t RowBytes(CollectedRow* row) const {
    return sizeof(CollectedRow) + StoredBytes(*context_->index, row->vector());
  }
  bool IsPivot(CollectedRow* row) const;
  void SetPivot(uint32_t pivot, CollectedRow* row);
  void SetBias(uint32_t pivot, float size) { head_->bias[pivot] = size * size; }
  void OpenPivot(uint32_t pivot);
  void MakeTree(CollectedRow** sample, uint32_t count, uint32_t fanout, uint64_t seed);
  void Divide(const Part& part, SplitMix64* random);
  void Assign(const Part& part);
  void MoveToMeans(const Part& part);
  void Chain(const Part& part);
  // Puts the rows of each pivot together; first_of[i]: the first one of its i-th.
  void Group(const Part& part, uint32_t* first_of);
  // The smaller the nearer; of one vector to different pivots.
  float Nearness(uint32_t pivot, const StoredVector& vector) const;
  float PivotNearness(uint32_t from, uint32_t to) const;
  uint32_t Nearest(const StoredVector& vector, uint32_t first, uint32_t count) const;

  const GraphContext* context_;
  BuildSpace space_;
  size_t pivot_bytes_ = 0;  // the floats of a mean, or a CollectedRow
  Head* head_ = nullptr;
  Query* queries_ = nullptr;  // of the pivots
  // While it is made.
  uint32_t* assigned_ = nullptr;  // the pivot of each row of a part, counted within it
  CollectedRow** grouped_ = nullptr;
  double* sums_ = nullptr;
  uint32_t* counts_ = nullptr;
  float* scratch_ = nullptr;
};

}  // namespace quiver

#endif  // QUIVER_GRAPH_ROW_ORDER_H
