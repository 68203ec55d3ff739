// The metrics, and distances in double precision.
#ifndef QUIVER_BENCH_DATA_EXACT_DISTANCE_H
#define QUIVER_BENCH_DATA_EXACT_DISTANCE_H

#include <string>

#include "data/matrix_file.h"

namespace quiver::bench {

enum class Metric { kL2, kInnerProduct, kCosine, kL1, kHamming, kJaccard };

const char* MetricName(Metric metric);
Metric ParseMetric(const std::string& text);
// Bits have Hamming and Jaccard, dense and sparse rows the others.
bool FormHasMetric(Form form, Metric metric);

// Squared L2, negative inner product, 1 - cosine (2 where one is zero), sum of absolute
// differences, number of differing bits, or 1 - common ones / ones of either (1 where there are
// none).  Both rows have `shape`.
// REQUIRES: FormHasMetric(shape.form, metric).
double ExactDistance(Metric metric, const RowShape& shape, const float* a, const float* b);

// The same as the SQL operator of the metric gives it: the root is taken of L2.
double SqlDistance(Metric metric, double exact);

}  // namespace quiver::bench

#endif  // QUIVER_BENCH_DATA_EXACT_DISTANCE_H
