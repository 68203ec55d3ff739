// Exact nearest distances of all queries, on all CPUs.
#ifndef QUIVER_BENCH_TRUTH_BRUTE_FORCE_H
#define QUIVER_BENCH_TRUTH_BRUTE_FORCE_H

#include "data/dataset.h"

namespace quiver::bench {

// Fills out[query * k + rank], ascending.  Scores in float32 choose a few more than k
// candidates per query; their distances are then computed in double precision.
// REQUIRES: k <= dataset.base.rows.
void BruteForceDistances(const Dataset& dataset, size_t k, double* out);

}  // namespace quiver::bench

#endif  // QUIVER_BENCH_TRUTH_BRUTE_FORCE_H
