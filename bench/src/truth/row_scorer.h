// Scores of many rows against many queries in float32, one scorer a form and metric.
#ifndef QUIVER_BENCH_TRUTH_ROW_SCORER_H
#define QUIVER_BENCH_TRUTH_ROW_SCORER_H

#include <memory>

#include "data/dataset.h"

namespace quiver::bench {

// A score orders the rows of one query as their distance does, up to float32's rounding.  A scorer
// has room of its own: one for each thread.
class RowScorer {
 public:
  virtual ~RowScorer() = default;
  // Turns to queries `begin` .. `end` - 1.
  virtual void SetQueries(size_t begin, size_t end) = 0;
  // out[q * rows + i] becomes the score of row `first` + i for the q-th of those queries.
  virtual void Score(size_t first, size_t rows, float* out) = 0;
};

// What a whole run of scorers shares, prepared once; outlives them, and needs `dataset` as long.
class ScorerFactory {
 public:
  virtual ~ScorerFactory() = default;
  virtual std::unique_ptr<RowScorer> Make() const = 0;

  static std::unique_ptr<ScorerFactory> For(const Dataset& dataset);
};

// Dense rows under L2, inner product and cosine: matrix products.
std::unique_ptr<ScorerFactory> MakeProductScorers(const Dataset& dataset);
// Everything else: row by row.
std::unique_ptr<ScorerFactory> MakeDirectScorers(const Dataset& dataset);

}  // namespace quiver::bench

#endif  // QUIVER_BENCH_TRUTH_ROW_SCORER_H
