// The candidates of a stored sparse vector, found by the query's cells one by one:
// what levels without a wide permutation do.
#ifndef QUIVER_DISTANCE_SPARSE_WALK_H
#define QUIVER_DISTANCE_SPARSE_WALK_H

#include "distance/sparse_query.h"

namespace quiver {

// A chunk of a stored vector is gone through before its candidates are looked up.
constexpr size_t kSparseChunk = 256;

// The places in the query's table where candidates would be, and their entries,
// followed by kSparsePadding that meet nothing.
constexpr size_t kSparsePadding = 4;
struct SparseCandidates {
  size_t count;
  uint32_t indices[kSparseChunk + kSparsePadding];
  float values[kSparseChunk + kSparsePadding];
  uint16_t places[kSparseChunk + kSparsePadding];
};

// Finds the candidates among count <= kSparseChunk entries, without a branch, and
// adds the terms of the others to four sums.
template <class Term>
__attribute__((always_inline)) static inline void FindCandidates(const QuiverSparseQuery* query,
                                                                 const uint32_t* indices,
                                                                 const float* values, size_t count,
                                                                 float sums[4],
                                                                 SparseCandidates* to) {
  const uint16_t* cells = QueryCells(query);
  const uint32_t shift = query->shift;
  const uint32_t empty = query->count;
  size_t found = 0;
  const auto step = [&](size_t i, float& sum) __attribute__((always_inline)) {
    const uint32_t place = cells[SparseCell(indices[i], shift)];
    const bool candidate = place != empty;
    to->indices[found] = indices[i];
    to->values[found] = values[i];
    to->places[found] = static_cast<uint16_t>(place);
    found += candidate;
    if constexpr (Term::kCountsAlone) sum += candidate ? 0.0f : Term::Alone(values[i]);
  };
  size_t i = 0;
  for (; i + 4 <= count; i += 4) {
    step(i, sums[0]);
    step(i + 1, sums[1]);
    step(i + 2, sums[2]);
    step(i + 3, sums[3]);
  }
  for (; i < count; i++) step(i, sums[0]);
  for (size_t j = found; j < found + kSparsePadding; j++) {
    to->indices[j] = kNoIndex;
    to->values[j] = 0;
    to->places[j] = static_cast<uint16_t>(empty);
  }
  to->count = found;
}

}  // namespace quiver

#endif  // QUIVER_DISTANCE_SPARSE_WALK_H
