// The AVX2 level: distances, conversion.
#if defined(__x86_64__)

#include <cstring>

#include "base/f16.h"
#include "distance/kernel_sets.h"
#include "distance/target_avx2.h"

namespace quiver::avx2 {
namespace {

QUIVER_AVX2_INLINE __m256 Load(const float* p) {
  return _mm256_loadu_ps(p);
}
QUIVER_AVX2_INLINE __m256 Load(const uint16_t* p) {
  return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
}

// Elements `from` .. dim - 1, fewer than 8, and zeros in the other lanes.  Where
// there are 8 at all, the last 8 are loaded and those seen before cleared, which
// spares a copy; so the place of an element depends on dim only.
QUIVER_AVX2_INLINE __m256 ClearSeen(__m256 last8, size_t count) {
  return _mm256_andnot_ps(_mm256_castsi256_ps(FirstLanes(8 - count)), last8);
}
QUIVER_AVX2_INLINE __m256 LoadTail(const float* p, size_t from, size_t dim) {
  if (dim < 8) return LoadFirst(p, dim);
  return ClearSeen(Load(p + dim - 8), dim - from);
}
QUIVER_AVX2_INLINE __m256 LoadTail(const uint16_t* p, size_t from, size_t dim) {
  if (dim >= 8) return ClearSeen(Load(p + dim - 8), dim - from);
  uint16_t padded[8] = {};
  memcpy(padded, p, dim * sizeof *p);
  return Load(padded);
}

// sum + term(a, b), where b counts `scale` times in the terms that say so.
struct Squared {
  QUIVER_AVX2_INLINE __m256 Add(__m256 sum, __m256 a, __m256 b, __m256) {
    const __m256 d = _mm256_sub_ps(a, b);
    return _mm256_fmadd_ps(d, d, sum);
  }
};
struct ScaledSquared {
  QUIVER_AVX2_INLINE __m256 Add(__m256 sum, __m256 a, __m256 b, __m256 scale) {
    const __m256 d = _mm256_fnmadd_ps(b, scale, a);
    return _mm256_fmadd_ps(d, d, sum);
  }
};
struct ScaledAbsolute {
  QUIVER_AVX2_INLINE __m256 Add(__m256 sum, __m256 a, __m256 b, __m256 scale) {
    const __m256 d = _mm256_fnmadd_ps(b, scale, a);
    return _mm256_add_ps(sum, _mm256_andnot_ps(_mm256_set1_ps(-0.0f), d));
  }
};
struct Product {
  QUIVER_AVX2_INLINE __m256 Add(__m256 sum, __m256 a, __m256 b, __m256) {
    return _mm256_fmadd_ps(a, b, sum);
  }
};
struct Absolute {
  QUIVER_AVX2_INLINE __m256 Add(__m256 sum, __m256 a, __m256 b, __m256) {
    const __m256 d = _mm256_sub_ps(a, b);
    return _mm256_add_ps(sum, _mm256_andnot_ps(_mm256_set1_ps(-0.0f), d));
  }
};

template <class Term, class A, class B>
QUIVER_AVX2_INLINE float Sum(const A* a, const B* b, float scale, size_t dim) {
  const __m256 scales = _mm256_set1_ps(scale);
  __m256 s0 = _mm256_setzero_ps();
  __m256 s1 = s0;
  __m256 s2 = s0;
  __m256 s3 = s0;
  size_t i = 0;
  for (; i + 32 <= dim; i += 32) {
    s0 = Term::Add(s0, Load(a + i), Load(b + i), scales);
    s1 = Term::Add(s1, Load(a + i + 8), Load(b + i + 8), scales);
    s2 = Term::Add(s2, Load(a + i + 16), Load(b + i + 16), scales);
    s3 = Term::Add(s3, Load(a + i + 24), Load(b + i + 24), scales);
  }
  if (i + 16 <= dim) {
    s0 = Term::Add(s0, Load(a + i), Load(b + i), scales);
    s1 = Term::Add(s1, Load(a + i + 8), Load(b + i + 8), scales);
    i += 16;
  }
  if (i + 8 <= dim) {
    s2 = Term::Add(s2, Load(a + i), Load(b + i), scales);
    i += 8;
  }
  if (i < dim) s3 = Term::Add(s3, LoadTail(a, i, dim), LoadTail(b, i, dim), scales);
  return SumLanes(_mm256_add_ps(_mm256_add_ps(s0, s1), _mm256_add_ps(s2, s3)));
}

template <class Term, class A>
QUIVER_AVX2 float Distance(const A* a, const A* b, size_t dim) {
  return Sum<Term>(a, b, 1.0f, dim);
}

struct CosineSums {
  __m256 ab;
  __m256 aa;
  __m256 bb;
};

QUIVER_AVX2_INLINE void AddTo(CosineSums& sums, __m256 a, __m256 b) {
  sums.ab = _mm256_fmadd_ps(a, b, sums.ab);
  sums.aa = _mm256_fmadd_ps(a, a, sums.aa);
  sums.bb = _mm256_fmadd_ps(b, b, sums.bb);
}

template <class A>
QUIVER_AVX2 void Cosine(const A* a, const A* b, size_t dim, float out[3]) {
  const __m256 zero = _mm256_setzero_ps();
  CosineSums even = {zero, zero, zero};
  CosineSums odd = {zero, zero, zero};
  size_t i = 0;
  for (; i + 16 <= dim; i += 16) {
    AddTo(even, Load(a + i), Load(b + i));
    AddTo(odd, Load(a + i + 8), Load(b + i + 8));
  }
  if (i + 8 <= dim) {
    AddTo(even, Load(a + i), Load(b + i));
    i += 8;
  }
  if (i < dim) AddTo(odd, LoadTail(a, i, dim), LoadTail(b, i, dim));
  out[0] = SumLanes(_mm256_add_ps(even.ab, odd.ab));
  out[1] = SumLanes(_mm256_add_ps(even.aa, odd.aa));
  out[2] = SumLanes(_mm256_add_ps(even.bb, odd.bb));
}

QUIVER_AVX2 float L2SquaredMixed(const float* q, const uint16_t* stored, float scale, size_t dim) {
  return Sum<ScaledSquared>(q, stored, scale, dim);
}

QUIVER_AVX2 float ProductMixed(const float* q, const uint16_t* stored, float scale, size_t dim) {
  return scale * Sum<Product>(q, stored, scale, dim);
}

QUIVER_AVX2 float L1Mixed(const float* q, const uint16_t* stored, float scale, size_t dim) {
  return Sum<ScaledAbsolute>(q, stored, scale, dim);
}

// The tails of both conversions repeat the last 8 elements.
QUIVER_AVX2 void ToF32(const uint16_t* in, float* out, size_t n) {
  if (n < 8) {
    for (size_t i = 0; i < n; i++) out[i] = F16ToF32(in[i]);
    return;
  }
  for (size_t i = 0; i < n; i += 8) {
    if (i > n - 8) i = n - 8;
    _mm256_storeu_ps(out + i, Load(in + i));
  }
}

QUIVER_AVX2 void ToF16(const float* in, uint16_t* out, size_t n) {
  if (n < 8) {
    for (size_t i = 0; i < n; i++) out[i] = F32ToF16(in[i]);
    return;
  }
  for (size_t i = 0; i < n; i += 8) {
    if (i > n - 8) i = n - 8;
    const __m128i halves =
        _mm256_cvtps_ph(Load(in + i), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out + i), halves);
  }
}

}  // namespace

extern const QuiverKernels kKernels = {
    .name = "avx2",
    .level = QUIVER_SIMD_AVX2,
    .l2sq_f32 = Distance<Squared, float>,
    .ip_f32 = Distance<Product, float>,
    .l1_f32 = Distance<Absolute, float>,
    .cosine_f32 = Cosine<float>,
    .l2sq_f16 = Distance<Squared, uint16_t>,
    .ip_f16 = Distance<Product, uint16_t>,
    .l1_f16 = Distance<Absolute, uint16_t>,
    .cosine_f16 = Cosine<uint16_t>,
    .l2sq_f32_f16 = L2SquaredMixed,
    .ip_f32_f16 = ProductMixed,
    .l1_f32_f16 = L1Mixed,
    .f16_to_f32 = ToF32,
    .f32_to_f16 = ToF16,
    .hamming = Hamming,
    .jaccard = Jaccard,
    .hamming_many = HammingMany,
    .jaccard_many = JaccardMany,
    .sparse_l2sq = SparseL2Squared,
    .sparse_ip = SparseProduct,
    .sparse_l1 = SparseAbsolute,
    .sparse_cosine = SparseCosine,
    .flip_signs = FlipSigns,
    .hadamard = Hadamard,
    .butterfly = Butterfly,
    .quantize_i8 = QuantizeI8,
    .code_dots = CodeDots,
    .encode_edge = EncodeEdge,
};

}  // namespace quiver::avx2

#endif  // __x86_64__
