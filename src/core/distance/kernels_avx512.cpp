// The AVX-512 level: distances, conversion.
#if defined(__x86_64__)

#include "distance/kernel_sets.h"
#include "distance/target_avx512.h"

namespace quiver::avx512 {
namespace {

QUIVER_AVX512_INLINE __m512 Load(const float* p) {
  return _mm512_loadu_ps(p);
}
QUIVER_AVX512_INLINE __m512 Load(const uint16_t* p) {
  return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
}
QUIVER_AVX512_INLINE __m512 Load(const float* p, __mmask16 lanes) {
  return _mm512_maskz_loadu_ps(lanes, p);
}
QUIVER_AVX512_INLINE __m512 Load(const uint16_t* p, __mmask16 lanes) {
  return _mm512_cvtph_ps(_mm256_maskz_loadu_epi16(lanes, p));
}

// sum + term(a, b), where b counts `scale` times in the terms that say so.
struct Squared {
  QUIVER_AVX512_INLINE __m512 Add(__m512 sum, __m512 a, __m512 b, __m512) {
    const __m512 d = _mm512_sub_ps(a, b);
    return _mm512_fmadd_ps(d, d, sum);
  }
};
struct ScaledSquared {
  QUIVER_AVX512_INLINE __m512 Add(__m512 sum, __m512 a, __m512 b, __m512 scale) {
    const __m512 d = _mm512_fnmadd_ps(b, scale, a);
    return _mm512_fmadd_ps(d, d, sum);
  }
};
struct ScaledAbsolute {
  QUIVER_AVX512_INLINE __m512 Add(__m512 sum, __m512 a, __m512 b, __m512 scale) {
    return _mm512_add_ps(sum, _mm512_abs_ps(_mm512_fnmadd_ps(b, scale, a)));
  }
};
struct Product {
  QUIVER_AVX512_INLINE __m512 Add(__m512 sum, __m512 a, __m512 b, __m512) {
    return _mm512_fmadd_ps(a, b, sum);
  }
};
struct Absolute {
  QUIVER_AVX512_INLINE __m512 Add(__m512 sum, __m512 a, __m512 b, __m512) {
    return _mm512_add_ps(sum, _mm512_abs_ps(_mm512_sub_ps(a, b)));
  }
};

template <class Term, class A, class B>
QUIVER_AVX512_INLINE float Sum(const A* a, const B* b, float scale, size_t dim) {
  const __m512 scales = _mm512_set1_ps(scale);
  __m512 s0 = _mm512_setzero_ps();
  __m512 s1 = s0;
  __m512 s2 = s0;
  __m512 s3 = s0;
  size_t i = 0;
  for (; i + 64 <= dim; i += 64) {
    s0 = Term::Add(s0, Load(a + i), Load(b + i), scales);
    s1 = Term::Add(s1, Load(a + i + 16), Load(b + i + 16), scales);
    s2 = Term::Add(s2, Load(a + i + 32), Load(b + i + 32), scales);
    s3 = Term::Add(s3, Load(a + i + 48), Load(b + i + 48), scales);
  }
  if (i + 32 <= dim) {
    s0 = Term::Add(s0, Load(a + i), Load(b + i), scales);
    s1 = Term::Add(s1, Load(a + i + 16), Load(b + i + 16), scales);
    i += 32;
  }
  if (i + 16 <= dim) {
    s2 = Term::Add(s2, Load(a + i), Load(b + i), scales);
    i += 16;
  }
  if (i < dim) {
    const __mmask16 rest = FirstLanes(dim - i);
    s3 = Term::Add(s3, Load(a + i, rest), Load(b + i, rest), scales);
  }
  return _mm512_reduce_add_ps(_mm512_add_ps(_mm512_add_ps(s0, s1), _mm512_add_ps(s2, s3)));
}

template <class Term, class A>
QUIVER_AVX512 float Distance(const A* a, const A* b, size_t dim) {
  return Sum<Term>(a, b, 1.0f, dim);
}

struct CosineSums {
  __m512 ab;
  __m512 aa;
  __m512 bb;
};

QUIVER_AVX512_INLINE void AddTo(CosineSums& sums, __m512 a, __m512 b) {
  sums.ab = _mm512_fmadd_ps(a, b, sums.ab);
  sums.aa = _mm512_fmadd_ps(a, a, sums.aa);
  sums.bb = _mm512_fmadd_ps(b, b, sums.bb);
}

template <class A>
QUIVER_AVX512 void Cosine(const A* a, const A* b, size_t dim, float out[3]) {
  const __m512 zero = _mm512_setzero_ps();
  CosineSums even = {zero, zero, zero};
  CosineSums odd = {zero, zero, zero};
  size_t i = 0;
  for (; i + 32 <= dim; i += 32) {
    AddTo(even, Load(a + i), Load(b + i));
    AddTo(odd, Load(a + i + 16), Load(b + i + 16));
  }
  if (i + 16 <= dim) {
    AddTo(even, Load(a + i), Load(b + i));
    i += 16;
  }
  if (i < dim) {
    const __mmask16 rest = FirstLanes(dim - i);
    AddTo(odd, Load(a + i, rest), Load(b + i, rest));
  }
  out[0] = _mm512_reduce_add_ps(_mm512_add_ps(even.ab, odd.ab));
  out[1] = _mm512_reduce_add_ps(_mm512_add_ps(even.aa, odd.aa));
  out[2] = _mm512_reduce_add_ps(_mm512_add_ps(even.bb, odd.bb));
}

QUIVER_AVX512 float L2SquaredMixed(const float* q, const uint16_t* stored, float scale,
                                   size_t dim) {
  return Sum<ScaledSquared>(q, stored, scale, dim);
}

QUIVER_AVX512 float ProductMixed(const float* q, const uint16_t* stored, float scale, size_t dim) {
  return scale * Sum<Product>(q, stored, scale, dim);
}

QUIVER_AVX512 float L1Mixed(const float* q, const uint16_t* stored, float scale, size_t dim) {
  return Sum<ScaledAbsolute>(q, stored, scale, dim);
}

QUIVER_AVX512 void ToF32(const uint16_t* in, float* out, size_t n) {
  size_t i = 0;
  for (; i + 16 <= n; i += 16) _mm512_storeu_ps(out + i, Load(in + i));
  if (i < n) {
    const __mmask16 rest = FirstLanes(n - i);
    _mm512_mask_storeu_ps(out + i, rest, Load(in + i, rest));
  }
}

QUIVER_AVX512_INLINE __m256i Halves(__m512 x) {
  return _mm512_cvtps_ph(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}

QUIVER_AVX512 void ToF16(const float* in, uint16_t* out, size_t n) {
  size_t i = 0;
  for (; i + 16 <= n; i += 16)
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + i), Halves(Load(in + i)));
  if (i < n) {
    const __mmask16 rest = FirstLanes(n - i);
    _mm256_mask_storeu_epi16(out + i, rest, Halves(Load(in + i, rest)));
  }
}

}  // namespace

extern const QuiverKernels kKernels = {
    .name = "avx512",
    .level = QUIVER_SIMD_AVX512,
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

}  // namespace quiver::avx512

#endif  // __x86_64__
