// The rows that a table has, or had, while it changes: what recall is then measured against.
#ifndef QUIVER_BENCH_TRUTH_ROW_POOL_H
#define QUIVER_BENCH_TRUTH_ROW_POOL_H

#include <cstdint>
#include <vector>

#include "data/dataset.h"
#include "truth/ground_truth.h"

namespace quiver::bench {

// Each row has the id by which the table knows it, from 0 up.  Engines differ in what they took, so
// each has a pool of its own.
class RowPool {
 public:
  // The first `present` rows of the data set, with its queries.
  RowPool(const Dataset& dataset, size_t present);
  // The data set's base is a view of the rows here.
  RowPool(const RowPool&) = delete;
  RowPool& operator=(const RowPool&) = delete;

  // All rows by their ids, dead ones too.
  const Dataset& dataset() const { return dataset_; }
  size_t rows() const { return dataset_.base.rows; }
  std::vector<int64_t> LiveIds() const;

  // A row of any id; what lies between the last and it is dead.
  void Put(int64_t id, const float* row);
  void Delete(const std::vector<int64_t>& ids);
  void Restore(const std::vector<int64_t>& ids);

  GroundTruth Truth(size_t k) const { return GroundTruth::Among(dataset_, live_, k); }
  // The same rows, other queries.
  Dataset WithQueries(const Matrix& queries) const;
  GroundTruth TruthFor(const Matrix& queries, size_t k) const;

 private:
  Dataset dataset_;
  std::vector<float> data_;
  std::vector<bool> live_;
};

}  // namespace quiver::bench

#endif  // QUIVER_BENCH_TRUTH_ROW_POOL_H
