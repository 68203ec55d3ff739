// Figures of an index.
#ifndef QUIVER_GRAPH_INDEX_STATS_H
#define QUIVER_GRAPH_INDEX_STATS_H

#include "graph/index.h"

namespace quiver {

// What quiver_index_stats does (core_api.h).
void CollectStats(const Store& store, const QuiverIndex& index, QuiverIndexStats* stats);

}  // namespace quiver

#endif  // QUIVER_GRAPH_INDEX_STATS_H
