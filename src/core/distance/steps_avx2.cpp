// The AVX2 level: the steps of the rotation.  Repeats steps_scalar.cpp to the bit.
#if defined(__x86_64__)

#include "distance/exact.h"
#include "distance/kernel_sets.h"
#include "distance/target_avx2.h"

namespace quiver::avx2 {

QUIVER_AVX2 void FlipSigns(float* x, const uint64_t* signs, size_t n) {
  const __m256i shifts = _mm256_setr_epi32(31, 30, 29, 28, 27, 26, 25, 24);
  const __m256i minus = _mm256_set1_epi32(INT32_MIN);
  for (size_t i = 0; i < n; i += 8) {
    // Bit j of the byte to the sign of lane j.
    const auto byte = static_cast<int>((signs[i / 64] >> (i % 64)) & 0xFF);
    const __m256i flip =
        _mm256_and_si256(_mm256_sllv_epi32(_mm256_set1_epi32(byte), shifts), minus);
    if (i + 8 <= n) {
      const __m256 v = _mm256_loadu_ps(x + i);
      _mm256_storeu_ps(x + i, _mm256_xor_ps(v, _mm256_castsi256_ps(flip)));
    } else {
      const __m256 v = LoadFirst(x + i, n - i);
      _mm256_maskstore_ps(x + i, FirstLanes(n - i), _mm256_xor_ps(v, _mm256_castsi256_ps(flip)));
    }
  }
}

QUIVER_AVX2 void Butterfly(float* x, float* y, size_t n) {
  const __m256 scale = _mm256_set1_ps(kSqrtHalf);
  size_t i = 0;
  for (; i + 8 <= n; i += 8) {
    const __m256 a = _mm256_loadu_ps(x + i);
    const __m256 b = _mm256_loadu_ps(y + i);
    _mm256_storeu_ps(x + i, _mm256_mul_ps(_mm256_add_ps(a, b), scale));
    _mm256_storeu_ps(y + i, _mm256_mul_ps(_mm256_sub_ps(a, b), scale));
  }
  if (i < n) scalar::Butterfly(x + i, y + i, n - i);
}

namespace {

// One stage inside a register: lane i becomes partner + x where its sign is +1,
// partner - x where it is -1.  The product with one is exact, so the FMA rounds once.
QUIVER_AVX2_INLINE __m256 Stage(__m256 x, __m256 partner, __m256 sign) {
  return _mm256_fmadd_ps(x, sign, partner);
}

// Strides 1, 2, 4.
QUIVER_AVX2_INLINE __m256 InRegister(__m256 x) {
  x = Stage(x, _mm256_permute_ps(x, 0xB1), _mm256_setr_ps(1, -1, 1, -1, 1, -1, 1, -1));
  x = Stage(x, _mm256_permute_ps(x, 0x4E), _mm256_setr_ps(1, 1, -1, -1, 1, 1, -1, -1));
  return Stage(x, _mm256_permute2f128_ps(x, x, 1), _mm256_setr_ps(1, 1, 1, 1, -1, -1, -1, -1));
}

// log2(kCount) stages across registers, smallest stride first.
template <int kCount>
QUIVER_AVX2_INLINE void Across(__m256* v) {
#pragma GCC unroll 4
  for (int stride = 1; stride < kCount; stride *= 2)
#pragma GCC unroll 16
    for (int i = 0; i < kCount; i++)
      if ((i & stride) == 0) {
        const __m256 a = v[i];
        const __m256 b = v[i + stride];
        v[i] = _mm256_add_ps(a, b);
        v[i + stride] = _mm256_sub_ps(a, b);
      }
}

// All stages within each block of 8 * kCount components.
template <int kCount>
QUIVER_AVX2_INLINE void Blocks(float* x, size_t n, __m256 scale) {
  for (size_t base = 0; base < n; base += 8 * kCount) {
    __m256 v[kCount];
#pragma GCC unroll 8
    for (int i = 0; i < kCount; i++) v[i] = InRegister(_mm256_loadu_ps(x + base + 8 * i));
    Across<kCount>(v);
#pragma GCC unroll 8
    for (int i = 0; i < kCount; i++) _mm256_storeu_ps(x + base + 8 * i, _mm256_mul_ps(v[i], scale));
  }
}

// The stages of strides stride, 2 * stride, ... kCount / 2 * stride.
template <int kCount>
QUIVER_AVX2_INLINE void Stages(float* x, size_t n, size_t stride, __m256 scale) {
  for (size_t base = 0; base < n; base += kCount * stride)
    for (size_t offset = base; offset < base + stride; offset += 8) {
      __m256 v[kCount];
#pragma GCC unroll 8
      for (int i = 0; i < kCount; i++) v[i] = _mm256_loadu_ps(x + offset + i * stride);
      Across<kCount>(v);
#pragma GCC unroll 8
      for (int i = 0; i < kCount; i++)
        _mm256_storeu_ps(x + offset + i * stride, _mm256_mul_ps(v[i], scale));
    }
}

}  // namespace

QUIVER_AVX2 void Hadamard(float* x, size_t n) {
  if (n < 8) {
    scalar::Hadamard(x, n);
    return;
  }
  const __m256 scale = _mm256_set1_ps(HadamardScale(n));
  const __m256 one = _mm256_set1_ps(1.0f);
  switch (n) {
    case 8:
      return Blocks<1>(x, n, scale);
    case 16:
      return Blocks<2>(x, n, scale);
    case 32:
      return Blocks<4>(x, n, scale);
    case 64:
      return Blocks<8>(x, n, scale);
    default:
      break;
  }
  Blocks<8>(x, n, one);
  for (size_t stride = 64; stride < n;) {
    const size_t left = n / stride;
    if (left >= 8) {
      Stages<8>(x, n, stride, left == 8 ? scale : one);
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

}  // namespace quiver::avx2

#endif  // __x86_64__
