// The AVX2 level: edge codes and the query they are multiplied with.
#if defined(__x86_64__)

#include <cstring>

#include "base/bits.h"
#include "distance/exact.h"
#include "distance/kernel_sets.h"
#include "distance/target_avx2.h"

namespace quiver::avx2 {

namespace {

QUIVER_AVX2_INLINE __m256 LoadUpTo8(const float* p, size_t left) {
  return left >= 8 ? _mm256_loadu_ps(p) : LoadFirst(p, left);
}

QUIVER_AVX2_INLINE int32_t SumInts(__m256i v) {
  __m128i four = _mm_add_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
  four = _mm_add_epi32(four, _mm_shuffle_epi32(four, 0x4E));
  return _mm_cvtsi128_si32(_mm_add_epi32(four, _mm_shuffle_epi32(four, 0xB1)));
}

}  // namespace

QUIVER_AVX2 int32_t QuantizeI8(const float* x, size_t dim, int8_t* out, float* step) {
  *step = 1;
  if (dim == 0) return 0;
  const __m256 sign_bit = _mm256_set1_ps(-0.0f);
  __m256 largest8 = _mm256_setzero_ps();
  for (size_t i = 0; i < dim; i += 8)  // the second operand wins over a NaN
    largest8 = _mm256_max_ps(_mm256_andnot_ps(sign_bit, LoadUpTo8(x + i, dim - i)), largest8);
  __m128 most = _mm_max_ps(_mm256_castps256_ps128(largest8), _mm256_extractf128_ps(largest8, 1));
  most = _mm_max_ps(most, _mm_movehl_ps(most, most));
  const float largest = _mm_cvtss_f32(_mm_max_ss(most, _mm_shuffle_ps(most, most, 1)));
  const size_t padded = AlignUp(dim, 64);
  if (!(largest > kLeastQuery)) {
    memset(out, 0, padded);
    return 0;
  }
  *step = largest / 127.0f;
  const __m256 inverse = _mm256_set1_ps(127.0f / largest);
  const __m256 low = _mm256_set1_ps(-127.0f);
  const __m256 high = _mm256_set1_ps(127.0f);
  __m256i sum = _mm256_setzero_si256();
  size_t i = 0;
  for (; i < dim; i += 8) {
    __m256 value = _mm256_mul_ps(LoadUpTo8(x + i, dim - i), inverse);
    value = _mm256_min_ps(_mm256_max_ps(value, low), high);
    const __m256i rounded = _mm256_cvtps_epi32(value);
    sum = _mm256_add_epi32(sum, rounded);
    const __m128i words =
        _mm_packs_epi32(_mm256_castsi256_si128(rounded), _mm256_extracti128_si256(rounded, 1));
    _mm_storel_epi64(reinterpret_cast<__m128i*>(out + i), _mm_packs_epi16(words, words));
  }
  memset(out + i, 0, padded - i);
  return SumInts(sum);
}

namespace {

// Byte i of 32 all ones where bit i of the 4 bytes at p is set.
QUIVER_AVX2_INLINE __m256i Expand(const uint8_t* p) {
  const __m256i spread = _mm256_setr_epi8(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2,
                                          2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3);
  const __m256i bit = _mm256_set1_epi64x(static_cast<long long>(0x8040201008040201u));
  int32_t word;
  memcpy(&word, p, sizeof word);
  const __m256i bytes = _mm256_shuffle_epi8(_mm256_set1_epi32(word), spread);
  return _mm256_cmpeq_epi8(_mm256_and_si256(bytes, bit), bit);
}

// sum_b 2^(b+1) * plane_b of 32 components, times the query, in 16 bits by pairs:
// at most 2 * 30 * 127.
template <int kBits>
QUIVER_AVX2_INLINE __m256i Products(const uint8_t* bits, size_t plane_bytes, __m256i q) {
  __m256i value = _mm256_and_si256(Expand(bits), _mm256_set1_epi8(1 << kBits));
#pragma GCC unroll 4
  for (int plane = 1; plane < kBits; plane++) {
    const __m256i mask = Expand(bits + static_cast<size_t>(plane) * plane_bytes);
    value = _mm256_or_si256(
        value, _mm256_and_si256(mask, _mm256_set1_epi8(static_cast<char>(1 << (kBits - plane)))));
  }
  return _mm256_maddubs_epi16(value, q);
}

// dots of kBatch codes.
template <int kBits, int kBatch>
QUIVER_AVX2_INLINE void Batch(const uint8_t* codes, size_t stride, size_t dim, const int8_t* query,
                              int32_t offset, int32_t* dots) {
  // So many products fit 16 bits: 64 of 2 * 2 * 127, 21 of 2 * 6 * 127, 4 of 2 * 30 * 127.
  constexpr size_t kTogether = kBits == 4 ? 4 : 16;
  const size_t plane_bytes = DivideUp(dim, 8);
  const size_t chunks = DivideUp(dim, 32);
  const __m256i ones = _mm256_set1_epi16(1);
  __m256i sums[kBatch];
#pragma GCC unroll 4
  for (int j = 0; j < kBatch; j++) sums[j] = _mm256_setzero_si256();
  for (size_t start = 0; start < chunks; start += kTogether) {
    const size_t end = start + kTogether < chunks ? start + kTogether : chunks;
    __m256i parts[kBatch];
#pragma GCC unroll 4
    for (int j = 0; j < kBatch; j++) parts[j] = _mm256_setzero_si256();
    for (size_t chunk = start; chunk < end; chunk++) {
      const __m256i q = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(query + 32 * chunk));
#pragma GCC unroll 4
      for (int j = 0; j < kBatch; j++) {
        const uint8_t* bits = codes + static_cast<size_t>(j) * stride + 4 * chunk;
        parts[j] = _mm256_add_epi16(parts[j], Products<kBits>(bits, plane_bytes, q));
      }
    }
#pragma GCC unroll 4
    for (int j = 0; j < kBatch; j++)
      sums[j] = _mm256_add_epi32(sums[j], _mm256_madd_epi16(parts[j], ones));
  }
#pragma GCC unroll 4
  for (int j = 0; j < kBatch; j++) dots[j] = SumInts(sums[j]) - offset;
}

template <int kBits>
QUIVER_AVX2 void Dots(const uint8_t* codes, size_t stride, size_t count, size_t dim,
                      const int8_t* query, int32_t query_sum, int32_t* dots) {
  const int32_t offset = ((1 << kBits) - 1) * query_sum;
  size_t j = 0;
  for (; j + 4 <= count; j += 4)
    Batch<kBits, 4>(codes + j * stride, stride, dim, query, offset, dots + j);
  for (; j < count; j++) Batch<kBits, 1>(codes + j * stride, stride, dim, query, offset, dots + j);
}

}  // namespace

QUIVER_AVX2 void CodeDots(const uint8_t* codes, size_t stride, size_t count, size_t dim, int bits,
                          const int8_t* query, int32_t query_sum, int32_t* dots) {
  if (bits == 1)
    Dots<1>(codes, stride, count, dim, query, query_sum, dots);
  else if (bits == 2)
    Dots<2>(codes, stride, count, dim, query, query_sum, dots);
  else
    Dots<4>(codes, stride, count, dim, query, query_sum, dots);
}

namespace {

// The kSumLanes partial sums of exact.h: component i in part i / 8 % 4.
struct LaneSums {
  __m256 part[4];
};

QUIVER_AVX2_INLINE float Total(const LaneSums& sums) {
  return SumLanes(_mm256_add_ps(_mm256_add_ps(sums.part[0], sums.part[2]),
                                _mm256_add_ps(sums.part[1], sums.part[3])));
}

QUIVER_AVX2_INLINE void AddTo(__m256& sum, __m256 term) {
  sum = _mm256_add_ps(sum, term);
}

QUIVER_AVX2_INLINE __m256 Rounded(__m256 product) {
  QUIVER_ROUNDED(product);
  return product;
}

struct EdgeInput {
  const float* c;
  const float* o;
  const float* mu;
  size_t dim;
};

// Components i .. i + 7 of r and what else is needed.
struct Residual {
  __m256 r;
  __m256 mu;
  __m256 centred;
};

QUIVER_AVX2_INLINE Residual LoadResidual(const EdgeInput& in, size_t i) {
  const size_t left = in.dim - i;
  const __m256 c = LoadUpTo8(in.c + i, left);
  const __m256 mu = LoadUpTo8(in.mu + i, left);
  return {_mm256_sub_ps(LoadUpTo8(in.o + i, left), c), mu, _mm256_sub_ps(c, mu)};
}

struct EdgeSums {
  LaneSums n2;
  LaneSums a;
  LaneSums s_c;
  LaneSums mu_r;
};

QUIVER_AVX2_INLINE EdgeSums ZeroSums() {
  const __m256 zero = _mm256_setzero_ps();
  const LaneSums sums = {{zero, zero, zero, zero}};
  return {sums, sums, sums, sums};
}

// Which of bits 0 .. 7 are components.
QUIVER_AVX2_INLINE unsigned Valid(size_t left) {
  return left >= 8 ? 0xFFu : (1u << left) - 1;
}

// Sums are returned, not passed: behind a reference they would be stored and
// loaded around every write to the code.
QUIVER_AVX2 EdgeSums EncodeSigns(const EdgeInput& in, uint8_t* code) {
  EdgeSums sums = ZeroSums();
  const __m256 minus = _mm256_set1_ps(-0.0f);
  for (size_t base = 0; base < in.dim; base += 32)
#pragma GCC unroll 4
    for (size_t part = 0; part < 4; part++) {
      const size_t i = base + 8 * part;
      if (i >= in.dim) break;
      const Residual v = LoadResidual(in, i);
      const __m256 negative = _mm256_cmp_ps(v.r, _mm256_setzero_ps(), _CMP_LT_OQ);
      const __m256 flip = _mm256_and_ps(negative, minus);
      AddTo(sums.n2.part[part], Rounded(_mm256_mul_ps(v.r, v.r)));
      AddTo(sums.a.part[part], _mm256_xor_ps(v.r, flip));
      AddTo(sums.s_c.part[part], _mm256_xor_ps(v.centred, flip));
      AddTo(sums.mu_r.part[part], Rounded(_mm256_mul_ps(v.mu, v.r)));
      code[i / 8] = static_cast<uint8_t>(~static_cast<unsigned>(_mm256_movemask_ps(negative)) &
                                         Valid(in.dim - i));
    }
  return sums;
}

template <int kBits>
QUIVER_AVX2_INLINE void AddLevels(const EdgeInput& in, size_t i, float inverse, uint8_t* code,
                                  __m256& a, __m256& s_c) {
  constexpr int kHighest = (1 << kBits) - 1;
  const Residual v = LoadResidual(in, i);
  __m256 cell = Rounded(_mm256_mul_ps(v.r, _mm256_set1_ps(inverse)));
  cell = _mm256_add_ps(cell, _mm256_set1_ps(1 << (kBits - 1)));
  cell = _mm256_max_ps(cell, _mm256_setzero_ps());
  cell = _mm256_min_ps(cell, _mm256_set1_ps(kHighest));
  const __m256i level = _mm256_cvttps_epi32(cell);
  const size_t plane_bytes = DivideUp(in.dim, 8);
#pragma GCC unroll 4
  for (int plane = 0; plane < kBits; plane++) {
    // The plane's bit to the sign of its lane.
    const __m256i moved = _mm256_slli_epi32(level, 32 - kBits + plane);
    const auto bits = static_cast<unsigned>(_mm256_movemask_ps(_mm256_castsi256_ps(moved)));
    code[static_cast<size_t>(plane) * plane_bytes + i / 8] =
        static_cast<uint8_t>(bits & Valid(in.dim - i));
  }
  const __m256 s = _mm256_cvtepi32_ps(
      _mm256_sub_epi32(_mm256_add_epi32(level, level), _mm256_set1_epi32(kHighest)));
  AddTo(a, Rounded(_mm256_mul_ps(s, v.r)));
  AddTo(s_c, Rounded(_mm256_mul_ps(s, v.centred)));
}

template <int kBits>
QUIVER_AVX2 EdgeSums EncodeLevels(const EdgeInput& in, uint8_t* code) {
  EdgeSums sums = ZeroSums();
  for (size_t base = 0; base < in.dim; base += 32)
#pragma GCC unroll 4
    for (size_t part = 0; part < 4; part++) {
      const size_t i = base + 8 * part;
      if (i >= in.dim) break;
      const Residual v = LoadResidual(in, i);
      AddTo(sums.n2.part[part], Rounded(_mm256_mul_ps(v.r, v.r)));
      AddTo(sums.mu_r.part[part], Rounded(_mm256_mul_ps(v.mu, v.r)));
    }
  const float inverse = InverseCellWidth(Total(sums.n2), in.dim, kBits);
  for (size_t base = 0; base < in.dim; base += 32)
#pragma GCC unroll 4
    for (size_t part = 0; part < 4; part++) {
      const size_t i = base + 8 * part;
      if (i >= in.dim) break;
      AddLevels<kBits>(in, i, inverse, code, sums.a.part[part], sums.s_c.part[part]);
    }
  return sums;
}

}  // namespace

QUIVER_AVX2 void EncodeEdge(const float* c, const float* o, const float* mu, size_t dim, int bits,
                            uint8_t* code, QuiverEdgeTerms* terms) {
  *terms = {};
  if (dim == 0) return;
  const EdgeInput in = {c, o, mu, dim};
  const EdgeSums sums = bits == 1   ? EncodeSigns(in, code)
                        : bits == 2 ? EncodeLevels<2>(in, code)
                                    : EncodeLevels<4>(in, code);
  terms->n2 = Total(sums.n2);
  terms->a = Total(sums.a);
  terms->s_c = Total(sums.s_c);
  terms->s_o = terms->s_c + terms->a;
  terms->mu_r = Total(sums.mu_r);
}

}  // namespace quiver::avx2

#endif  // __x86_64__
