// Rows in groups that lie together, for whatever form and metric: each row belongs to the nearest
// of some rows drawn at random.
#ifndef QUIVER_BENCH_DATA_ROW_CLUSTERS_H
#define QUIVER_BENCH_DATA_ROW_CLUSTERS_H

#include <cstdint>
#include <vector>

#include "data/dataset.h"

namespace quiver::bench {

// The ids of each cluster, ascending; a cluster may be empty.
std::vector<std::vector<int64_t>> ClusterRows(const Dataset& dataset, size_t clusters,
                                              uint64_t seed);

}  // namespace quiver::bench

#endif  // QUIVER_BENCH_DATA_ROW_CLUSTERS_H
