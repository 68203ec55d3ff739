// The NEON level: sparse vectors.  Empty where the target is not ARM.
#if defined(__aarch64__)

#include "distance/kernel_sets.h"
#include "distance/sparse_query.h"
#include "distance/sparse_walk.h"
#include "distance/target_neon.h"

namespace quiver::neon {
namespace {

// kCountsAlone: an entry that the other vector lacks has a term.
struct Squared {
  static constexpr bool kCountsAlone = true;
  static float Alone(float x) { return x * x; }
  static float32x4_t Add(float32x4_t sum, float32x4_t q, float32x4_t v) {
    const float32x4_t d = vsubq_f32(q, v);
    return vfmaq_f32(sum, d, d);
  }
  static float64x2_t AddQuery(float64x2_t sum, float64x2_t q) { return vfmaq_f64(sum, q, q); }
};
struct Product {
  static constexpr bool kCountsAlone = false;
  static float32x4_t Add(float32x4_t sum, float32x4_t q, float32x4_t v) {
    return vfmaq_f32(sum, q, v);
  }
};
struct Absolute {
  static constexpr bool kCountsAlone = true;
  static float Alone(float x) { return __builtin_fabsf(x); }
  static float32x4_t Add(float32x4_t sum, float32x4_t q, float32x4_t v) {
    return vaddq_f32(sum, vabdq_f32(q, v));
  }
  static float64x2_t AddQuery(float64x2_t sum, float64x2_t q) {
    return vaddq_f64(sum, vabsq_f64(q));
  }
};

// Lane by lane SparseSums.
struct Parts {
  float32x4_t stored;
  float64x2_t met;
  uint32x4_t nonzero;
};

// The query's value at index in one of the lanes, zeros in the others.
inline uint32x4_t Look(const QuiverSparseQuery* query, const float* values, size_t place,
                       uint32_t index) {
  const uint32x4_t equal = vceqq_u32(vld1q_u32(query->keys + place), vdupq_n_u32(index));
  return vandq_u32(equal, vreinterpretq_u32_f32(vld1q_f32(values + place)));
}

// Adds the terms of the candidates, four at once.
template <class Term>
inline void LookUp(const QuiverSparseQuery* query, const SparseCandidates& candidates,
                   Parts* parts) {
  static_assert(kCellEntries == 4 && kSparsePadding >= 3);
  const float* values = QueryValues(query);
  for (size_t i = 0; i < candidates.count; i += 4) {
    const uint16_t* place = candidates.places + i;
    const uint32_t* index = candidates.indices + i;
    const uint32x4_t a = Look(query, values, place[0], index[0]);
    const uint32x4_t b = Look(query, values, place[1], index[1]);
    const uint32x4_t c = Look(query, values, place[2], index[2]);
    const uint32x4_t d = Look(query, values, place[3], index[3]);
    // One lane of each at most is not 0, so sums of lanes are that lane.
    const float32x4_t q = vreinterpretq_f32_u32(vpaddq_u32(vpaddq_u32(a, b), vpaddq_u32(c, d)));
    parts->stored = Term::Add(parts->stored, q, vld1q_f32(candidates.values + i));
    if constexpr (Term::kCountsAlone) {
      parts->met = Term::AddQuery(parts->met, vcvt_f64_f32(vget_low_f32(q)));
      parts->met = Term::AddQuery(parts->met, vcvt_high_f64_f32(q));
      const uint32x4_t zero = vceqzq_f32(q);
      parts->nonzero = vsubq_u32(parts->nonzero, vmvnq_u32(zero));
    }
  }
}

template <class Term>
SparseSums Compare(const QuiverSparseQuery* query, const uint32_t* indices, const float* values,
                   size_t count) {
  SparseCandidates candidates;
  float alone[4] = {};
  Parts parts = {vdupq_n_f32(0), vdupq_n_f64(0), vdupq_n_u32(0)};
  for (size_t i = 0; i < count; i += kSparseChunk) {
    const size_t chunk = count - i < kSparseChunk ? count - i : kSparseChunk;
    FindCandidates<Term>(query, indices + i, values + i, chunk, alone, &candidates);
    LookUp<Term>(query, candidates, &parts);
  }
  return {SumLanes(vaddq_f32(parts.stored, vld1q_f32(alone))), vaddvq_f64(parts.met),
          vaddvq_u32(parts.nonzero)};
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

}  // namespace quiver::neon

#endif  // __aarch64__
