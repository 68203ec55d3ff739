// Helpers of the NEON level.  ARMv8's baseline has it all, so no target
// attribute is needed.  Included by the *_neon.cpp files only.
#ifndef QUIVER_DISTANCE_TARGET_NEON_H
#define QUIVER_DISTANCE_TARGET_NEON_H

#include <arm_neon.h>

#include <cstddef>
#include <cstdint>

namespace quiver::neon {

// The first `count` (< 4) of 4 floats, zeros after; reads no further.
static inline float32x4_t LoadFirst(const float* p, size_t count) {
  float padded[4] = {};
  for (size_t i = 0; i < count; i++) padded[i] = p[i];
  return vld1q_f32(padded);
}

static inline float32x4_t LoadUpTo4(const float* p, size_t left) {
  return left >= 4 ? vld1q_f32(p) : LoadFirst(p, left);
}

// (l0 + l2) + (l1 + l3)
static inline float SumLanes(float32x4_t v) {
  const float32x2_t two = vadd_f32(vget_low_f32(v), vget_high_f32(v));
  return vget_lane_f32(two, 0) + vget_lane_f32(two, 1);
}

}  // namespace quiver::neon

#endif  // QUIVER_DISTANCE_TARGET_NEON_H
