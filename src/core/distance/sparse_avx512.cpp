// The AVX-512 level: sparse vectors.
//
// The filter's 2,048 bits lie in four registers; sixteen stored indices are hashed
// and looked up there at once, and candidates packed for the second step.  No
// gathers: they are slow on Zen 4, and on Intel's where microcode works around
// CVE-2022-40982.
#if defined(__x86_64__)

#include "distance/kernel_sets.h"
#include "distance/sparse_query.h"
#include "distance/sparse_x86.h"
#include "distance/target_avx512.h"

namespace quiver::avx512 {
namespace {

struct Squared : SparseSquared {
  QUIVER_AVX512_INLINE __m512 AddAlone(__m512 sum, __mmask16 lanes, __m512 v) {
    return _mm512_mask3_fmadd_ps(v, v, sum, lanes);
  }
};
struct Product : SparseProductTerm {};
struct Absolute : SparseAbsoluteTerm {
  QUIVER_AVX512_INLINE __m512 AddAlone(__m512 sum, __mmask16 lanes, __m512 v) {
    return _mm512_mask_add_ps(sum, lanes, sum, _mm512_abs_ps(v));
  }
};

struct Filter {
  __m512i words[4];
};

QUIVER_AVX512_INLINE Filter LoadFilter(const QuiverSparseQuery* query) {
  Filter filter;
#pragma GCC unroll 4
  for (size_t i = 0; i < 4; i++) filter.words[i] = _mm512_loadu_si512(query->filter + 16 * i);
  return filter;
}

// Which of 16 indices have their bit set.
QUIVER_AVX512_INLINE __mmask16 Pass(const Filter& filter, __m512i index) {
  const __m512i hash =
      _mm512_mullo_epi32(index, _mm512_set1_epi32(static_cast<int>(kSparseMultiplier)));
  const __m512i place = _mm512_srli_epi32(hash, kFilterShift + 5);  // its 5 low bits count below
  const __m512i low = _mm512_permutex2var_epi32(filter.words[0], place, filter.words[1]);
  const __m512i high = _mm512_permutex2var_epi32(filter.words[2], place, filter.words[3]);
  const __m512i word = _mm512_mask_mov_epi32(low, _mm512_movepi32_mask(hash), high);
  // The bit becomes the lowest; rotation counts modulo 32.
  const __m512i bit = _mm512_rorv_epi32(word, _mm512_srli_epi32(hash, kFilterShift));
  return _mm512_test_epi32_mask(bit, _mm512_set1_epi32(1));
}

template <class Term>
QUIVER_AVX512_INLINE SparseSums Compare(const QuiverSparseQuery* query, const uint32_t* indices,
                                        const float* values, size_t count) {
  const Filter filter = LoadFilter(query);
  SparseCandidates candidates;
  SparseParts parts = ZeroParts();
  __m512 alone = _mm512_setzero_ps();
  for (size_t i = 0; i < count;) {
    const size_t end = count - i < kSparseChunk ? count : i + kSparseChunk;
    size_t found = 0;
    for (; i < end; i += 16) {
      const __mmask16 lanes = FirstLanes(end - i < 16 ? end - i : 16);
      const __m512i index = _mm512_maskz_loadu_epi32(lanes, indices + i);
      const __m512 value = _mm512_maskz_loadu_ps(lanes, values + i);
      const __mmask16 pass = _kand_mask16(lanes, Pass(filter, index));
      if constexpr (Term::kCountsAlone)
        alone = Term::AddAlone(alone, static_cast<__mmask16>(lanes & ~pass), value);
      // Whole registers are stored: compressing to memory is slow on Zen 4.
      _mm512_storeu_si512(candidates.indices + found, _mm512_maskz_compress_epi32(pass, index));
      _mm512_storeu_ps(candidates.values + found, _mm512_maskz_compress_ps(pass, value));
      found += static_cast<size_t>(_mm_popcnt_u32(pass));
    }
    EndCandidates(&candidates, found);
    LookUp<Term>(query, candidates, found, &parts);
  }
  SparseSums sums = SumParts(parts);
  if constexpr (Term::kCountsAlone) sums.stored += _mm512_reduce_add_ps(alone);
  return sums;
}

}  // namespace

QUIVER_AVX512 float SparseL2Squared(const QuiverSparseQuery* query, const uint32_t* indices,
                                    const float* values, size_t count) {
  if (!query->hashed) return quiver_sparse_pair_l2sq(QueryVector(query), {indices, values, count});
  return SparseTotalSquared(query, Compare<Squared>(query, indices, values, count), indices, count);
}

QUIVER_AVX512 float SparseProduct(const QuiverSparseQuery* query, const uint32_t* indices,
                                  const float* values, size_t count) {
  if (!query->hashed) return quiver_sparse_pair_ip(QueryVector(query), {indices, values, count});
  return Compare<Product>(query, indices, values, count).stored;
}

QUIVER_AVX512 float SparseAbsolute(const QuiverSparseQuery* query, const uint32_t* indices,
                                   const float* values, size_t count) {
  if (!query->hashed) return quiver_sparse_pair_l1(QueryVector(query), {indices, values, count});
  return SparseTotalAbsolute(query, Compare<Absolute>(query, indices, values, count), indices,
                             count);
}

QUIVER_AVX512 void SparseCosine(const QuiverSparseQuery* query, const uint32_t* indices,
                                const float* values, size_t count, float out[3]) {
  out[0] = SparseProduct(query, indices, values, count);
  out[1] = static_cast<float>(query->squares);
  out[2] = kKernels.ip_f32(values, values, count);
}

}  // namespace quiver::avx512

#endif  // __x86_64__
