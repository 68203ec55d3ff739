// The scalar level: sparse vectors.
#include <bit>
#include <cmath>

#include "distance/kernel_sets.h"
#include "distance/sparse_query.h"
#include "distance/sparse_walk.h"

namespace quiver::scalar {
namespace {

// kCountsAlone: an entry that the other vector lacks has a term.
struct Squared {
  static constexpr bool kCountsAlone = true;
  static float Alone(float x) { return x * x; }
  static float Of(float q, float v) { return (q - v) * (q - v); }
  static double OfQuery(double q) { return q * q; }
};
struct Product {
  static constexpr bool kCountsAlone = false;
  static float Of(float q, float v) { return q * v; }
};
struct Absolute {
  static constexpr bool kCountsAlone = true;
  static float Alone(float x) { return std::fabs(x); }
  static float Of(float q, float v) { return std::fabs(q - v); }
  static double OfQuery(double q) { return std::fabs(q); }
};

// The query's value at index, 0 where it has none.  Bits are masked, for a
// condition would become a branch that nobody can foresee.
inline float Look(const QuiverSparseQuery* query, const float* values, size_t place,
                  uint32_t index) {
  uint32_t bits = 0;
  for (size_t i = place; i < place + kCellEntries; i++)
    bits |= std::bit_cast<uint32_t>(values[i]) & -static_cast<uint32_t>(query->keys[i] == index);
  return std::bit_cast<float>(bits);
}

template <class Term>
SparseSums Compare(const QuiverSparseQuery* query, const uint32_t* indices, const float* values,
                   size_t count) {
  const float* query_values = QueryValues(query);
  SparseCandidates candidates;
  float parts[4] = {};
  SparseSums sums = {};
  for (size_t i = 0; i < count; i += kSparseChunk) {
    const size_t chunk = count - i < kSparseChunk ? count - i : kSparseChunk;
    FindCandidates<Term>(query, indices + i, values + i, chunk, parts, &candidates);
    for (size_t j = 0; j < candidates.count; j++) {
      const float q = Look(query, query_values, candidates.places[j], candidates.indices[j]);
      sums.stored += Term::Of(q, candidates.values[j]);
      if constexpr (Term::kCountsAlone) {
        sums.met += Term::OfQuery(static_cast<double>(q));
        sums.nonzero += q != 0;
      }
    }
  }
  sums.stored += (parts[0] + parts[2]) + (parts[1] + parts[3]);
  return sums;
}

}  // namespace

float SparseL2Squared(const QuiverSparseQuery* query, const uint32_t* indices, const float* values,
                      size_t count) {
  if (!query->hashed) return quiver_sparse_pair_l2sq(QueryVector(query), {indices, values, count});
  return SparseTotalSquared(query, Compare<Squared>(query, indices, values, count), indices, count);
}

float SparseProduct(const QuiverSparseQuery* query, const uint32_t* indices, const float* values,
                    size_t count) {
  if (!query->hashed) return quiver_sparse_pair_ip(QueryVector(query), {indices, values, count});
  return Compare<Product>(query, indices, values, count).stored;
}

float SparseAbsolute(const QuiverSparseQuery* query, const uint32_t* indices, const float* values,
                     size_t count) {
  if (!query->hashed) return quiver_sparse_pair_l1(QueryVector(query), {indices, values, count});
  return SparseTotalAbsolute(query, Compare<Absolute>(query, indices, values, count), indices,
                             count);
}

void SparseCosine(const QuiverSparseQuery* query, const uint32_t* indices, const float* values,
                  size_t count, float out[3]) {
  out[0] = SparseProduct(query, indices, values, count);
  out[1] = static_cast<float>(query->squares);
  out[2] = kKernels.ip_f32(values, values, count);
}

}  // namespace quiver::scalar
