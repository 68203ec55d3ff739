// The pages that every search begins with: meta page, centre, list, upper layers.
#ifndef QUIVER_GRAPH_UPPER_WALK_H
#define QUIVER_GRAPH_UPPER_WALK_H

#include "graph/index.h"

namespace quiver {

// Reads them, each once, as the links lead there: round by round, each round in the order of blocks
// with `ahead` of them asked for before.  Tells `visit` each block after it has been read, without
// a lock; false where that ended the walk.  Memory: a bit a block, 8 bytes an upper page.
bool WalkUpper(const Store& store, const QuiverIndex& index, uint32_t ahead, QuiverVisit visit,
               void* visit_context);

}  // namespace quiver

#endif  // QUIVER_GRAPH_UPPER_WALK_H
