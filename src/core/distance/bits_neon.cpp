// The NEON level: bit strings.  Empty where the target is not ARM.
#if defined(__aarch64__)

#include <cstring>

#include "distance/kernel_sets.h"
#include "distance/target_neon.h"

namespace quiver::neon {
namespace {

// Up to 16 bytes, zero-filled.
inline uint8x16_t Bytes(const uint8_t* p, size_t left) {
  if (left >= 16) return vld1q_u8(p);
  uint8_t padded[16] = {};
  memcpy(padded, p, left);
  return vld1q_u8(padded);
}

inline uint32_t Ones(uint8x16_t v) {
  return vaddlvq_u8(vcntq_u8(v));
}

// So many counts of up to 8 may be added in a byte.
constexpr size_t kTogether = 31;

struct Differ {
  static uint8x16_t Of(uint8x16_t x, uint8x16_t y) { return veorq_u8(x, y); }
};
struct Both {
  static uint8x16_t Of(uint8x16_t x, uint8x16_t y) { return vandq_u8(x, y); }
};
struct Either {
  static uint8x16_t Of(uint8x16_t x, uint8x16_t y) { return vorrq_u8(x, y); }
};

// Ones of the first `blocks` blocks of 16 bytes.
template <class Operation>
inline uint32_t Count(const uint8_t* query, const uint8_t* code, size_t blocks) {
  uint32_t sum = 0;
  for (size_t i = 0; i < blocks;) {
    const size_t end = blocks - i < kTogether ? blocks : i + kTogether;
    uint8x16_t counts = vdupq_n_u8(0);
    for (; i < end; i++)
      counts = vaddq_u8(counts,
                        vcntq_u8(Operation::Of(vld1q_u8(query + 16 * i), vld1q_u8(code + 16 * i))));
    sum += vaddlvq_u8(counts);
  }
  return sum;
}

// The end of the query that fills no block, and what of a code's block belongs to it.
struct Tail {
  uint8x16_t query;
  uint8x16_t mask;

  Tail(const uint8_t* from, size_t bytes) : query(Bytes(from, bytes)) {
    uint8_t ones[16] = {};
    memset(ones, 0xFF, bytes);
    mask = vld1q_u8(ones);
  }
};

}  // namespace

uint64_t Hamming(const uint8_t* a, const uint8_t* b, size_t bytes) {
  uint64_t sum = 0;
  for (size_t i = 0; i < bytes; i += 16)
    sum += Ones(veorq_u8(Bytes(a + i, bytes - i), Bytes(b + i, bytes - i)));
  return sum;
}

void Jaccard(const uint8_t* a, const uint8_t* b, size_t bytes, uint64_t* both, uint64_t* either) {
  uint64_t in_both = 0;
  uint64_t in_either = 0;
  for (size_t i = 0; i < bytes; i += 16) {
    const uint8x16_t x = Bytes(a + i, bytes - i);
    const uint8x16_t y = Bytes(b + i, bytes - i);
    in_both += Ones(vandq_u8(x, y));
    in_either += Ones(vorrq_u8(x, y));
  }
  *both = in_both;
  *either = in_either;
}

// A code's last block is read whole, past its end, and cut off.
void HammingMany(const uint8_t* query, const uint8_t* codes, size_t stride, size_t count,
                 size_t bytes, uint32_t* out) {
  const size_t blocks = bytes / 16;
  const Tail tail(query + 16 * blocks, bytes % 16);
  for (size_t j = 0; j < count; j++) {
    const uint8_t* code = codes + j * stride;
    out[j] = Count<Differ>(query, code, blocks);
    if (bytes % 16 != 0)
      out[j] += Ones(veorq_u8(tail.query, vandq_u8(tail.mask, vld1q_u8(code + 16 * blocks))));
  }
}

void JaccardMany(const uint8_t* query, const uint8_t* codes, size_t stride, size_t count,
                 size_t bytes, uint32_t* both, uint32_t* either) {
  const size_t blocks = bytes / 16;
  const Tail tail(query + 16 * blocks, bytes % 16);
  for (size_t j = 0; j < count; j++) {
    const uint8_t* code = codes + j * stride;
    both[j] = Count<Both>(query, code, blocks);
    either[j] = Count<Either>(query, code, blocks);
    if (bytes % 16 != 0) {
      const uint8x16_t last = vandq_u8(tail.mask, vld1q_u8(code + 16 * blocks));
      both[j] += Ones(vandq_u8(tail.query, last));
      either[j] += Ones(vorrq_u8(tail.query, last));
    }
  }
}

}  // namespace quiver::neon

#endif  // __aarch64__
