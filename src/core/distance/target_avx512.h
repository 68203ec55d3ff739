// The target attribute of every function of the AVX-512 level, and its helpers.
// Included by the *_avx512.cpp files only.
#ifndef QUIVER_DISTANCE_TARGET_AVX512_H
#define QUIVER_DISTANCE_TARGET_AVX512_H

// GCC 12 warns of its own headers' deliberately undefined vectors (GCC bug 105593).
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <immintrin.h>
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

#include <cstddef>
#include <cstdint>

#define QUIVER_AVX512                                                    \
  __attribute__((                                                        \
      target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx512vbmi," \
             "avx512vpopcntdq,avx2,fma,f16c,popcnt")))
#define QUIVER_AVX512_INLINE QUIVER_AVX512 __attribute__((always_inline)) static inline

namespace quiver::avx512 {

// The lowest `count` of 16 lanes; count <= 16.
QUIVER_AVX512_INLINE __mmask16 FirstLanes(size_t count) {
  return static_cast<__mmask16>((1u << count) - 1);
}

// 128-bit lane l of the result: the sums of lane l of v[0], v[1], v[2] and v[3].
QUIVER_AVX512_INLINE __m512i Sums4(const __m512i* v) {
  const __m512i ab =
      _mm512_add_epi32(_mm512_unpacklo_epi32(v[0], v[1]), _mm512_unpackhi_epi32(v[0], v[1]));
  const __m512i cd =
      _mm512_add_epi32(_mm512_unpacklo_epi32(v[2], v[3]), _mm512_unpackhi_epi32(v[2], v[3]));
  return _mm512_add_epi32(_mm512_unpacklo_epi64(ab, cd), _mm512_unpackhi_epi64(ab, cd));
}

// The sum of the four 128-bit lanes.
QUIVER_AVX512_INLINE __m128i SumLanes(__m512i v) {
  const __m256i half = _mm256_add_epi32(_mm512_castsi512_si256(v), _mm512_extracti64x4_epi64(v, 1));
  return _mm_add_epi32(_mm256_castsi256_si128(half), _mm256_extracti128_si256(half, 1));
}

}  // namespace quiver::avx512

#endif  // QUIVER_DISTANCE_TARGET_AVX512_H
