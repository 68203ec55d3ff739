// The NEON level: the steps of the rotation.  Repeats steps_scalar.cpp to the bit.
// Empty where the target is not ARM.
#if defined(__aarch64__)

#include "distance/exact.h"
#include "distance/kernel_sets.h"
#include "distance/target_neon.h"

namespace quiver::neon {

void FlipSigns(float* x, const uint64_t* signs, size_t n) {
  constexpr int32_t kShifts[4] = {31, 30, 29, 28};
  const int32x4_t shifts = vld1q_s32(kShifts);
  const uint32x4_t minus = vdupq_n_u32(0x80000000u);
  size_t i = 0;
  for (; i + 4 <= n; i += 4) {
    const auto nibble = static_cast<uint32_t>(signs[i / 64] >> (i % 64));
    const uint32x4_t flip = vandq_u32(vshlq_u32(vdupq_n_u32(nibble), shifts), minus);
    const uint32x4_t v = vreinterpretq_u32_f32(vld1q_f32(x + i));
    vst1q_f32(x + i, vreinterpretq_f32_u32(veorq_u32(v, flip)));
  }
  for (; i < n; i++)
    if ((signs[i / 64] >> (i % 64)) & 1) x[i] = -x[i];
}

void Butterfly(float* x, float* y, size_t n) {
  size_t i = 0;
  for (; i + 4 <= n; i += 4) {
    const float32x4_t a = vld1q_f32(x + i);
    const float32x4_t b = vld1q_f32(y + i);
    vst1q_f32(x + i, vmulq_n_f32(vaddq_f32(a, b), kSqrtHalf));
    vst1q_f32(y + i, vmulq_n_f32(vsubq_f32(a, b), kSqrtHalf));
  }
  if (i < n) scalar::Butterfly(x + i, y + i, n - i);
}

namespace {

// Strides 1 and 2 inside a register.
inline float32x4_t InRegister(float32x4_t x) {
  const float32x4_t sum1 = vpaddq_f32(x, x);              // a+b, c+d, a+b, c+d
  const float32x4_t dif1 = vsubq_f32(x, vrev64q_f32(x));  // a-b, b-a, c-d, d-c
  // a+b, a-b, c+d, c-d
  x = vzip1q_f32(sum1, vuzp1q_f32(dif1, dif1));
  const float32x4_t other = vextq_f32(x, x, 2);
  const float32x4_t sum2 = vaddq_f32(x, other);
  const float32x4_t dif2 = vsubq_f32(x, other);
  return vcombine_f32(vget_low_f32(sum2), vget_low_f32(dif2));
}

// log2(kCount) stages across registers, smallest stride first.
template <int kCount>
inline void Across(float32x4_t* v) {
#pragma GCC unroll 4
  for (int stride = 1; stride < kCount; stride *= 2)
#pragma GCC unroll 16
    for (int i = 0; i < kCount; i++)
      if ((i & stride) == 0) {
        const float32x4_t a = v[i];
        const float32x4_t b = v[i + stride];
        v[i] = vaddq_f32(a, b);
        v[i + stride] = vsubq_f32(a, b);
      }
}

// All stages within each block of 4 * kCount components.
template <int kCount>
void Blocks(float* x, size_t n, float scale) {
  for (size_t base = 0; base < n; base += 4 * kCount) {
    float32x4_t v[kCount];
#pragma GCC unroll 16
    for (int i = 0; i < kCount; i++) v[i] = InRegister(vld1q_f32(x + base + 4 * i));
    Across<kCount>(v);
#pragma GCC unroll 16
    for (int i = 0; i < kCount; i++) vst1q_f32(x + base + 4 * i, vmulq_n_f32(v[i], scale));
  }
}

// The stages of strides stride, 2 * stride, ... kCount / 2 * stride.
template <int kCount>
void Stages(float* x, size_t n, size_t stride, float scale) {
  for (size_t base = 0; base < n; base += kCount * stride)
    for (size_t offset = base; offset < base + stride; offset += 4) {
      float32x4_t v[kCount];
#pragma GCC unroll 16
      for (int i = 0; i < kCount; i++) v[i] = vld1q_f32(x + offset + i * stride);
      Across<kCount>(v);
#pragma GCC unroll 16
      for (int i = 0; i < kCount; i++) vst1q_f32(x + offset + i * stride, vmulq_n_f32(v[i], scale));
    }
}

}  // namespace

void Hadamard(float* x, size_t n) {
  if (n < 4) {
    scalar::Hadamard(x, n);
    return;
  }
  const float scale = HadamardScale(n);
  switch (n) {
    case 4:
      return Blocks<1>(x, n, scale);
    case 8:
      return Blocks<2>(x, n, scale);
    case 16:
      return Blocks<4>(x, n, scale);
    case 32:
      return Blocks<8>(x, n, scale);
    case 64:
      return Blocks<16>(x, n, scale);
    default:
      break;
  }
  Blocks<16>(x, n, 1.0f);
  for (size_t stride = 64; stride < n;) {
    const size_t left = n / stride;
    if (left >= 8) {
      Stages<8>(x, n, stride, left == 8 ? scale : 1.0f);
      stride *= 8;
    } else if (left == 4) {
      Stages<4>(x, n, stride, scale);
      stride *= 4;
    } else {
      Stages<2>(x, n, stride, scale);
      stride *= 2;
    }
  }
}

}  // namespace quiver::neon

#endif  // __aarch64__
