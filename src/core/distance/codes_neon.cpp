// The NEON level: edge codes and the query they are multiplied with.
// Empty where the target is not ARM.
#if defined(__aarch64__)

#include <cstring>

#include "base/bits.h"
#include "distance/exact.h"
#include "distance/kernel_sets.h"
#include "distance/target_neon.h"

namespace quiver::neon {

namespace {

// x > y ? x : y, lane by lane: y wins over a NaN in x.
inline float32x4_t Larger(float32x4_t x, float32x4_t y) {
  return vbslq_f32(vcgtq_f32(x, y), x, y);
}
inline float32x4_t Smaller(float32x4_t x, float32x4_t y) {
  return vbslq_f32(vcltq_f32(x, y), x, y);
}

}  // namespace

int32_t QuantizeI8(const float* x, size_t dim, int8_t* out, float* step) {
  *step = 1;
  if (dim == 0) return 0;
  float32x4_t largest4 = vdupq_n_f32(0);
  for (size_t i = 0; i < dim; i += 4)
    largest4 = Larger(vabsq_f32(LoadUpTo4(x + i, dim - i)), largest4);
  const float largest = vmaxvq_f32(largest4);
  const size_t padded = AlignUp(dim, 64);
  if (!(largest > kLeastQuery)) {
    memset(out, 0, padded);
    return 0;
  }
  *step = largest / 127.0f;
  const float inverse = 127.0f / largest;
  int32x4_t sum = vdupq_n_s32(0);
  size_t i = 0;
  for (; i < dim; i += 8) {
    int16x4_t words[2];
    for (size_t j = 0; j < 2; j++) {
      const size_t at = i + 4 * j;
      float32x4_t value =
          vmulq_n_f32(at < dim ? LoadUpTo4(x + at, dim - at) : vdupq_n_f32(0), inverse);
      value = Smaller(Larger(value, vdupq_n_f32(-127.0f)), vdupq_n_f32(127.0f));
      const int32x4_t rounded = vcvtnq_s32_f32(value);
      sum = vaddq_s32(sum, rounded);
      words[j] = vmovn_s32(rounded);
    }
    vst1_s8(out + i, vmovn_s16(vcombine_s16(words[0], words[1])));
  }
  memset(out + i, 0, padded - i);
  return vaddvq_s32(sum);
}

namespace {

// Byte i of 16 all ones where bit i of the 2 bytes at p is set.
inline uint8x16_t Expand(const uint8_t* p) {
  const uint8x8_t bit = vcreate_u8(0x8040201008040201u);
  return vcombine_u8(vtst_u8(vdup_n_u8(p[0]), bit), vtst_u8(vdup_n_u8(p[1]), bit));
}

// One code against the query.  Bits past dim meet zeros of the query.
template <int kBits>
int32_t Dot(const uint8_t* code, size_t plane_bytes, size_t chunks, const int8_t* query) {
  int32x4_t sum = vdupq_n_s32(0);
  for (size_t chunk = 0; chunk < chunks; chunk++) {
    const uint8_t* bits = code + 2 * chunk;
    const int8x16_t q = vld1q_s8(query + 16 * chunk);
    uint8x16_t value = vandq_u8(Expand(bits), vdupq_n_u8(1 << kBits));
#pragma GCC unroll 4
    for (int plane = 1; plane < kBits; plane++) {
      const uint8x16_t mask = Expand(bits + static_cast<size_t>(plane) * plane_bytes);
      value = vorrq_u8(value, vandq_u8(mask, vdupq_n_u8(1 << (kBits - plane))));
    }
    const int8x16_t v = vreinterpretq_s8_u8(value);  // at most 30
    // Two products of at most 30 * 127 fit 16 bits.
    int16x8_t products = vmull_s8(vget_low_s8(v), vget_low_s8(q));
    products = vmlal_s8(products, vget_high_s8(v), vget_high_s8(q));
    sum = vpadalq_s16(sum, products);
  }
  return vaddvq_s32(sum);
}

template <int kBits>
void Dots(const uint8_t* codes, size_t stride, size_t count, size_t dim, const int8_t* query,
          int32_t query_sum, int32_t* dots) {
  const int32_t offset = ((1 << kBits) - 1) * query_sum;
  for (size_t j = 0; j < count; j++)
    dots[j] = Dot<kBits>(codes + j * stride, DivideUp(dim, 8), DivideUp(dim, 16), query) - offset;
}

}  // namespace

void CodeDots(const uint8_t* codes, size_t stride, size_t count, size_t dim, int bits,
              const int8_t* query, int32_t query_sum, int32_t* dots) {
  if (bits == 1)
    Dots<1>(codes, stride, count, dim, query, query_sum, dots);
  else if (bits == 2)
    Dots<2>(codes, stride, count, dim, query, query_sum, dots);
  else
    Dots<4>(codes, stride, count, dim, query, query_sum, dots);
}

namespace {

// The kSumLanes partial sums of exact.h: component i in part i / 4 % 8.
struct LaneSums {
  float32x4_t part[8];

  LaneSums() {
    for (float32x4_t& p : part) p = vdupq_n_f32(0);
  }

  void Add(size_t i, float32x4_t term) {
    float32x4_t& p = part[i / 4 % 8];
    p = vaddq_f32(p, term);
  }

  float Total() const {
    float32x4_t sum[4];
    for (int j = 0; j < 4; j++) sum[j] = vaddq_f32(part[j], part[j + 4]);
    return SumLanes(vaddq_f32(vaddq_f32(sum[0], sum[2]), vaddq_f32(sum[1], sum[3])));
  }
};

inline float32x4_t Product(float32x4_t a, float32x4_t b) {
  float32x4_t product = vmulq_f32(a, b);
  QUIVER_ROUNDED(product);
  return product;
}

struct EdgeInput {
  const float* c;
  const float* o;
  const float* mu;
  size_t dim;
};

struct Residual {
  float32x4_t r;
  float32x4_t mu;
  float32x4_t centred;
};

inline Residual LoadResidual(const EdgeInput& in, size_t i) {
  const size_t left = in.dim - i;
  const float32x4_t c = LoadUpTo4(in.c + i, left);
  const float32x4_t mu = LoadUpTo4(in.mu + i, left);
  return {vsubq_f32(LoadUpTo4(in.o + i, left), c), mu, vsubq_f32(c, mu)};
}

// The lanes that are all ones as bits at component i of a zeroed plane, past dim none.
inline void SetBits(uint8_t* plane, size_t i, size_t dim, uint32x4_t lanes) {
  constexpr uint32_t kBit[4] = {1, 2, 4, 8};
  const uint32_t valid = dim - i >= 4 ? 15u : (1u << (dim - i)) - 1;
  const uint32_t bits = vaddvq_u32(vandq_u32(lanes, vld1q_u32(kBit))) & valid;
  plane[i / 8] = static_cast<uint8_t>(plane[i / 8] | bits << (i % 8));
}

struct EdgeSums {
  LaneSums n2;
  LaneSums a;
  LaneSums s_c;
  LaneSums mu_r;
};

void EncodeSigns(const EdgeInput& in, uint8_t* code, EdgeSums& sums) {
  const uint32x4_t minus = vdupq_n_u32(0x80000000u);
  for (size_t i = 0; i < in.dim; i += 4) {
    const Residual v = LoadResidual(in, i);
    const uint32x4_t negative = vcltzq_f32(v.r);
    const uint32x4_t flip = vandq_u32(negative, minus);
    const auto flipped = [flip](float32x4_t x) {
      return vreinterpretq_f32_u32(veorq_u32(vreinterpretq_u32_f32(x), flip));
    };
    sums.n2.Add(i, Product(v.r, v.r));
    sums.a.Add(i, flipped(v.r));
    sums.s_c.Add(i, flipped(v.centred));
    sums.mu_r.Add(i, Product(v.mu, v.r));
    SetBits(code, i, in.dim, vmvnq_u32(negative));
  }
}

void EncodeLevels(const EdgeInput& in, int bits, uint8_t* code, EdgeSums& sums) {
  for (size_t i = 0; i < in.dim; i += 4) {
    const Residual v = LoadResidual(in, i);
    sums.n2.Add(i, Product(v.r, v.r));
    sums.mu_r.Add(i, Product(v.mu, v.r));
  }
  const int highest = (1 << bits) - 1;
  const float32x4_t top = vdupq_n_f32(static_cast<float>(highest));
  const float32x4_t middle = vdupq_n_f32(static_cast<float>(1 << (bits - 1)));
  const float32x4_t inverse = vdupq_n_f32(InverseCellWidth(sums.n2.Total(), in.dim, bits));
  const size_t plane_bytes = DivideUp(in.dim, 8);
  for (size_t i = 0; i < in.dim; i += 4) {
    const Residual v = LoadResidual(in, i);
    float32x4_t cell = vaddq_f32(Product(v.r, inverse), middle);
    cell = Smaller(Larger(cell, vdupq_n_f32(0)), top);
    const int32x4_t level = vcvtq_s32_f32(cell);
    for (int plane = 0; plane < bits; plane++) {
      const int32x4_t bit = vdupq_n_s32(1 << (bits - 1 - plane));
      SetBits(code + static_cast<size_t>(plane) * plane_bytes, i, in.dim, vtstq_s32(level, bit));
    }
    const float32x4_t s = vcvtq_f32_s32(vsubq_s32(vaddq_s32(level, level), vdupq_n_s32(highest)));
    sums.a.Add(i, Product(s, v.r));
    sums.s_c.Add(i, Product(s, v.centred));
  }
}

}  // namespace

void EncodeEdge(const float* c, const float* o, const float* mu, size_t dim, int bits,
                uint8_t* code, QuiverEdgeTerms* terms) {
  *terms = {};
  if (dim == 0) return;
  const EdgeInput in = {c, o, mu, dim};
  EdgeSums sums;
  memset(code, 0, static_cast<size_t>(bits) * DivideUp(dim, 8));
  if (bits == 1)
    EncodeSigns(in, code, sums);
  else
    EncodeLevels(in, bits, code, sums);
  terms->n2 = sums.n2.Total();
  terms->a = sums.a.Total();
  terms->s_c = sums.s_c.Total();
  terms->s_o = terms->s_c + terms->a;
  terms->mu_r = sums.mu_r.Total();
}

}  // namespace quiver::neon

#endif  // __aarch64__
