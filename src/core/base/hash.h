// The 64-bit hash of bytes.  Part of the on-disk format: fixed for ever, the same on every CPU.
//
// Built on the folded 64 x 64 -> 128 bit product (the idea of wyhash and its
// relatives); the definition here is our own:
//   Mix(a, b)  = low64(a * b) ^ high64(a * b)
//   state      = Mix(seed ^ K0, length ^ K1)
//   each full block of 16 bytes, as two little-endian words x, y:
//                state = Mix(state ^ x ^ K2, rotl(state, 29) + y + K3)
//   the rest (0 .. 15 bytes, zero-padded to 16) likewise, if not empty
//   result     = Mix(state ^ K1, state + K0) ^ state, then the splitmix64 finish
// Not for keys that an adversary may choose freely.
#ifndef QUIVER_BASE_HASH_H
#define QUIVER_BASE_HASH_H

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "base/bits.h"

namespace quiver {

namespace hash_internal {

// The first 256 fractional bits of pi, each made odd.
constexpr uint64_t kK0 = 0x243F6A8885A308D3u;
constexpr uint64_t kK1 = 0x13198A2E03707345u;
constexpr uint64_t kK2 = 0xA4093822299F31D1u;
constexpr uint64_t kK3 = 0x082EFA98EC4E6C89u;

inline uint64_t Mix(uint64_t a, uint64_t b) {
  const auto product = static_cast<unsigned __int128>(a) * b;
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

inline uint64_t Absorb(uint64_t state, const unsigned char* block) {
  return Mix(state ^ LoadLE64(block) ^ kK2, std::rotl(state, 29) + LoadLE64(block + 8) + kK3);
}

}  // namespace hash_internal

// `data` may be null where `bytes` is 0.
inline uint64_t HashBytes(const void* data, size_t bytes, uint64_t seed) {
  using namespace hash_internal;
  const auto* next = static_cast<const unsigned char*>(data);
  uint64_t state = Mix(seed ^ kK0, static_cast<uint64_t>(bytes) ^ kK1);
  for (; bytes >= 16; bytes -= 16, next += 16) state = Absorb(state, next);
  if (bytes != 0) {
    unsigned char last[16] = {};
    memcpy(last, next, bytes);
    state = Absorb(state, last);
  }
  uint64_t z = Mix(state ^ kK1, state + kK0) ^ state;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

}  // namespace quiver

#endif  // QUIVER_BASE_HASH_H
