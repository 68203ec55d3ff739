// The second step of a sparse comparison, four candidates at once with SSE2, which
// every x86-64 has: so it may be inlined into functions of any level.  Included by
// the sparse_* files of x86 only.
#ifndef QUIVER_DISTANCE_SPARSE_X86_H
#define QUIVER_DISTANCE_SPARSE_X86_H

#include <emmintrin.h>

#include "distance/sparse_query.h"

#define QUIVER_SSE2_INLINE __attribute__((always_inline)) static inline

namespace quiver {

// So many stored entries are gone through before their candidates are looked up.
constexpr size_t kSparseChunk = 256;

// With room for a register to be stored behind the last.
struct SparseCandidates {
  uint32_t indices[kSparseChunk + 16];
  float values[kSparseChunk + 16];
};

// Up to three more, which meet nothing: four are looked up at once.
QUIVER_SSE2_INLINE void EndCandidates(SparseCandidates* candidates, size_t count) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(candidates->indices + count), _mm_set1_epi32(-1));
  _mm_storeu_ps(candidates->values + count, _mm_setzero_ps());
}

// Lane by lane SparseSums.
struct SparseParts {
  __m128 stored;
  __m128d met_low;
  __m128d met_high;
  __m128i nonzero;
};

// sum + the term of q and v, of q alone; kCountsAlone: an entry that the other
// vector lacks has a term.
struct SparseSquared {
  static constexpr bool kCountsAlone = true;
  QUIVER_SSE2_INLINE __m128 Add(__m128 sum, __m128 q, __m128 v) {
    const __m128 d = _mm_sub_ps(q, v);
    return _mm_add_ps(sum, _mm_mul_ps(d, d));
  }
  QUIVER_SSE2_INLINE __m128d AddQuery(__m128d sum, __m128d q) {
    return _mm_add_pd(sum, _mm_mul_pd(q, q));
  }
};
struct SparseProductTerm {
  static constexpr bool kCountsAlone = false;
  QUIVER_SSE2_INLINE __m128 Add(__m128 sum, __m128 q, __m128 v) {
    return _mm_add_ps(sum, _mm_mul_ps(q, v));
  }
};
struct SparseAbsoluteTerm {
  static constexpr bool kCountsAlone = true;
  QUIVER_SSE2_INLINE __m128 Add(__m128 sum, __m128 q, __m128 v) {
    return _mm_add_ps(sum, _mm_andnot_ps(_mm_set1_ps(-0.0f), _mm_sub_ps(q, v)));
  }
  QUIVER_SSE2_INLINE __m128d AddQuery(__m128d sum, __m128d q) {
    return _mm_add_pd(sum, _mm_andnot_pd(_mm_set1_pd(-0.0), q));
  }
};

QUIVER_SSE2_INLINE SparseParts ZeroParts() {
  return {_mm_setzero_ps(), _mm_setzero_pd(), _mm_setzero_pd(), _mm_setzero_si128()};
}

QUIVER_SSE2_INLINE SparseSums SumParts(const SparseParts& parts) {
  const __m128 two = _mm_add_ps(parts.stored, _mm_movehl_ps(parts.stored, parts.stored));
  const __m128d met = _mm_add_pd(parts.met_low, parts.met_high);
  __m128i nonzero = _mm_add_epi32(parts.nonzero, _mm_shuffle_epi32(parts.nonzero, 0x4E));
  nonzero = _mm_add_epi32(nonzero, _mm_shuffle_epi32(nonzero, 0xB1));
  return {_mm_cvtss_f32(_mm_add_ss(two, _mm_shuffle_ps(two, two, 1))),
          _mm_cvtsd_f64(_mm_add_sd(met, _mm_unpackhi_pd(met, met))),
          static_cast<uint32_t>(_mm_cvtsi128_si32(nonzero))};
}

// The query's value at index in one of the lanes, zeros in the others.
QUIVER_SSE2_INLINE __m128 Look(const QuiverSparseQuery* query, const float* values,
                               const uint16_t* cells, uint32_t index) {
  const size_t place = cells[SparseCell(index, query->shift)];
  const __m128i keys = _mm_loadu_si128(reinterpret_cast<const __m128i*>(query->keys + place));
  const __m128i equal = _mm_cmpeq_epi32(keys, _mm_set1_epi32(static_cast<int>(index)));
  return _mm_and_ps(_mm_castsi128_ps(equal), _mm_loadu_ps(values + place));
}

// Adds the terms of the candidates, which EndCandidates has ended.
template <class Term>
QUIVER_SSE2_INLINE void LookUp(const QuiverSparseQuery* query, const SparseCandidates& candidates,
                               size_t count, SparseParts* parts) {
  const float* values = QueryValues(query);
  const uint16_t* cells = QueryCells(query);
  for (size_t i = 0; i < count; i += 4) {
    const uint32_t* index = candidates.indices + i;
    const __m128 a = Look(query, values, cells, index[0]);
    const __m128 b = Look(query, values, cells, index[1]);
    const __m128 c = Look(query, values, cells, index[2]);
    const __m128 d = Look(query, values, cells, index[3]);
    // Lane j of q: the lanes of vector j, of which one at most is not 0.
    const __m128 ab = _mm_or_ps(_mm_unpacklo_ps(a, b), _mm_unpackhi_ps(a, b));
    const __m128 cd = _mm_or_ps(_mm_unpacklo_ps(c, d), _mm_unpackhi_ps(c, d));
    const __m128 q = _mm_or_ps(_mm_movelh_ps(ab, cd), _mm_movehl_ps(cd, ab));
    parts->stored = Term::Add(parts->stored, q, _mm_loadu_ps(candidates.values + i));
    if constexpr (Term::kCountsAlone) {
      parts->met_low = Term::AddQuery(parts->met_low, _mm_cvtps_pd(q));
      parts->met_high = Term::AddQuery(parts->met_high, _mm_cvtps_pd(_mm_movehl_ps(q, q)));
      const __m128 nonzero = _mm_cmpneq_ps(q, _mm_setzero_ps());
      parts->nonzero = _mm_sub_epi32(parts->nonzero, _mm_castps_si128(nonzero));
    }
  }
}

}  // namespace quiver

#endif  // QUIVER_DISTANCE_SPARSE_X86_H
