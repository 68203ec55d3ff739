// What an index will take, before anybody builds it.
#ifndef QUIVER_GRAPH_ESTIMATE_H
#define QUIVER_GRAPH_ESTIMATE_H

#include "page/layout.h"

namespace quiver {

// False where the form cannot have the dimension or the metric.
bool EstimateSize(const QuiverIndexParams& params, const QuiverRowsGuess& guess,
                  QuiverSizeEstimate* estimate);

}  // namespace quiver

#endif  // QUIVER_GRAPH_ESTIMATE_H
