// Rows to add to a table that has the first rows of a data set already, as many as are wanted.
#ifndef QUIVER_BENCH_DATA_ADDED_ROWS_H
#define QUIVER_BENCH_DATA_ADDED_ROWS_H

#include <string>
#include <vector>

#include "data/dataset.h"
#include "data/seeded_random.h"

namespace quiver::bench {

enum class AddPattern {
  kSpread,      // the data set's next rows; when all are used, those again, each moved a little
  kNear,        // all at a small distance from one row that is present
  kDuplicates,  // copies of kCopied rows that are present, in turn
};

constexpr size_t kCopied = 100;

const char* PatternName(AddPattern pattern);
AddPattern ParsePattern(const std::string& text);

class AddedRows {
 public:
  AddedRows(const Dataset& dataset, size_t present, AddPattern pattern);

  // The n-th of them, the same whoever asks; valid until the next call.
  const float* Row(size_t n);
  // Queries of the same kind as the rows, none of them equal to one.
  Matrix Queries(size_t n);

 private:
  // `row` moved by about a tenth of what lies between the first row and its nearest neighbour; of
  // bits a hundredth are flipped, of sparse rows all values changed by about a hundredth.
  void Move(const float* row, uint64_t stream, float* out) const;
  double NearestDistance(const float* row) const;

  const Dataset& dataset_;
  size_t present_;
  AddPattern pattern_;
  double step_ = 0;  // standard deviation of a component's change
  std::vector<float> row_;
  std::vector<float> queries_;
};

}  // namespace quiver::bench

#endif  // QUIVER_BENCH_DATA_ADDED_ROWS_H
