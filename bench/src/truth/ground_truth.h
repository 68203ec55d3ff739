// The exact answers, by brute force, and recall against them.
#ifndef QUIVER_BENCH_TRUTH_GROUND_TRUTH_H
#define QUIVER_BENCH_TRUTH_GROUND_TRUTH_H

#include <cstdint>
#include <string>
#include <vector>

#include "data/dataset.h"

namespace quiver::bench {

constexpr int64_t kNoRow = -1;

class GroundTruth {
 public:
  // Computes the k nearest distances of every query, or reads them from the cache.
  static GroundTruth For(const Dataset& dataset, size_t k, const std::string& cache_dir);
  // The same among the rows that `live` marks, one a row of the data set; not cached.
  static GroundTruth Among(const Dataset& dataset, std::vector<bool> live, size_t k);

  size_t k() const { return k_; }

  // Distance of the rank-th nearest row (0 is the nearest) to a query.
  double Distance(size_t query, size_t rank) const { return distances_[query * k_ + rank]; }

  // Share of the first `k` true neighbours found, over queries first .. first + count - 1; `ids`
  // holds `k` rows per query, kNoRow where fewer came.  A row counts when its distance, computed
  // exactly, is not greater than the k-th true distance (so that either of two equal rows is
  // right); a row returned twice counts once.  Fails when a row is not one of the live.
  double Recall(const Dataset& dataset, size_t first, size_t count, size_t k,
                const std::vector<int64_t>& ids) const;

 private:
  size_t k_ = 0;
  std::vector<double> distances_;
  std::vector<bool> live_;  // empty: all
};

}  // namespace quiver::bench

#endif  // QUIVER_BENCH_TRUTH_GROUND_TRUTH_H
