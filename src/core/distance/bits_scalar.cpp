// The scalar level: bit strings.
#include <bit>
#include <cstring>

#include "base/bits.h"
#include "distance/kernel_sets.h"

namespace quiver::scalar {
namespace {

// The next up to 8 bytes as a word, zero-filled.
uint64_t Word(const uint8_t* bytes, size_t left) {
  uint8_t padded[8] = {};
  memcpy(padded, bytes, left < 8 ? left : 8);
  return LoadLE64(padded);
}

uint32_t Ones(uint64_t word) {
  return static_cast<uint32_t>(std::popcount(word));
}

// The lowest `bytes` bytes of a word, fewer than 8.
uint64_t LowBytes(size_t bytes) {
  return (uint64_t{1} << (8 * bytes)) - 1;
}

}  // namespace

uint64_t Hamming(const uint8_t* a, const uint8_t* b, size_t bytes) {
  uint64_t sum = 0;
  for (size_t i = 0; i < bytes; i += 8)
    sum += Ones(Word(a + i, bytes - i) ^ Word(b + i, bytes - i));
  return sum;
}

void Jaccard(const uint8_t* a, const uint8_t* b, size_t bytes, uint64_t* both, uint64_t* either) {
  uint64_t in_both = 0;
  uint64_t in_either = 0;
  for (size_t i = 0; i < bytes; i += 8) {
    const uint64_t x = Word(a + i, bytes - i);
    const uint64_t y = Word(b + i, bytes - i);
    in_both += Ones(x & y);
    in_either += Ones(x | y);
  }
  *both = in_both;
  *either = in_either;
}

// A code's last word is read whole, past its end, and cut off.
void HammingMany(const uint8_t* query, const uint8_t* codes, size_t stride, size_t count,
                 size_t bytes, uint32_t* out) {
  const size_t whole = bytes / 8 * 8;
  const uint64_t rest = LowBytes(bytes - whole);
  const uint64_t last = Word(query + whole, bytes - whole);
  for (size_t j = 0; j < count; j++) {
    const uint8_t* code = codes + j * stride;
    uint32_t sum = 0;
    for (size_t i = 0; i < whole; i += 8) sum += Ones(LoadLE64(query + i) ^ LoadLE64(code + i));
    if (rest != 0) sum += Ones(last ^ (LoadLE64(code + whole) & rest));
    out[j] = sum;
  }
}

void JaccardMany(const uint8_t* query, const uint8_t* codes, size_t stride, size_t count,
                 size_t bytes, uint32_t* both, uint32_t* either) {
  const size_t whole = bytes / 8 * 8;
  const uint64_t rest = LowBytes(bytes - whole);
  const uint64_t last = Word(query + whole, bytes - whole);
  for (size_t j = 0; j < count; j++) {
    const uint8_t* code = codes + j * stride;
    uint32_t in_both = 0;
    uint32_t in_either = 0;
    for (size_t i = 0; i < whole; i += 8) {
      const uint64_t x = LoadLE64(query + i);
      const uint64_t y = LoadLE64(code + i);
      in_both += Ones(x & y);
      in_either += Ones(x | y);
    }
    if (rest != 0) {
      const uint64_t y = LoadLE64(code + whole) & rest;
      in_both += Ones(last & y);
      in_either += Ones(last | y);
    }
    both[j] = in_both;
    either[j] = in_either;
  }
}

}  // namespace quiver::scalar
