// Looking for damage: whether an index is what the format says.
#ifndef QUIVER_GRAPH_VERIFY_H
#define QUIVER_GRAPH_VERIFY_H

#include "core_api.h"

namespace quiver {

// What quiver_verify and quiver_row_stands_twice do (core_api.h).
void VerifyIndex(const QuiverStore* store, const QuiverVerifyOptions& options);
bool RowStandsTwice(const QuiverStore* store, QuiverTid tid, uint32_t first, uint32_t second);

}  // namespace quiver

#endif  // QUIVER_GRAPH_VERIFY_H
