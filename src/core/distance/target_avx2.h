// The target attribute of every function of the AVX2 level, and its helpers.
// Included by the *_avx2.cpp files only.
#ifndef QUIVER_DISTANCE_TARGET_AVX2_H
#define QUIVER_DISTANCE_TARGET_AVX2_H

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#define QUIVER_AVX2 __attribute__((target("avx2,fma,f16c,popcnt")))
#define QUIVER_AVX2_INLINE QUIVER_AVX2 __attribute__((always_inline)) static inline

namespace quiver::avx2 {

// All ones in the lowest `count` of 8 lanes; count <= 8.
QUIVER_AVX2_INLINE __m256i FirstLanes(size_t count) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(count)),
                            _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

// The first `count` of 8 floats, zeros after; reads no further.
QUIVER_AVX2_INLINE __m256 LoadFirst(const float* p, size_t count) {
  return _mm256_maskload_ps(p, FirstLanes(count));
}

// ((l0 + l4) + (l2 + l6)) + ((l1 + l5) + (l3 + l7))
QUIVER_AVX2_INLINE float SumLanes(__m256 v) {
  const __m128 v4 = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
  const __m128 v2 = _mm_add_ps(v4, _mm_movehl_ps(v4, v4));
  return _mm_cvtss_f32(_mm_add_ss(v2, _mm_shuffle_ps(v2, v2, 1)));
}

}  // namespace quiver::avx2

#endif  // QUIVER_DISTANCE_TARGET_AVX2_H
