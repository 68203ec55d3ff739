// The AVX-512 level: edge codes and the query they are multiplied with.
//
// code_dots takes 64 bits of a code plane as a mask register, which expands to
// bytes for nothing, and lets VNNI multiply; docs/decisions/0001-code-kernels.md
// compares it with popcounts of bit planes and with table look-ups.
#include <cmath>
#include <cstring>

#include "base/bits.h"
#include "distance/exact.h"
#include "distance/kernel_sets.h"
#include "distance/target_avx512.h"

namespace quiver::avx512 {

QUIVER_AVX512 int32_t QuantizeI8(const float* x, size_t dim, int8_t* out, float* step) {
  __m512 largest4 = _mm512_setzero_ps();
  for (size_t i = 0; i < dim; i += 16) {
    const __mmask16 lanes = FirstLanes(dim - i < 16 ? dim - i : 16);
    // The second operand wins over a NaN.
    largest4 = _mm512_max_ps(_mm512_abs_ps(_mm512_maskz_loadu_ps(lanes, x + i)), largest4);
  }
  const float largest = _mm512_reduce_max_ps(largest4);
  *step = 1;
  if (!(largest > kLeastQuery)) {
    memset(out, 0, AlignUp(dim, 64));
    return 0;
  }
  *step = largest / 127.0f;
  const __m512 inverse = _mm512_set1_ps(127.0f / largest);
  const __m512 low = _mm512_set1_ps(-127.0f);
  const __m512 high = _mm512_set1_ps(127.0f);
  __m512i sum = _mm512_setzero_si512();
  for (size_t i = 0; i < AlignUp(dim, 64); i += 16) {
    const size_t left = i < dim ? dim - i : 0;
    const __mmask16 lanes = FirstLanes(left < 16 ? left : 16);
    __m512 value = _mm512_mul_ps(_mm512_maskz_loadu_ps(lanes, x + i), inverse);
    value = _mm512_min_ps(_mm512_max_ps(value, low), high);
    const __m512i rounded = _mm512_cvtps_epi32(value);
    sum = _mm512_add_epi32(sum, rounded);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out + i), _mm512_cvtepi32_epi8(rounded));
  }
  return _mm512_reduce_add_epi32(sum);
}

namespace {

QUIVER_AVX512_INLINE __mmask64 Mask64(const uint8_t* bits) {
  uint64_t word;
  memcpy(&word, bits, sizeof word);
  return _cvtu64_mask64(word);
}

// Lane by lane sums of four vectors: 128-bit lane l of the result = { sums of lane l of a, b, c, d }.
QUIVER_AVX512_INLINE __m512i Sums4(const __m512i* v) {
  const __m512i ab = _mm512_add_epi32(_mm512_unpacklo_epi32(v[0], v[1]),
                                      _mm512_unpackhi_epi32(v[0], v[1]));
  const __m512i cd = _mm512_add_epi32(_mm512_unpacklo_epi32(v[2], v[3]),
                                      _mm512_unpackhi_epi32(v[2], v[3]));
  return _mm512_add_epi32(_mm512_unpacklo_epi64(ab, cd), _mm512_unpackhi_epi64(ab, cd));
}

QUIVER_AVX512_INLINE __m128i SumLanes(__m512i v) {
  const __m256i half =
      _mm256_add_epi32(_mm512_castsi512_si256(v), _mm512_extracti64x4_epi64(v, 1));
  return _mm_add_epi32(_mm256_castsi256_si128(half), _mm256_extracti128_si256(half, 1));
}

// dots of kBatch codes (4 or 8).
template <int kBits, int kBatch>
QUIVER_AVX512_INLINE void Batch(const uint8_t* codes, size_t stride, size_t chunks,
                                size_t plane_bytes, const int8_t* query, int32_t offset,
                                int32_t* dots) {
  __m512i sums[kBatch];
#pragma GCC unroll 8
  for (int j = 0; j < kBatch; j++) sums[j] = _mm512_setzero_si512();
  for (size_t chunk = 0; chunk < chunks; chunk++) {
    const __m512i q = _mm512_loadu_si512(query + 64 * chunk);
#pragma GCC unroll 8
    for (int j = 0; j < kBatch; j++) {
      const uint8_t* bits = codes + static_cast<size_t>(j) * stride + 8 * chunk;
      if constexpr (kBits == 1) {
        const __m512i set = _mm512_maskz_mov_epi8(Mask64(bits), q);
        sums[j] = _mm512_dpbusd_epi32(sums[j], _mm512_set1_epi8(2), set);
      } else {
        __m512i value = _mm512_maskz_set1_epi8(Mask64(bits), 1 << kBits);
#pragma GCC unroll 4
        for (int plane = 1; plane < kBits; plane++) {
          const __mmask64 mask = Mask64(bits + static_cast<size_t>(plane) * plane_bytes);
          value = _mm512_mask_add_epi8(value, mask, value,
                                       _mm512_set1_epi8(static_cast<char>(1 << (kBits - plane))));
        }
        sums[j] = _mm512_dpbusd_epi32(sums[j], value, q);
      }
    }
  }
  const __m128i offsets = _mm_set1_epi32(offset);
#pragma GCC unroll 2
  for (int j = 0; j < kBatch; j += 4) {
    const __m128i four = _mm_sub_epi32(SumLanes(Sums4(sums + j)), offsets);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(dots + j), four);
  }
}

template <int kBits>
QUIVER_AVX512 void Dots(const uint8_t* codes, size_t stride, size_t count, size_t dim,
                        const int8_t* query, int32_t query_sum, int32_t* dots) {
  const size_t plane_bytes = DivideUp(dim, 8);
  const size_t chunks = DivideUp(dim, 64);
  const int32_t offset = ((1 << kBits) - 1) * query_sum;
  size_t j = 0;
  for (; j + 8 <= count; j += 8)
    Batch<kBits, 8>(codes + j * stride, stride, chunks, plane_bytes, query, offset, dots + j);
  for (; j + 4 <= count; j += 4)
    Batch<kBits, 4>(codes + j * stride, stride, chunks, plane_bytes, query, offset, dots + j);
  if (j < count && count >= 4) {  // once more the last four, some of them again
    j = count - 4;
    Batch<kBits, 4>(codes + j * stride, stride, chunks, plane_bytes, query, offset, dots + j);
  }
  for (; j < count && count < 4; j++) {
    int32_t same[4];
    Batch<kBits, 4>(codes + j * stride, 0, chunks, plane_bytes, query, offset, same);
    dots[j] = same[0];
  }
}

}  // namespace

QUIVER_AVX512 void CodeDots(const uint8_t* codes, size_t stride, size_t count, size_t dim,
                            int bits, const int8_t* query, int32_t query_sum, int32_t* dots) {
  if (bits == 1)
    Dots<1>(codes, stride, count, dim, query, query_sum, dots);
  else if (bits == 2)
    Dots<2>(codes, stride, count, dim, query, query_sum, dots);
  else
    Dots<4>(codes, stride, count, dim, query, query_sum, dots);
}

namespace {

// The kSumLanes partial sums of exact.h.
struct LaneSums {
  __m512 low;
  __m512 high;

  QUIVER_AVX512_INLINE LaneSums Zero() {
    return {_mm512_setzero_ps(), _mm512_setzero_ps()};
  }
};

// The half that component i belongs to; i a multiple of 16.
QUIVER_AVX512_INLINE void AddTo(LaneSums& sums, bool high, __m512 term) {
  __m512& sum = high ? sums.high : sums.low;
  sum = _mm512_add_ps(sum, term);
}

QUIVER_AVX512_INLINE __m512 Rounded(__m512 product) {
  QUIVER_ROUNDED(product);
  return product;
}

QUIVER_AVX512_INLINE float Total(const LaneSums& sums) {
  const __m512 v16 = _mm512_add_ps(sums.low, sums.high);
  const __m256 v8 = _mm256_add_ps(_mm512_castps512_ps256(v16), _mm512_extractf32x8_ps(v16, 1));
  const __m128 v4 = _mm_add_ps(_mm256_castps256_ps128(v8), _mm256_extractf128_ps(v8, 1));
  const __m128 v2 = _mm_add_ps(v4, _mm_movehl_ps(v4, v4));
  return _mm_cvtss_f32(_mm_add_ss(v2, _mm_shuffle_ps(v2, v2, 1)));
}

// Bits of up to 16 components, `left` of them, to byte i / 8 of a plane.
QUIVER_AVX512_INLINE void StoreBits(uint8_t* plane, size_t i, size_t left, __mmask16 bits) {
  plane[i / 8] = static_cast<uint8_t>(bits);
  if (left > 8) plane[i / 8 + 1] = static_cast<uint8_t>(bits >> 8);
}

struct EdgeInput {
  const float* c;
  const float* o;
  const float* mu;
  size_t dim;
};

struct EdgeSums {
  LaneSums n2;
  LaneSums a;
  LaneSums s_c;
  LaneSums mu_r;
};

QUIVER_AVX512_INLINE void AddSigns(const EdgeInput& in, size_t i, __mmask16 lanes, bool high,
                                   uint8_t* code, EdgeSums& sums) {
  const __m512 minus = _mm512_set1_ps(-0.0f);
  const __m512 c = _mm512_maskz_loadu_ps(lanes, in.c + i);
  const __m512 mu = _mm512_maskz_loadu_ps(lanes, in.mu + i);
  const __m512 r = _mm512_sub_ps(_mm512_maskz_loadu_ps(lanes, in.o + i), c);
  const __m512 centred = _mm512_sub_ps(c, mu);
  const __mmask16 negative = _mm512_cmp_ps_mask(r, _mm512_setzero_ps(), _CMP_LT_OQ);
  AddTo(sums.n2, high, Rounded(_mm512_mul_ps(r, r)));
  AddTo(sums.a, high, _mm512_mask_xor_ps(r, negative, r, minus));
  AddTo(sums.s_c, high, _mm512_mask_xor_ps(centred, negative, centred, minus));
  AddTo(sums.mu_r, high, Rounded(_mm512_mul_ps(mu, r)));
  StoreBits(code, i, in.dim - i, static_cast<__mmask16>(~negative & lanes));
}

QUIVER_AVX512_INLINE void AddResidual(const EdgeInput& in, size_t i, __mmask16 lanes, bool high,
                                      EdgeSums& sums) {
  const __m512 c = _mm512_maskz_loadu_ps(lanes, in.c + i);
  const __m512 r = _mm512_sub_ps(_mm512_maskz_loadu_ps(lanes, in.o + i), c);
  const __m512 mu = _mm512_maskz_loadu_ps(lanes, in.mu + i);
  AddTo(sums.n2, high, Rounded(_mm512_mul_ps(r, r)));
  AddTo(sums.mu_r, high, Rounded(_mm512_mul_ps(mu, r)));
}

template <int kBits>
QUIVER_AVX512_INLINE void AddLevels(const EdgeInput& in, size_t i, __mmask16 lanes, bool high,
                                    float inverse, uint8_t* code, EdgeSums& sums) {
  constexpr int kHighest = (1 << kBits) - 1;
  const __m512 c = _mm512_maskz_loadu_ps(lanes, in.c + i);
  const __m512 mu = _mm512_maskz_loadu_ps(lanes, in.mu + i);
  const __m512 r = _mm512_sub_ps(_mm512_maskz_loadu_ps(lanes, in.o + i), c);
  __m512 cell = Rounded(_mm512_mul_ps(r, _mm512_set1_ps(inverse)));
  cell = _mm512_add_ps(cell, _mm512_set1_ps(1 << (kBits - 1)));
  cell = _mm512_max_ps(cell, _mm512_setzero_ps());
  cell = _mm512_min_ps(cell, _mm512_set1_ps(kHighest));
  const __m512i level = _mm512_cvttps_epi32(cell);
  const size_t plane_bytes = DivideUp(in.dim, 8);
#pragma GCC unroll 4
  for (int plane = 0; plane < kBits; plane++) {
    const __m512i bit = _mm512_set1_epi32(1 << (kBits - 1 - plane));
    StoreBits(code + static_cast<size_t>(plane) * plane_bytes, i, in.dim - i,
              _mm512_mask_test_epi32_mask(lanes, level, bit));
  }
  const __m512 s = _mm512_cvtepi32_ps(
      _mm512_sub_epi32(_mm512_add_epi32(level, level), _mm512_set1_epi32(kHighest)));
  AddTo(sums.a, high, Rounded(_mm512_mul_ps(s, r)));
  AddTo(sums.s_c, high, Rounded(_mm512_mul_ps(s, _mm512_sub_ps(c, mu))));
}

constexpr __mmask16 kAll = 0xFFFF;

QUIVER_AVX512 void EncodeSigns(const EdgeInput& in, uint8_t* code, EdgeSums& sums) {
  size_t i = 0;
  for (; i + 32 <= in.dim; i += 32) {
    AddSigns(in, i, kAll, false, code, sums);
    AddSigns(in, i + 16, kAll, true, code, sums);
  }
  for (bool high = false; i < in.dim; i += 16, high = true)
    AddSigns(in, i, FirstLanes(in.dim - i < 16 ? in.dim - i : 16), high, code, sums);
}

template <int kBits>
QUIVER_AVX512 void EncodeLevels(const EdgeInput& in, uint8_t* code, EdgeSums& sums) {
  size_t i = 0;
  for (; i + 32 <= in.dim; i += 32) {
    AddResidual(in, i, kAll, false, sums);
    AddResidual(in, i + 16, kAll, true, sums);
  }
  for (bool high = false; i < in.dim; i += 16, high = true)
    AddResidual(in, i, FirstLanes(in.dim - i < 16 ? in.dim - i : 16), high, sums);

  const float inverse = InverseCellWidth(Total(sums.n2), in.dim, kBits);
  for (i = 0; i + 32 <= in.dim; i += 32) {
    AddLevels<kBits>(in, i, kAll, false, inverse, code, sums);
    AddLevels<kBits>(in, i + 16, kAll, true, inverse, code, sums);
  }
  for (bool high = false; i < in.dim; i += 16, high = true)
    AddLevels<kBits>(in, i, FirstLanes(in.dim - i < 16 ? in.dim - i : 16), high, inverse, code,
                     sums);
}

}  // namespace

QUIVER_AVX512 void EncodeEdge(const float* c, const float* o, const float* mu, size_t dim,
                              int bits, uint8_t* code, QuiverEdgeTerms* terms) {
  const EdgeInput in = {c, o, mu, dim};
  EdgeSums sums = {LaneSums::Zero(), LaneSums::Zero(), LaneSums::Zero(), LaneSums::Zero()};
  if (bits == 1)
    EncodeSigns(in, code, sums);
  else if (bits == 2)
    EncodeLevels<2>(in, code, sums);
  else
    EncodeLevels<4>(in, code, sums);
  terms->n2 = Total(sums.n2);
  terms->a = Total(sums.a);
  terms->s_c = Total(sums.s_c);
  terms->s_o = terms->s_c + terms->a;
  terms->mu_r = Total(sums.mu_r);
}

}  // namespace quiver::avx512
