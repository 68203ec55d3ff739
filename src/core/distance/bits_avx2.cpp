// The AVX2 level: bit strings.
#if defined(__x86_64__)

#include <cstring>

#include "distance/kernel_sets.h"
#include "distance/target_avx2.h"

namespace quiver::avx2 {
namespace {

// The population counts of 32 bytes: nibbles looked up (Mula 2008).
QUIVER_AVX2_INLINE __m256i ByteCounts(__m256i v) {
  const __m256i counts =
      _mm256_broadcastsi128_si256(_mm_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4));
  const __m256i nibble = _mm256_set1_epi8(15);
  const __m256i low = _mm256_shuffle_epi8(counts, _mm256_and_si256(v, nibble));
  const __m256i high =
      _mm256_shuffle_epi8(counts, _mm256_and_si256(_mm256_srli_epi16(v, 4), nibble));
  return _mm256_add_epi8(low, high);
}

// Sums of bytes, as four words.
QUIVER_AVX2_INLINE __m256i SumBytes(__m256i v) {
  return _mm256_sad_epu8(v, _mm256_setzero_si256());
}

QUIVER_AVX2_INLINE __m256i Popcount(__m256i v) {
  return SumBytes(ByteCounts(v));
}

QUIVER_AVX2_INLINE uint64_t SumWords(__m256i v) {
  const __m128i two = _mm_add_epi64(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
  return static_cast<uint64_t>(_mm_cvtsi128_si64(two)) +
         static_cast<uint64_t>(_mm_extract_epi64(two, 1));
}

// Up to 32 bytes, zero-filled.
QUIVER_AVX2_INLINE __m256i Bytes(const uint8_t* p, size_t left) {
  if (left >= 32) return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
  uint8_t padded[32] = {};
  memcpy(padded, p, left);
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(padded));
}

}  // namespace

QUIVER_AVX2 uint64_t Hamming(const uint8_t* a, const uint8_t* b, size_t bytes) {
  __m256i sum = _mm256_setzero_si256();
  for (size_t i = 0; i < bytes; i += 32) {
    const __m256i differ = _mm256_xor_si256(Bytes(a + i, bytes - i), Bytes(b + i, bytes - i));
    sum = _mm256_add_epi64(sum, Popcount(differ));
  }
  return SumWords(sum);
}

QUIVER_AVX2 void Jaccard(const uint8_t* a, const uint8_t* b, size_t bytes, uint64_t* both,
                         uint64_t* either) {
  __m256i in_both = _mm256_setzero_si256();
  __m256i in_either = in_both;
  for (size_t i = 0; i < bytes; i += 32) {
    const __m256i x = Bytes(a + i, bytes - i);
    const __m256i y = Bytes(b + i, bytes - i);
    in_both = _mm256_add_epi64(in_both, Popcount(_mm256_and_si256(x, y)));
    in_either = _mm256_add_epi64(in_either, Popcount(_mm256_or_si256(x, y)));
  }
  *both = SumWords(in_both);
  *either = SumWords(in_either);
}

namespace {

struct Differ {
  QUIVER_AVX2_INLINE __m256i Of(__m256i x, __m256i y) { return _mm256_xor_si256(x, y); }
  QUIVER_AVX2_INLINE uint64_t Of(uint64_t x, uint64_t y) { return x ^ y; }
};
struct Both {
  QUIVER_AVX2_INLINE __m256i Of(__m256i x, __m256i y) { return _mm256_and_si256(x, y); }
  QUIVER_AVX2_INLINE uint64_t Of(uint64_t x, uint64_t y) { return x & y; }
};
struct Either {
  QUIVER_AVX2_INLINE __m256i Of(__m256i x, __m256i y) { return _mm256_or_si256(x, y); }
  QUIVER_AVX2_INLINE uint64_t Of(uint64_t x, uint64_t y) { return x | y; }
};

// A query cut into whole blocks and its last bytes, zero-filled; and which of the
// bytes of a code's last block, read past its end, belong to it.
struct Blocks {
  const uint8_t* query;
  size_t whole;
  bool rest;
  __m256i last;
  __m256i mask;
};

QUIVER_AVX2_INLINE Blocks Cut(const uint8_t* query, size_t bytes) {
  uint8_t ones[32] = {};
  memset(ones, 0xFF, bytes % 32);
  const size_t whole = bytes / 32;
  return {query, whole, bytes % 32 != 0, Bytes(query + 32 * whole, bytes % 32), Bytes(ones, 32)};
}

QUIVER_AVX2_INLINE __m256i Load(const uint8_t* p) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
}

// Lane j: the sum of the four words of sums[j], each below 2^32.
QUIVER_AVX2_INLINE __m128i Sums4(const __m256i* sums) {
  const __m256i ab = _mm256_or_si256(sums[0], _mm256_slli_epi64(sums[1], 32));
  const __m256i cd = _mm256_or_si256(sums[2], _mm256_slli_epi64(sums[3], 32));
  const __m256i abcd =
      _mm256_add_epi32(_mm256_unpacklo_epi64(ab, cd), _mm256_unpackhi_epi64(ab, cd));
  return _mm_add_epi32(_mm256_castsi256_si128(abcd), _mm256_extracti128_si256(abcd, 1));
}

// Ones of four codes, which share the loads of the query.
template <class Operation>
QUIVER_AVX2_INLINE __m128i Four(const Blocks& blocks, const uint8_t* codes, size_t stride) {
  constexpr size_t kTogether = 31;  // so many counts of up to 8 fit a byte
  __m256i sums[4];
  __m256i counts[4];
#pragma GCC unroll 4
  for (size_t j = 0; j < 4; j++) {
    sums[j] = _mm256_setzero_si256();
    counts[j] = sums[j];
    if (blocks.rest) {
      const __m256i y = _mm256_and_si256(blocks.mask, Load(codes + j * stride + 32 * blocks.whole));
      counts[j] = ByteCounts(Operation::Of(blocks.last, y));
    }
  }
  for (size_t i = 0; i < blocks.whole;) {
    const size_t end = blocks.whole - i < kTogether - 1 ? blocks.whole : i + kTogether - 1;
    for (; i < end; i++) {
      const __m256i x = Load(blocks.query + 32 * i);
#pragma GCC unroll 4
      for (size_t j = 0; j < 4; j++) {
        const __m256i y = Load(codes + j * stride + 32 * i);
        counts[j] = _mm256_add_epi8(counts[j], ByteCounts(Operation::Of(x, y)));
      }
    }
#pragma GCC unroll 4
    for (size_t j = 0; j < 4; j++) {
      sums[j] = _mm256_add_epi64(sums[j], SumBytes(counts[j]));
      counts[j] = _mm256_setzero_si256();
    }
  }
#pragma GCC unroll 4
  for (size_t j = 0; j < 4; j++) sums[j] = _mm256_add_epi64(sums[j], SumBytes(counts[j]));
  return Sums4(sums);
}

// Codes of up to sixteen bytes, as one or two words.
template <class Operation>
QUIVER_AVX2_INLINE void ManyWords(const Blocks& blocks, const uint8_t* codes, size_t stride,
                                  size_t count, bool two, uint32_t* out) {
  const auto x = static_cast<uint64_t>(_mm256_extract_epi64(blocks.last, 0));
  const auto x2 = static_cast<uint64_t>(_mm256_extract_epi64(blocks.last, 1));
  const auto mask = static_cast<uint64_t>(_mm256_extract_epi64(blocks.mask, 0));
  const auto mask2 = static_cast<uint64_t>(_mm256_extract_epi64(blocks.mask, 1));
  for (size_t j = 0; j < count; j++) {
    uint64_t y[2] = {};
    memcpy(y, codes + j * stride, two ? 16 : 8);
    uint64_t sum = static_cast<uint64_t>(_mm_popcnt_u64(Operation::Of(x, y[0] & mask)));
    if (two) sum += static_cast<uint64_t>(_mm_popcnt_u64(Operation::Of(x2, y[1] & mask2)));
    out[j] = static_cast<uint32_t>(sum);
  }
}

template <class Operation>
QUIVER_AVX2 void Many(const uint8_t* query, const uint8_t* codes, size_t stride, size_t count,
                      size_t bytes, uint32_t* out) {
  const Blocks blocks = Cut(query, bytes);
  if (bytes <= 8) return ManyWords<Operation>(blocks, codes, stride, count, false, out);
  if (bytes <= 16) return ManyWords<Operation>(blocks, codes, stride, count, true, out);
  size_t j = 0;
  for (; j + 4 <= count; j += 4)
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out + j),
                     Four<Operation>(blocks, codes + j * stride, stride));
  for (; j < count; j++)  // one code four times
    out[j] =
        static_cast<uint32_t>(_mm_cvtsi128_si32(Four<Operation>(blocks, codes + j * stride, 0)));
}

}  // namespace

QUIVER_AVX2 void HammingMany(const uint8_t* query, const uint8_t* codes, size_t stride,
                             size_t count, size_t bytes, uint32_t* out) {
  Many<Differ>(query, codes, stride, count, bytes, out);
}

QUIVER_AVX2 void JaccardMany(const uint8_t* query, const uint8_t* codes, size_t stride,
                             size_t count, size_t bytes, uint32_t* both, uint32_t* either) {
  Many<Both>(query, codes, stride, count, bytes, both);
  Many<Either>(query, codes, stride, count, bytes, either);
}

}  // namespace quiver::avx2

#endif  // __x86_64__
