// IEEE 754 binary16 in software, the reference of the conversion kernels.
#ifndef QUIVER_BASE_F16_H
#define QUIVER_BASE_F16_H

#include <bit>
#include <cstdint>

namespace quiver {

constexpr uint16_t kF16Infinity = 0x7C00;
constexpr float kF16Max = 65504.0f;

// Exact.  A NaN keeps its payload and becomes quiet.
constexpr float F16ToF32(uint16_t half) {
  const uint32_t sign = static_cast<uint32_t>(half & 0x8000) << 16;
  const uint32_t magnitude = half & 0x7FFF;
  if (magnitude >= 0x7C00) {
    const uint32_t quiet = magnitude > 0x7C00 ? 0x00400000 : 0;
    return std::bit_cast<float>(sign | 0x7F800000 | quiet | (magnitude & 0x3FF) << 13);
  }
  if (magnitude < 0x0400) {  // subnormal: magnitude * 2^-24, exact
    const float value = static_cast<float>(magnitude) * 0x1.0p-24f;
    return sign != 0 ? -value : value;
  }
  return std::bit_cast<float>(sign | ((magnitude << 13) + (112u << 23)));
}

// To nearest, ties to even; overflow gives infinity, a NaN a quiet NaN.
constexpr uint16_t F32ToF16(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  const uint32_t sign = (bits >> 16) & 0x8000;
  const uint32_t magnitude = bits & 0x7FFFFFFF;
  if (magnitude > 0x7F800000)
    return static_cast<uint16_t>(sign | 0x7E00 | ((magnitude >> 13) & 0x3FF));
  if (magnitude >= 0x47800000) return static_cast<uint16_t>(sign | kF16Infinity);
  if (magnitude >= 0x38800000) {  // normal; the carry of the rounding may reach the exponent
    const uint32_t rounded = magnitude + 0xFFF + ((magnitude >> 13) & 1);
    return static_cast<uint16_t>(sign | ((rounded - (112u << 23)) >> 13));
  }
  if (magnitude < 0x33000000) return static_cast<uint16_t>(sign);  // below half the least
  const uint32_t shift = 126 - (magnitude >> 23);                  // 14 .. 24
  const uint32_t mantissa = (magnitude & 0x007FFFFF) | 0x00800000;
  const uint32_t whole = mantissa >> shift;
  const uint32_t rest = mantissa & ((1u << shift) - 1);
  const uint32_t half = 1u << (shift - 1);
  const uint32_t up = rest > half || (rest == half && (whole & 1) != 0) ? 1 : 0;
  return static_cast<uint16_t>(sign | (whole + up));
}

}  // namespace quiver

#endif  // QUIVER_BASE_F16_H
