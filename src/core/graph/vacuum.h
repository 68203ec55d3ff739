// Removing rows.
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

}  // namespace quiver

#endif  // QUIVER_GRAPH_VACUUM_H
