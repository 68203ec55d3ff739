// The AVX-512 level: bit strings.
#if defined(__x86_64__)

#include "distance/kernel_sets.h"
#include "distance/target_avx512.h"

namespace quiver::avx512 {
namespace {

// Up to 64 bytes, zero-filled.
QUIVER_AVX512_INLINE __m512i Bytes(const uint8_t* p, size_t left) {
  if (left >= 64) return _mm512_loadu_si512(p);
  return _mm512_maskz_loadu_epi8((uint64_t{1} << left) - 1, p);
}

}  // namespace

QUIVER_AVX512 uint64_t Hamming(const uint8_t* a, const uint8_t* b, size_t bytes) {
  __m512i sum = _mm512_setzero_si512();
  for (size_t i = 0; i < bytes; i += 64) {
    const __m512i differ = _mm512_xor_si512(Bytes(a + i, bytes - i), Bytes(b + i, bytes - i));
    sum = _mm512_add_epi64(sum, _mm512_popcnt_epi64(differ));
  }
  return static_cast<uint64_t>(_mm512_reduce_add_epi64(sum));
}

QUIVER_AVX512 void Jaccard(const uint8_t* a, const uint8_t* b, size_t bytes, uint64_t* both,
                           uint64_t* either) {
  __m512i in_both = _mm512_setzero_si512();
  __m512i in_either = in_both;
  for (size_t i = 0; i < bytes; i += 64) {
    const __m512i x = Bytes(a + i, bytes - i);
    const __m512i y = Bytes(b + i, bytes - i);
    in_both = _mm512_add_epi64(in_both, _mm512_popcnt_epi64(_mm512_and_si512(x, y)));
    in_either = _mm512_add_epi64(in_either, _mm512_popcnt_epi64(_mm512_or_si512(x, y)));
  }
  *both = static_cast<uint64_t>(_mm512_reduce_add_epi64(in_both));
  *either = static_cast<uint64_t>(_mm512_reduce_add_epi64(in_either));
}

namespace {

struct Differ {
  QUIVER_AVX512_INLINE __m512i Of(__m512i x, __m512i y) { return _mm512_xor_si512(x, y); }
};
struct Both {
  QUIVER_AVX512_INLINE __m512i Of(__m512i x, __m512i y) { return _mm512_and_si512(x, y); }
};
struct Either {
  QUIVER_AVX512_INLINE __m512i Of(__m512i x, __m512i y) { return _mm512_or_si512(x, y); }
};

// Ones of four codes, which share the query in kChunks registers, the last of which
// has the bytes of `last`.
template <class Operation, size_t kChunks>
QUIVER_AVX512_INLINE __m128i FourOfChunks(const __m512i* query, const uint8_t* codes, size_t stride,
                                          __mmask64 last) {
  __m512i sums[4];
#pragma GCC unroll 4
  for (size_t j = 0; j < 4; j++) {
    const uint8_t* code = codes + j * stride;
    const __m512i end = _mm512_maskz_loadu_epi8(last, code + 64 * (kChunks - 1));
    sums[j] = _mm512_popcnt_epi32(Operation::Of(query[kChunks - 1], end));
#pragma GCC unroll 4
    for (size_t i = 0; i + 1 < kChunks; i++) {
      const __m512i y = _mm512_loadu_si512(code + 64 * i);
      sums[j] = _mm512_add_epi32(sums[j], _mm512_popcnt_epi32(Operation::Of(query[i], y)));
    }
  }
  return SumLanes(Sums4(sums));
}

template <class Operation, size_t kChunks>
QUIVER_AVX512 void ManyOfChunks(const uint8_t* query, const uint8_t* codes, size_t stride,
                                size_t count, size_t bytes, uint32_t* out) {
  const __mmask64 last = ~uint64_t{0} >> (64 * kChunks - bytes);
  __m512i x[kChunks];
  for (size_t i = 0; i + 1 < kChunks; i++) x[i] = _mm512_loadu_si512(query + 64 * i);
  x[kChunks - 1] = _mm512_maskz_loadu_epi8(last, query + 64 * (kChunks - 1));
  size_t j = 0;
  for (; j + 4 <= count; j += 4)
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out + j),
                     FourOfChunks<Operation, kChunks>(x, codes + j * stride, stride, last));
  for (; j < count; j++)  // one code four times
    out[j] = static_cast<uint32_t>(
        _mm_cvtsi128_si32(FourOfChunks<Operation, kChunks>(x, codes + j * stride, 0, last)));
}

template <class Operation>
QUIVER_AVX512 void ManyLong(const uint8_t* query, const uint8_t* codes, size_t stride, size_t count,
                            size_t bytes, uint32_t* out) {
  for (size_t j = 0; j < count; j++) {
    __m512i sum = _mm512_setzero_si512();
    for (size_t i = 0; i < bytes; i += 64) {
      const __m512i y = Bytes(codes + j * stride + i, bytes - i);
      sum =
          _mm512_add_epi32(sum, _mm512_popcnt_epi32(Operation::Of(Bytes(query + i, bytes - i), y)));
    }
    out[j] = static_cast<uint32_t>(_mm512_reduce_add_epi32(sum));
  }
}

template <class Operation>
QUIVER_AVX512 void Many(const uint8_t* query, const uint8_t* codes, size_t stride, size_t count,
                        size_t bytes, uint32_t* out) {
  if (bytes == 0 || bytes > 256)
    ManyLong<Operation>(query, codes, stride, count, bytes, out);
  else if (bytes <= 64)
    ManyOfChunks<Operation, 1>(query, codes, stride, count, bytes, out);
  else if (bytes <= 128)
    ManyOfChunks<Operation, 2>(query, codes, stride, count, bytes, out);
  else if (bytes <= 192)
    ManyOfChunks<Operation, 3>(query, codes, stride, count, bytes, out);
  else
    ManyOfChunks<Operation, 4>(query, codes, stride, count, bytes, out);
}

}  // namespace

QUIVER_AVX512 void HammingMany(const uint8_t* query, const uint8_t* codes, size_t stride,
                               size_t count, size_t bytes, uint32_t* out) {
  Many<Differ>(query, codes, stride, count, bytes, out);
}

QUIVER_AVX512 void JaccardMany(const uint8_t* query, const uint8_t* codes, size_t stride,
                               size_t count, size_t bytes, uint32_t* both, uint32_t* either) {
  Many<Both>(query, codes, stride, count, bytes, both);
  Many<Either>(query, codes, stride, count, bytes, either);
}

}  // namespace quiver::avx512

#endif  // __x86_64__
