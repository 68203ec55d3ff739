// What a prepared sparse query is made of, for sparse.cpp and the sparse_* files.
//
// A query is a hash table of its entries.  `cells`, 16 or more for each entry,
// name for every hash the first of its entries in `keys` and `values`, which are
// sorted by cell; no cell has more than kCellEntries, so that many are compared
// at once, without a branch.  A comparison has two steps: it picks from the stored
// vector the candidates, entries whose hash is among the query's, and then looks
// only those up.  Most cells are empty, so `cells` tell candidates; `filter` tells
// them worse, but fits registers.
#ifndef QUIVER_DISTANCE_SPARSE_QUERY_H
#define QUIVER_DISTANCE_SPARSE_QUERY_H

#include <cstddef>
#include <cstdint>

#include "distance/sparse.h"

namespace quiver {

constexpr size_t kCellEntries = 4;
constexpr size_t kFilterWords = 64;
// No dimension is so large; one in a damaged vector meets a value of 0.
constexpr uint32_t kNoIndex = 0xFFFFFFFFu;

}  // namespace quiver

struct QuiverSparseQuery {
  double squares;      // sum of q^2, added as double
  double magnitudes;   // sum of |q|
  uint32_t count;      // entries; also the mark of an empty cell
  uint32_t nonzero;    // entries whose value is not 0
  uint32_t shift;      // 32 - log2 of the number of cells
  uint32_t hashed;     // 0: a cell would have too many entries; keys ascend, and are merged
  uint32_t values_at;  // bytes from the query to values
  uint32_t cells_at;   // and to cells
  uint32_t filter[quiver::kFilterWords];  // bit SparseFilterBit(key) is set for every key
  uint32_t keys[];  // count + kCellEntries; the last ones are kNoIndex, with values of 0
};

namespace quiver {

// 2^32 / the golden ratio (Knuth 6.4): the high bits of the product are the hash.
constexpr uint32_t kSparseMultiplier = 0x9E3779B1u;

static inline uint32_t SparseCell(uint32_t index, uint32_t shift) {
  return index * kSparseMultiplier >> shift;
}

// 6 bits say which word of the filter, 5 bits which bit of it.
constexpr uint32_t kFilterShift = 21;

static inline uint32_t SparseFilterBit(uint32_t index) {
  return index * kSparseMultiplier >> kFilterShift;
}

static inline const float* QueryValues(const QuiverSparseQuery* query) {
  return reinterpret_cast<const float*>(reinterpret_cast<const char*>(query) + query->values_at);
}

static inline const uint16_t* QueryCells(const QuiverSparseQuery* query) {
  return reinterpret_cast<const uint16_t*>(reinterpret_cast<const char*>(query) + query->cells_at);
}

// The query as a vector.  REQUIRES: it is not hashed.
static inline QuiverSparseVector QueryVector(const QuiverSparseQuery* query) {
  return {query->keys, QueryValues(query), query->count};
}

// What a comparison adds up.
struct SparseSums {
  float stored;      // the terms of the stored entries, with the query's that they met
  double met;        // the terms of the query's entries that they met, alone
  uint32_t nonzero;  // how many those are, values of 0 not counted
};

#pragma GCC visibility push(hidden)

// The distance: the sums and the terms of the query's entries that no stored one
// met.  indices are the stored vector's.
float SparseTotalSquared(const QuiverSparseQuery* query, const SparseSums& sums,
                         const uint32_t* indices, size_t count);
float SparseTotalAbsolute(const QuiverSparseQuery* query, const SparseSums& sums,
                          const uint32_t* indices, size_t count);

#pragma GCC visibility pop

}  // namespace quiver

#endif  // QUIVER_DISTANCE_SPARSE_QUERY_H
