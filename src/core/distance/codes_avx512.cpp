// The AVX-512 level: edge codes and the query they are multiplied with.
//
// code_dots takes 64 bits of a code plane as a mask register, which expands to
// bytes for nothing, and lets VNNI multiply; docs/decisions/0001-code-kernels.md
// compares it with popcounts of bit planes and with table look-ups.
#if defined(__x86_64__)

#include <cmath>
#include <cstring>

#include "base/bits.h"
#include "distance/exact.h"
#include "distance/kernel_sets.h"
#include "distance/target_avx512.h"

namespace quiver::avx512 {

QUIVER_AVX512 int32_t QuantizeI8(const float* x, size_t dim, int8_t* out, float* step) {
  *step = 1;
  if (dim == 0) return 0;
  __m512 largest4 = _mm512_setzero_ps();
  for (size_t i = 0; i < dim; i += 16) {
    const __mmask16 lanes = FirstLanes(dim - i < 16 ? dim - i : 16);
    // The second operand wins over a NaN.
    largest4 = _mm512_max_ps(_mm512_abs_ps(_mm512_maskz_loadu_ps(lanes, x + i)), largest4);
  }
  const float largest = _mm512_reduce_max_ps(largest4);
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

// dots of four codes, which share the loads of the query.
template <int kBits>
QUIVER_AVX512_INLINE void FourDots(const uint8_t* codes, size_t stride, size_t dim,
                                   const int8_t* query, int32_t offset, int32_t* dots) {
  const size_t plane_bytes = DivideUp(dim, 8);
  const size_t chunks = DivideUp(dim, 64);
  __m512i sums[4];
#pragma GCC unroll 4
  for (size_t j = 0; j < 4; j++) sums[j] = _mm512_setzero_si512();
  for (size_t chunk = 0; chunk < chunks; chunk++) {
    const __m512i q = _mm512_loadu_si512(query + 64 * chunk);
#pragma GCC unroll 4
    for (size_t j = 0; j < 4; j++) {
      const uint8_t* bits = codes + j * stride + 8 * chunk;
      if constexpr (kBits == 1) {
        const __m512i set = _mm512_maskz_mov_epi8(Mask64(bits), q);
        sums[j] = _mm512_dpbusd_epi32(sums[j], _mm512_set1_epi8(2), set);
      } else {
        __m512i value = _mm512_maskz_mov_epi8(Mask64(bits), _mm512_set1_epi8(1 << kBits));
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
  const __m128i four = _mm_sub_epi32(SumLanes(Sums4(sums)), _mm_set1_epi32(offset));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(dots), four);
}

template <int kBits>
QUIVER_AVX512 void Dots(const uint8_t* codes, size_t stride, size_t count, size_t dim,
                        const int8_t* query, int32_t query_sum, int32_t* dots) {
  const int32_t offset = ((1 << kBits) - 1) * query_sum;
  if (count < 4) {
    for (size_t j = 0; j < count; j++) {  // one code four times
      int32_t same[4];
      FourDots<kBits>(codes + j * stride, 0, dim, query, offset, same);
      dots[j] = same[0];
    }
    return;
  }
  for (size_t j = 0; j < count; j += 4) {
    if (j > count - 4) j = count - 4;  // the last four, some of them again
    FourDots<kBits>(codes + j * stride, stride, dim, query, offset, dots + j);
  }
}

}  // namespace

QUIVER_AVX512 void CodeDots(const uint8_t* codes, size_t stride, size_t count, size_t dim, int bits,
                            const int8_t* query, int32_t query_sum, int32_t* dots) {
  if (bits == 1)
    Dots<1>(codes, stride, count, dim, query, query_sum, dots);
  else if (bits == 2)
    Dots<2>(codes, stride, count, dim, query, query_sum, dots);
  else
    Dots<4>(codes, stride, count, dim, query, query_sum, dots);
}

namespace {

struct EdgeInput {
  const float* c;
  const float* o;
  const float* mu;
  size_t dim;
};

// Half of the kSumLanes partial sums of exact.h: components i with i / 16 even, or odd.
struct HalfSums {
  __m512 n2;
  __m512 a;
  __m512 s_c;
  __m512 mu_r;
};

struct EdgeSums {
  HalfSums even;
  HalfSums odd;
};

QUIVER_AVX512_INLINE EdgeSums ZeroSums() {
  const __m512 zero = _mm512_setzero_ps();
  return {{zero, zero, zero, zero}, {zero, zero, zero, zero}};
}

QUIVER_AVX512_INLINE float Total(__m512 even, __m512 odd) {
  const __m512 v16 = _mm512_add_ps(even, odd);
  const __m256 v8 = _mm256_add_ps(_mm512_castps512_ps256(v16), _mm512_extractf32x8_ps(v16, 1));
  const __m128 v4 = _mm_add_ps(_mm256_castps256_ps128(v8), _mm256_extractf128_ps(v8, 1));
  const __m128 v2 = _mm_add_ps(v4, _mm_movehl_ps(v4, v4));
  return _mm_cvtss_f32(_mm_add_ss(v2, _mm_shuffle_ps(v2, v2, 1)));
}

// sum + x * y, the product rounded.
QUIVER_AVX512_INLINE __m512 AddRounded(__m512 sum, __m512 x, __m512 y) {
  __m512 product = _mm512_mul_ps(x, y);
  QUIVER_ROUNDED(product);
  return _mm512_add_ps(sum, product);
}

// Those of 16 lanes that are components, `left` of them or all.
QUIVER_AVX512_INLINE __mmask16 Rest(size_t left) {
  return FirstLanes(left < 16 ? left : 16);
}

// Bits of up to 16 components, `left` of them, to byte i / 8 of a plane.
QUIVER_AVX512_INLINE void StoreBits(uint8_t* plane, size_t i, size_t left, __mmask16 bits) {
  plane[i / 8] = static_cast<uint8_t>(bits);
  if (left > 8) plane[i / 8 + 1] = static_cast<uint8_t>(bits >> 8);
}

QUIVER_AVX512_INLINE void AddSigns(const EdgeInput& in, size_t i, __mmask16 lanes, uint8_t* code,
                                   HalfSums& sums) {
  const __m512 c = _mm512_maskz_loadu_ps(lanes, in.c + i);
  const __m512 mu = _mm512_maskz_loadu_ps(lanes, in.mu + i);
  const __m512 r = _mm512_sub_ps(_mm512_maskz_loadu_ps(lanes, in.o + i), c);
  const __mmask16 negative = _mm512_cmp_ps_mask(r, _mm512_setzero_ps(), _CMP_LT_OQ);
  const __m512 s = _mm512_mask_blend_ps(negative, _mm512_set1_ps(1.0f), _mm512_set1_ps(-1.0f));
  sums.n2 = AddRounded(sums.n2, r, r);
  sums.mu_r = AddRounded(sums.mu_r, mu, r);
  // Products with one are exact, so these FMAs round once, as the additions would.
  sums.a = _mm512_fmadd_ps(s, r, sums.a);
  sums.s_c = _mm512_fmadd_ps(s, _mm512_sub_ps(c, mu), sums.s_c);
  StoreBits(code, i, in.dim - i, static_cast<__mmask16>(~negative & lanes));
}

QUIVER_AVX512_INLINE void AddResidual(const EdgeInput& in, size_t i, __mmask16 lanes,
                                      HalfSums& sums) {
  const __m512 c = _mm512_maskz_loadu_ps(lanes, in.c + i);
  const __m512 r = _mm512_sub_ps(_mm512_maskz_loadu_ps(lanes, in.o + i), c);
  sums.n2 = AddRounded(sums.n2, r, r);
  sums.mu_r = AddRounded(sums.mu_r, _mm512_maskz_loadu_ps(lanes, in.mu + i), r);
}

template <int kBits>
QUIVER_AVX512_INLINE void AddLevels(const EdgeInput& in, size_t i, __mmask16 lanes, float inverse,
                                    uint8_t* code, HalfSums& sums) {
  constexpr int kHighest = (1 << kBits) - 1;
  const __m512 c = _mm512_maskz_loadu_ps(lanes, in.c + i);
  const __m512 mu = _mm512_maskz_loadu_ps(lanes, in.mu + i);
  const __m512 r = _mm512_sub_ps(_mm512_maskz_loadu_ps(lanes, in.o + i), c);
  __m512 cell = AddRounded(_mm512_set1_ps(1 << (kBits - 1)), r, _mm512_set1_ps(inverse));
  cell = _mm512_max_ps(cell, _mm512_setzero_ps());  // also for a NaN
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
  sums.a = AddRounded(sums.a, s, r);
  sums.s_c = AddRounded(sums.s_c, s, _mm512_sub_ps(c, mu));
}

constexpr __mmask16 kAll = 0xFFFF;

// Sums are returned, and every step names its half: sums whose address is taken
// would be stored and loaded around every write to the code.
QUIVER_AVX512 EdgeSums EncodeSigns(const EdgeInput& in, uint8_t* code) {
  EdgeSums sums = ZeroSums();
  size_t i = 0;
  for (; i + 32 <= in.dim; i += 32) {
    AddSigns(in, i, kAll, code, sums.even);
    AddSigns(in, i + 16, kAll, code, sums.odd);
  }
  if (i < in.dim) AddSigns(in, i, Rest(in.dim - i), code, sums.even);
  i += 16;
  if (i < in.dim) AddSigns(in, i, Rest(in.dim - i), code, sums.odd);
  return sums;
}

template <int kBits>
QUIVER_AVX512 EdgeSums EncodeLevels(const EdgeInput& in, uint8_t* code) {
  EdgeSums sums = ZeroSums();
  size_t i = 0;
  for (; i + 32 <= in.dim; i += 32) {
    AddResidual(in, i, kAll, sums.even);
    AddResidual(in, i + 16, kAll, sums.odd);
  }
  if (i < in.dim) AddResidual(in, i, Rest(in.dim - i), sums.even);
  i += 16;
  if (i < in.dim) AddResidual(in, i, Rest(in.dim - i), sums.odd);

  const float inverse = InverseCellWidth(Total(sums.even.n2, sums.odd.n2), in.dim, kBits);
  for (i = 0; i + 32 <= in.dim; i += 32) {
    AddLevels<kBits>(in, i, kAll, inverse, code, sums.even);
    AddLevels<kBits>(in, i + 16, kAll, inverse, code, sums.odd);
  }
  if (i < in.dim) AddLevels<kBits>(in, i, Rest(in.dim - i), inverse, code, sums.even);
  i += 16;
  if (i < in.dim) AddLevels<kBits>(in, i, Rest(in.dim - i), inverse, code, sums.odd);
  return sums;
}

}  // namespace

QUIVER_AVX512 void EncodeEdge(const float* c, const float* o, const float* mu, size_t dim, int bits,
                              uint8_t* code, QuiverEdgeTerms* terms) {
  *terms = {};
  if (dim == 0) return;
  const EdgeInput in = {c, o, mu, dim};
  const EdgeSums sums = bits == 1   ? EncodeSigns(in, code)
                        : bits == 2 ? EncodeLevels<2>(in, code)
                                    : EncodeLevels<4>(in, code);
  terms->n2 = Total(sums.even.n2, sums.odd.n2);
  terms->a = Total(sums.even.a, sums.odd.a);
  terms->s_c = Total(sums.even.s_c, sums.odd.s_c);
  terms->s_o = terms->s_c + terms->a;
  terms->mu_r = Total(sums.even.mu_r, sums.odd.mu_r);
}

}  // namespace quiver::avx512

#endif  // __x86_64__
