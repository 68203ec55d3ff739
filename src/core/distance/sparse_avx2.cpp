// The AVX2 level: sparse vectors.
//
// Half of the filter's bits (those of even and odd words or-ed) lie in four
// registers, which eight stored indices at once are looked up in.
#if defined(__x86_64__)

#include <cstring>

#include "distance/kernel_sets.h"
#include "distance/sparse_query.h"
#include "distance/sparse_x86.h"
#include "distance/target_avx2.h"

namespace quiver::avx2 {
namespace {

struct Squared : SparseSquared {
  QUIVER_AVX2_INLINE __m256 AddAlone(__m256 sum, __m256 v) { return _mm256_fmadd_ps(v, v, sum); }
};
struct Product : SparseProductTerm {};
struct Absolute : SparseAbsoluteTerm {
  QUIVER_AVX2_INLINE __m256 AddAlone(__m256 sum, __m256 v) {
    return _mm256_add_ps(sum, _mm256_andnot_ps(_mm256_set1_ps(-0.0f), v));
  }
};

struct Filter {
  __m256i words[4];
};

QUIVER_AVX2_INLINE Filter LoadFilter(const QuiverSparseQuery* query) {
  Filter filter;
#pragma GCC unroll 4
  for (size_t i = 0; i < 4; i++) {
    const auto* words = reinterpret_cast<const __m256i*>(query->filter + 16 * i);
    filter.words[i] = _mm256_or_si256(_mm256_loadu_si256(words), _mm256_loadu_si256(words + 1));
  }
  return filter;
}

QUIVER_AVX2_INLINE __m256i Select(__m256i low, __m256i high, __m256i by_sign) {
  return _mm256_castps_si256(_mm256_blendv_ps(_mm256_castsi256_ps(low), _mm256_castsi256_ps(high),
                                              _mm256_castsi256_ps(by_sign)));
}

// The sign of each lane: whether the bit of its index is set.  Of the hash's 6 bits
// that say which word, the third was or-ed away.
QUIVER_AVX2_INLINE __m256i Pass(const Filter& filter, __m256i index) {
  const __m256i hash =
      _mm256_mullo_epi32(index, _mm256_set1_epi32(static_cast<int>(kSparseMultiplier)));
  const __m256i place = _mm256_srli_epi32(hash, kFilterShift + 5);  // its 3 low bits count below
  const __m256i second = _mm256_slli_epi32(hash, 1);
  const __m256i low = Select(_mm256_permutevar8x32_epi32(filter.words[0], place),
                             _mm256_permutevar8x32_epi32(filter.words[1], place), second);
  const __m256i high = Select(_mm256_permutevar8x32_epi32(filter.words[2], place),
                              _mm256_permutevar8x32_epi32(filter.words[3], place), second);
  const __m256i word = Select(low, high, hash);
  const __m256i bit =
      _mm256_and_si256(_mm256_srli_epi32(hash, kFilterShift), _mm256_set1_epi32(31));
  return _mm256_sllv_epi32(word, _mm256_sub_epi32(_mm256_set1_epi32(31), bit));
}

// Byte i of entry m: the place of the i-th bit set in m.
struct Packing {
  uint64_t order[256];
};

constexpr Packing MakePacking() {
  Packing packing = {};
  for (uint32_t mask = 0; mask < 256; mask++) {
    uint32_t at = 0;
    for (uint64_t lane = 0; lane < 8; lane++)
      if ((mask >> lane & 1) != 0) packing.order[mask] |= lane << (8 * at++);
  }
  return packing;
}

constexpr Packing kPacking = MakePacking();

template <class Term>
QUIVER_AVX2_INLINE SparseSums Compare(const QuiverSparseQuery* query, const uint32_t* indices,
                                      const float* values, size_t count) {
  const Filter filter = LoadFilter(query);
  SparseCandidates candidates;
  SparseParts parts = ZeroParts();
  __m256 alone = _mm256_setzero_ps();
  for (size_t i = 0; i < count;) {
    const size_t end = count - i < kSparseChunk ? count : i + kSparseChunk;
    size_t found = 0;
    for (; i < end; i += 8) {
      const __m256i lanes = FirstLanes(end - i < 8 ? end - i : 8);
      const __m256i index = _mm256_maskload_epi32(reinterpret_cast<const int*>(indices + i), lanes);
      const __m256 value = _mm256_maskload_ps(values + i, lanes);
      const __m256i pass = _mm256_and_si256(lanes, Pass(filter, index));
      if constexpr (Term::kCountsAlone)
        alone = Term::AddAlone(
            alone, _mm256_andnot_ps(_mm256_castsi256_ps(_mm256_srai_epi32(pass, 31)), value));
      const auto mask = static_cast<uint32_t>(_mm256_movemask_ps(_mm256_castsi256_ps(pass)));
      const __m256i order = _mm256_cvtepu8_epi32(
          _mm_loadl_epi64(reinterpret_cast<const __m128i*>(kPacking.order + mask)));
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(candidates.indices + found),
                          _mm256_permutevar8x32_epi32(index, order));
      _mm256_storeu_ps(candidates.values + found, _mm256_permutevar8x32_ps(value, order));
      found += static_cast<size_t>(_mm_popcnt_u32(mask));
    }
    EndCandidates(&candidates, found);
    LookUp<Term>(query, candidates, found, &parts);
  }
  SparseSums sums = SumParts(parts);
  if constexpr (Term::kCountsAlone) sums.stored += SumLanes(alone);
  return sums;
}

}  // namespace

QUIVER_AVX2 float SparseL2Squared(const QuiverSparseQuery* query, const uint32_t* indices,
                                  const float* values, size_t count) {
  if (!query->hashed) return quiver_sparse_pair_l2sq(QueryVector(query), {indices, values, count});
  return SparseTotalSquared(query, Compare<Squared>(query, indices, values, count), indices, count);
}

QUIVER_AVX2 float SparseProduct(const QuiverSparseQuery* query, const uint32_t* indices,
                                const float* values, size_t count) {
  if (!query->hashed) return quiver_sparse_pair_ip(QueryVector(query), {indices, values, count});
  return Compare<Product>(query, indices, values, count).stored;
}

QUIVER_AVX2 float SparseAbsolute(const QuiverSparseQuery* query, const uint32_t* indices,
                                 const float* values, size_t count) {
  if (!query->hashed) return quiver_sparse_pair_l1(QueryVector(query), {indices, values, count});
  return SparseTotalAbsolute(query, Compare<Absolute>(query, indices, values, count), indices,
                             count);
}

QUIVER_AVX2 void SparseCosine(const QuiverSparseQuery* query, const uint32_t* indices,
                              const float* values, size_t count, float out[3]) {
  out[0] = SparseProduct(query, indices, values, count);
  out[1] = static_cast<float>(query->squares);
  out[2] = kKernels.ip_f32(values, values, count);
}

}  // namespace quiver::avx2

#endif  // __x86_64__
