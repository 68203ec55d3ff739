// The AVX-512 level: the steps of the rotation.  Repeats steps_scalar.cpp to the bit.
#if defined(__x86_64__)

#include "distance/exact.h"
#include "distance/kernel_sets.h"
#include "distance/target_avx512.h"

namespace quiver::avx512 {

QUIVER_AVX512 void FlipSigns(float* x, const uint64_t* signs, size_t n) {
  const __m512i minus = _mm512_set1_epi32(INT32_MIN);
  size_t i = 0;
  for (; i + 16 <= n; i += 16) {
    const auto flip = static_cast<__mmask16>(signs[i / 64] >> (i % 64));
    const __m512i v = _mm512_loadu_si512(x + i);
    _mm512_storeu_si512(x + i, _mm512_mask_xor_epi32(v, flip, v, minus));
  }
  if (i < n) {
    const __mmask16 rest = FirstLanes(n - i);
    const auto flip = static_cast<__mmask16>(signs[i / 64] >> (i % 64));
    const __m512i v = _mm512_maskz_loadu_epi32(rest, x + i);
    _mm512_mask_storeu_epi32(x + i, rest, _mm512_mask_xor_epi32(v, flip, v, minus));
  }
}

QUIVER_AVX512 void Butterfly(float* x, float* y, size_t n) {
  const __m512 scale = _mm512_set1_ps(kSqrtHalf);
  for (size_t i = 0; i < n; i += 16) {
    const __mmask16 lanes = FirstLanes(n - i < 16 ? n - i : 16);
    const __m512 a = _mm512_maskz_loadu_ps(lanes, x + i);
    const __m512 b = _mm512_maskz_loadu_ps(lanes, y + i);
    _mm512_mask_storeu_ps(x + i, lanes, _mm512_mul_ps(_mm512_add_ps(a, b), scale));
    _mm512_mask_storeu_ps(y + i, lanes, _mm512_mul_ps(_mm512_sub_ps(a, b), scale));
  }
}

namespace {

// One stage inside a register: lane i becomes partner + x where its sign is +1,
// partner - x where it is -1.  The product with one is exact, so the FMA rounds once.
QUIVER_AVX512_INLINE __m512 Stage(__m512 x, __m512 partner, __m512 sign) {
  return _mm512_fmadd_ps(x, sign, partner);
}

// -1 in the lanes of `minus`.
QUIVER_AVX512_INLINE __m512 Signs(__mmask16 minus) {
  return _mm512_mask_blend_ps(minus, _mm512_set1_ps(1.0f), _mm512_set1_ps(-1.0f));
}

// Strides 1, 2, 4, 8.
QUIVER_AVX512_INLINE __m512 InRegister(__m512 x) {
  x = Stage(x, _mm512_permute_ps(x, 0xB1), Signs(0xAAAA));
  x = Stage(x, _mm512_permute_ps(x, 0x4E), Signs(0xCCCC));
  x = Stage(x, _mm512_shuffle_f32x4(x, x, 0xB1), Signs(0xF0F0));
  return Stage(x, _mm512_shuffle_f32x4(x, x, 0x4E), Signs(0xFF00));
}

// log2(kCount) stages across registers, smallest stride first.
template <int kCount>
QUIVER_AVX512_INLINE void Across(__m512* v) {
#pragma GCC unroll 4
  for (int stride = 1; stride < kCount; stride *= 2)
#pragma GCC unroll 16
    for (int i = 0; i < kCount; i++)
      if ((i & stride) == 0) {
        const __m512 a = v[i];
        const __m512 b = v[i + stride];
        v[i] = _mm512_add_ps(a, b);
        v[i + stride] = _mm512_sub_ps(a, b);
      }
}

// All stages within each block of 16 * kCount components.
template <int kCount>
QUIVER_AVX512_INLINE void Blocks(float* x, size_t n, __m512 scale) {
  for (size_t base = 0; base < n; base += 16 * kCount) {
    __m512 v[kCount];
#pragma GCC unroll 16
    for (int i = 0; i < kCount; i++) v[i] = InRegister(_mm512_loadu_ps(x + base + 16 * i));
    Across<kCount>(v);
#pragma GCC unroll 16
    for (int i = 0; i < kCount; i++)
      _mm512_storeu_ps(x + base + 16 * i, _mm512_mul_ps(v[i], scale));
  }
}

// The stages of strides stride, 2 * stride, ... kCount / 2 * stride.
template <int kCount>
QUIVER_AVX512_INLINE void Stages(float* x, size_t n, size_t stride, __m512 scale) {
  for (size_t base = 0; base < n; base += kCount * stride)
    for (size_t offset = base; offset < base + stride; offset += 16) {
      __m512 v[kCount];
#pragma GCC unroll 16
      for (int i = 0; i < kCount; i++) v[i] = _mm512_loadu_ps(x + offset + i * stride);
      Across<kCount>(v);
#pragma GCC unroll 16
      for (int i = 0; i < kCount; i++)
        _mm512_storeu_ps(x + offset + i * stride, _mm512_mul_ps(v[i], scale));
    }
}

}  // namespace

QUIVER_AVX512 void Hadamard(float* x, size_t n) {
  if (n < 16) {
    scalar::Hadamard(x, n);
    return;
  }
  const __m512 scale = _mm512_set1_ps(HadamardScale(n));
  const __m512 one = _mm512_set1_ps(1.0f);
  switch (n) {
    case 16:
      return Blocks<1>(x, n, scale);
    case 32:
      return Blocks<2>(x, n, scale);
    case 64:
      return Blocks<4>(x, n, scale);
    case 128:
      return Blocks<8>(x, n, scale);
    case 256:
      return Blocks<16>(x, n, scale);
    default:
      break;
  }
  Blocks<16>(x, n, one);
  for (size_t stride = 256; stride < n;) {
    const size_t left = n / stride;
    if (left >= 16) {
      Stages<16>(x, n, stride, left == 16 ? scale : one);
      stride *= 16;
    } else if (left == 8) {
      Stages<8>(x, n, stride, scale);
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

}  // namespace quiver::avx512

#endif  // __x86_64__
