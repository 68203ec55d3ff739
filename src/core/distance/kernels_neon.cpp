// The NEON level: distances, conversion.  Empty where the target is not ARM.
#if defined(__aarch64__)

#include <cstring>

#include "distance/kernel_sets.h"
#include "distance/target_neon.h"

namespace quiver::neon {
namespace {

inline float32x4_t Widen(uint16x4_t half) {
  return vcvt_f32_f16(vreinterpret_f16_u16(half));
}
inline uint16x4_t Narrow(float32x4_t x) {
  return vreinterpret_u16_f16(vcvt_f16_f32(x));
}

inline float32x4_t Load(const float* p) {
  return vld1q_f32(p);
}
inline float32x4_t Load(const uint16_t* p) {
  return Widen(vld1_u16(p));
}
inline float32x4_t Load(const float* p, size_t count) {
  return LoadFirst(p, count);
}
inline float32x4_t Load(const uint16_t* p, size_t count) {
  uint16_t padded[4] = {};
  for (size_t i = 0; i < count; i++) padded[i] = p[i];
  return Load(padded);
}

// sum + term(a, b), where b counts `scale` times in the terms that say so.
struct Squared {
  static float32x4_t Add(float32x4_t sum, float32x4_t a, float32x4_t b, float32x4_t) {
    const float32x4_t d = vsubq_f32(a, b);
    return vfmaq_f32(sum, d, d);
  }
};
struct ScaledSquared {
  static float32x4_t Add(float32x4_t sum, float32x4_t a, float32x4_t b, float32x4_t scale) {
    const float32x4_t d = vfmsq_f32(a, b, scale);
    return vfmaq_f32(sum, d, d);
  }
};
struct ScaledAbsolute {
  static float32x4_t Add(float32x4_t sum, float32x4_t a, float32x4_t b, float32x4_t scale) {
    return vaddq_f32(sum, vabsq_f32(vfmsq_f32(a, b, scale)));
  }
};
struct Product {
  static float32x4_t Add(float32x4_t sum, float32x4_t a, float32x4_t b, float32x4_t) {
    return vfmaq_f32(sum, a, b);
  }
};
struct Absolute {
  static float32x4_t Add(float32x4_t sum, float32x4_t a, float32x4_t b, float32x4_t) {
    return vaddq_f32(sum, vabdq_f32(a, b));
  }
};

template <class Term, class A, class B>
float Sum(const A* a, const B* b, float scale, size_t dim) {
  const float32x4_t scales = vdupq_n_f32(scale);
  float32x4_t s0 = vdupq_n_f32(0);
  float32x4_t s1 = s0;
  float32x4_t s2 = s0;
  float32x4_t s3 = s0;
  size_t i = 0;
  for (; i + 16 <= dim; i += 16) {
    s0 = Term::Add(s0, Load(a + i), Load(b + i), scales);
    s1 = Term::Add(s1, Load(a + i + 4), Load(b + i + 4), scales);
    s2 = Term::Add(s2, Load(a + i + 8), Load(b + i + 8), scales);
    s3 = Term::Add(s3, Load(a + i + 12), Load(b + i + 12), scales);
  }
  for (; i + 4 <= dim; i += 4) s0 = Term::Add(s0, Load(a + i), Load(b + i), scales);
  if (i < dim) s1 = Term::Add(s1, Load(a + i, dim - i), Load(b + i, dim - i), scales);
  return SumLanes(vaddq_f32(vaddq_f32(s0, s1), vaddq_f32(s2, s3)));
}

template <class Term, class A>
float Distance(const A* a, const A* b, size_t dim) {
  return Sum<Term>(a, b, 1.0f, dim);
}

struct CosineSums {
  float32x4_t ab;
  float32x4_t aa;
  float32x4_t bb;
};

inline void AddTo(CosineSums& sums, float32x4_t a, float32x4_t b) {
  sums.ab = vfmaq_f32(sums.ab, a, b);
  sums.aa = vfmaq_f32(sums.aa, a, a);
  sums.bb = vfmaq_f32(sums.bb, b, b);
}

template <class A>
void Cosine(const A* a, const A* b, size_t dim, float out[3]) {
  const float32x4_t zero = vdupq_n_f32(0);
  CosineSums parts[4] = {
      {zero, zero, zero}, {zero, zero, zero}, {zero, zero, zero}, {zero, zero, zero}};
  size_t i = 0;
  for (; i + 16 <= dim; i += 16)
    for (size_t j = 0; j < 4; j++) AddTo(parts[j], Load(a + i + 4 * j), Load(b + i + 4 * j));
  for (; i + 4 <= dim; i += 4) AddTo(parts[0], Load(a + i), Load(b + i));
  if (i < dim) AddTo(parts[1], Load(a + i, dim - i), Load(b + i, dim - i));
  const auto total = [](float32x4_t s0, float32x4_t s1, float32x4_t s2, float32x4_t s3) {
    return SumLanes(vaddq_f32(vaddq_f32(s0, s1), vaddq_f32(s2, s3)));
  };
  out[0] = total(parts[0].ab, parts[1].ab, parts[2].ab, parts[3].ab);
  out[1] = total(parts[0].aa, parts[1].aa, parts[2].aa, parts[3].aa);
  out[2] = total(parts[0].bb, parts[1].bb, parts[2].bb, parts[3].bb);
}

float ProductMixed(const float* q, const uint16_t* stored, float scale, size_t dim) {
  return scale * Sum<Product>(q, stored, scale, dim);
}

void ToF32(const uint16_t* in, float* out, size_t n) {
  size_t i = 0;
  for (; i + 4 <= n; i += 4) vst1q_f32(out + i, Load(in + i));
  if (i < n) {
    float padded[4];
    vst1q_f32(padded, Load(in + i, n - i));
    memcpy(out + i, padded, (n - i) * sizeof *out);
  }
}

void ToF16(const float* in, uint16_t* out, size_t n) {
  size_t i = 0;
  for (; i + 4 <= n; i += 4) vst1_u16(out + i, Narrow(Load(in + i)));
  if (i < n) {
    uint16_t padded[4];
    vst1_u16(padded, Narrow(Load(in + i, n - i)));
    memcpy(out + i, padded, (n - i) * sizeof *out);
  }
}

}  // namespace

extern const QuiverKernels kKernels = {
    .name = "neon",
    .level = QUIVER_SIMD_NEON,
    .l2sq_f32 = Distance<Squared, float>,
    .ip_f32 = Distance<Product, float>,
    .l1_f32 = Distance<Absolute, float>,
    .cosine_f32 = Cosine<float>,
    .l2sq_f16 = Distance<Squared, uint16_t>,
    .ip_f16 = Distance<Product, uint16_t>,
    .l1_f16 = Distance<Absolute, uint16_t>,
    .cosine_f16 = Cosine<uint16_t>,
    .l2sq_f32_f16 = Sum<ScaledSquared, float, uint16_t>,
    .ip_f32_f16 = ProductMixed,
    .l1_f32_f16 = Sum<ScaledAbsolute, float, uint16_t>,
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

}  // namespace quiver::neon

#endif  // __aarch64__
