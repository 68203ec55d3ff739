// Software binary16 against arithmetic: values by definition, rounding by nearness.
#include "base/f16.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace quiver {
namespace {

TEST(F16, EveryFiniteValueByDefinition) {
  for (uint32_t half = 0; half < 0x7C00; half++) {
    const int exponent = static_cast<int>(half >> 10);
    const int mantissa = static_cast<int>(half & 0x3FF);
    const double want =
        exponent == 0 ? std::ldexp(mantissa, -24) : std::ldexp(1024 + mantissa, exponent - 25);
    EXPECT_EQ(F16ToF32(static_cast<uint16_t>(half)), want);
    EXPECT_EQ(F16ToF32(static_cast<uint16_t>(half | 0x8000)), -want);
    EXPECT_EQ(F32ToF16(static_cast<float>(want)), half);
    EXPECT_EQ(F32ToF16(static_cast<float>(-want)), half | 0x8000);
  }
}

TEST(F16, RoundsToNearestTiesToEven) {
  for (uint32_t half = 0; half < 0x7BFF; half++) {
    const float low = F16ToF32(static_cast<uint16_t>(half));
    const float high = F16ToF32(static_cast<uint16_t>(half + 1));
    const float middle = (low + high) / 2;
    EXPECT_EQ(F32ToF16(middle), half + (half & 1));
    EXPECT_EQ(F32ToF16(std::nextafterf(middle, low)), half);
    EXPECT_EQ(F32ToF16(std::nextafterf(middle, high)), half + 1);
  }
}

TEST(F16, OverflowTinyAndNan) {
  EXPECT_EQ(F32ToF16(kF16Max), 0x7BFF);
  EXPECT_EQ(F32ToF16(65519.996f), 0x7BFF);
  EXPECT_EQ(F32ToF16(65520.0f), kF16Infinity);
  EXPECT_EQ(F32ToF16(-1e38f), kF16Infinity | 0x8000);
  EXPECT_EQ(F32ToF16(std::numeric_limits<float>::infinity()), kF16Infinity);
  EXPECT_EQ(F32ToF16(0x1.0p-25f), 0);
  EXPECT_EQ(F32ToF16(0x1.000002p-25f), 1);
  EXPECT_EQ(F32ToF16(-0x1.0p-30f), 0x8000);
  EXPECT_EQ(F32ToF16(-std::numeric_limits<float>::denorm_min()), 0x8000);
  EXPECT_TRUE(std::isnan(F16ToF32(F32ToF16(std::numeric_limits<float>::quiet_NaN()))));
  EXPECT_TRUE(std::isnan(F16ToF32(0x7C01)));
  EXPECT_TRUE(std::isinf(F16ToF32(kF16Infinity)));
}

}  // namespace
}  // namespace quiver
