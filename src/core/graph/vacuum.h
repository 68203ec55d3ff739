// Removing rows: a pass over all pages, and then a walk over the chains of pages that
// have become empty.  What becomes of nodes without rows: graph/repair.h.
#ifndef QUIVER_GRAPH_VACUUM_H
#define QUIVER_GRAPH_VACUUM_H

#include "graph/index.h"

namespace quiver {

struct DeadRows {
  QuiverIsDead is_dead;
  void* context;
  void (*delay)();  // may be null
};

// What quiver_bulk_delete does (core_api.h).
void BulkDelete(const Store& store, const QuiverIndex& index, const DeadRows& dead,
                QuiverVacuumStats* stats);

// Whether emptied nodes wait for a repair; written down before the first one is
// emptied, and taken back when all are freed.
void SetRepairPending(const Store& store, bool pending);

}  // namespace quiver

#endif  // QUIVER_GRAPH_VACUUM_H
