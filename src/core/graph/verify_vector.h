// What can be seen of a stored vector by itself.
#ifndef QUIVER_GRAPH_VERIFY_VECTOR_H
#define QUIVER_GRAPH_VERIFY_VECTOR_H

#include "graph/vectors.h"

namespace quiver {

// Finite, positive, a power of two.
bool IsScale(float scale);

// What of scale and entries cannot be, or null.  These say how the bytes are read.
const char* VectorHeadFault(const QuiverIndex& index, const StoredVector& stored);

// What of the bytes cannot be, or null.  REQUIRES: the head has no fault; all of
// the vector is there.
const char* VectorFault(const QuiverIndex& index, const StoredVector& stored);

}  // namespace quiver

#endif  // QUIVER_GRAPH_VERIFY_VECTOR_H
