// Small integer and bit helpers.
#ifndef QUIVER_BASE_BITS_H
#define QUIVER_BASE_BITS_H

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace quiver {

constexpr size_t DivideUp(size_t value, size_t by) {
  return value / by + (value % by != 0);
}

// `to` is a power of two; wraps where the result has no room.
constexpr size_t AlignUp(size_t value, size_t to) {
  return (value + to - 1) & ~(to - 1);
}

// The largest power of two <= value; 0 for 0.
constexpr size_t FloorPowerOfTwo(size_t value) {
  return std::bit_floor(value);
}

// Little-endian loads and stores at any address: what the on-disk format means by them.
inline uint16_t LoadLE16(const void* from) {
  uint16_t value;
  memcpy(&value, from, sizeof value);
  return std::endian::native == std::endian::little ? value : __builtin_bswap16(value);
}
inline uint32_t LoadLE32(const void* from) {
  uint32_t value;
  memcpy(&value, from, sizeof value);
  return std::endian::native == std::endian::little ? value : __builtin_bswap32(value);
}
inline uint64_t LoadLE64(const void* from) {
  uint64_t value;
  memcpy(&value, from, sizeof value);
  return std::endian::native == std::endian::little ? value : __builtin_bswap64(value);
}

// Bit i of an array of bytes or words, LSB first.
inline bool TestBit(const uint8_t* bits, size_t i) {
  return (bits[i / 8] >> (i % 8)) & 1;
}
inline void SetBit(uint8_t* bits, size_t i) {
  bits[i / 8] = static_cast<uint8_t>(bits[i / 8] | (1u << (i % 8)));
}
inline void ClearBit(uint8_t* bits, size_t i) {
  bits[i / 8] = static_cast<uint8_t>(bits[i / 8] & ~(1u << (i % 8)));
}
inline bool TestBit(const uint64_t* bits, size_t i) {
  return (bits[i / 64] >> (i % 64)) & 1;
}
inline void SetBit(uint64_t* bits, size_t i) {
  bits[i / 64] |= uint64_t{1} << (i % 64);
}
inline void ClearBit(uint64_t* bits, size_t i) {
  bits[i / 64] &= ~(uint64_t{1} << (i % 64));
}

}  // namespace quiver

#endif  // QUIVER_BASE_BITS_H
