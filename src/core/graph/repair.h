// Repairing the graph after rows were removed, and giving back the space of nodes
// that have none left.
//
//   census  ->  entry point  ->  mend lists  ->  free upper nodes, then bottom ones
//
// Each step leaves the index right, and begins anew after a cancel or a crash: the
// meta page says that a repair is due until the last one is done.  Generations
// alone make it safe to put another node into a freed place; that lists are mended
// first only keeps routes.  One repair at a time.
#ifndef QUIVER_GRAPH_REPAIR_H
#define QUIVER_GRAPH_REPAIR_H

#include "graph/node_reader.h"

namespace quiver {

// What quiver_vacuum_cleanup does (core_api.h).
void RepairGraph(const Store& store, const QuiverIndex& index, int ef_construction, void (*delay)(),
                 QuiverVacuumStats* stats);

}  // namespace quiver

#endif  // QUIVER_GRAPH_REPAIR_H
