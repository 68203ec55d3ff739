// Distances and conversions of every level against double precision.
// Sizes 0 .. 130, 384, 768, 784, 1000, 1536, 16000; aligned and not; arrays end
// at an unmapped page, so that reading past them is a fault.
#include <limits>

#include "distance/kernel_testing.h"

namespace quiver::testing {
namespace {

struct Reference {
  double l2sq = 0, ip = 0, l1 = 0, aa = 0, bb = 0;
  double ip_magnitude = 0;

  Reference(const float* a, const float* b, double scale, size_t dim) {
    for (size_t i = 0; i < dim; i++) {
      const double x = a[i];
      const double y = scale * b[i];
      l2sq += (x - y) * (x - y);
      ip += x * y;
      ip_magnitude += std::fabs(x * y);
      l1 += std::fabs(x - y);
      aa += x * x;
      bb += y * y;
    }
  }
};

void CheckFloats(const QuiverKernels* k, const std::vector<float>& a, const std::vector<float>& b,
                 bool exact) {
  const size_t dim = a.size();
  SCOPED_TRACE(::testing::Message() << k->name << " f32 dim " << dim);
  const Guarded<float> x(a);
  const Guarded<float> y(b);
  const Reference want(x.data(), y.data(), 1, dim);
  const auto bound = [&](double magnitude) { return exact ? 0.0 : SumBound(dim, magnitude); };
  EXPECT_NEAR(k->l2sq_f32(x.data(), y.data(), dim), want.l2sq, bound(want.l2sq));
  EXPECT_NEAR(k->ip_f32(x.data(), y.data(), dim), want.ip, bound(want.ip_magnitude));
  EXPECT_NEAR(k->l1_f32(x.data(), y.data(), dim), want.l1, bound(want.l1));
  float out[3];
  k->cosine_f32(x.data(), y.data(), dim, out);
  EXPECT_NEAR(out[0], want.ip, bound(want.ip_magnitude));
  EXPECT_NEAR(out[1], want.aa, bound(want.aa));
  EXPECT_NEAR(out[2], want.bb, bound(want.bb));
}

void CheckHalves(const QuiverKernels* k, const std::vector<float>& a, const std::vector<float>& b,
                 bool exact) {
  const size_t dim = a.size();
  SCOPED_TRACE(::testing::Message() << k->name << " f16 dim " << dim);
  const std::vector<uint16_t> half_a = ToHalves(a);
  const std::vector<uint16_t> half_b = ToHalves(b);
  const Guarded<uint16_t> x(half_a);
  const Guarded<uint16_t> y(half_b);
  const Reference want(ToFloats(half_a).data(), ToFloats(half_b).data(), 1, dim);
  const auto bound = [&](double magnitude) { return exact ? 0.0 : SumBound(dim, magnitude); };
  EXPECT_NEAR(k->l2sq_f16(x.data(), y.data(), dim), want.l2sq, bound(want.l2sq));
  EXPECT_NEAR(k->ip_f16(x.data(), y.data(), dim), want.ip, bound(want.ip_magnitude));
  EXPECT_NEAR(k->l1_f16(x.data(), y.data(), dim), want.l1, bound(want.l1));
  float out[3];
  k->cosine_f16(x.data(), y.data(), dim, out);
  EXPECT_NEAR(out[0], want.ip, bound(want.ip_magnitude));
  EXPECT_NEAR(out[1], want.aa, bound(want.aa));
  EXPECT_NEAR(out[2], want.bb, bound(want.bb));
}

void CheckMixed(const QuiverKernels* k, const std::vector<float>& q, const std::vector<float>& v,
                float scale, bool exact) {
  const size_t dim = q.size();
  SCOPED_TRACE(::testing::Message() << k->name << " mixed dim " << dim << " scale " << scale);
  const std::vector<uint16_t> half = ToHalves(v);
  const Guarded<float> x(q);
  const Guarded<uint16_t> y(half);
  const Reference want(x.data(), ToFloats(half).data(), scale, dim);
  const auto bound = [&](double magnitude) { return exact ? 0.0 : SumBound(dim, magnitude); };
  EXPECT_NEAR(k->l2sq_f32_f16(x.data(), y.data(), scale, dim), want.l2sq, bound(want.l2sq));
  EXPECT_NEAR(k->ip_f32_f16(x.data(), y.data(), scale, dim), want.ip, bound(want.ip_magnitude));
  EXPECT_NEAR(k->l1_f32_f16(x.data(), y.data(), scale, dim), want.l1, bound(want.l1));
}

TEST(DistanceKernels, SmallIntegersAreExact) {
  for (const QuiverKernels* k : Levels())
    for (const size_t dim : Dimensions()) {
      const std::vector<float> a = SmallIntegers(dim, dim, 15);
      const std::vector<float> b = SmallIntegers(dim, dim + 1000, 15);
      CheckFloats(k, a, b, true);
      CheckHalves(k, a, b, true);
      CheckMixed(k, a, b, 1.0f, true);
      CheckMixed(k, a, b, 0.5f, true);
    }
}

TEST(DistanceKernels, RandomValuesAreNearTheReference) {
  for (const QuiverKernels* k : Levels())
    for (const size_t dim : Dimensions()) {
      const std::vector<float> a = RandomFloats(dim, dim);
      const std::vector<float> b = RandomFloats(dim, dim + 1000);
      CheckFloats(k, a, b, false);
      CheckHalves(k, a, b, false);
      CheckMixed(k, a, b, 1.0f, false);
      CheckMixed(k, a, b, 0x1.0p-7f, false);
    }
}

TEST(DistanceKernels, ZerosSubnormalsAndLargeValues) {
  for (const QuiverKernels* k : Levels())
    for (const size_t dim : {1, 7, 16, 33, 100}) {
      CheckFloats(k, std::vector<float>(dim, 0.0f), std::vector<float>(dim, -0.0f), true);
      CheckHalves(k, std::vector<float>(dim, 0.0f), std::vector<float>(dim, -0.0f), true);
      CheckFloats(k, RandomFloats(dim, 1, 1e-40f), RandomFloats(dim, 2, 1e-40f), false);
      CheckFloats(k, RandomFloats(dim, 3, 1e17f), RandomFloats(dim, 4, 1e17f), false);
      CheckHalves(k, RandomFloats(dim, 5, 6e-8f), RandomFloats(dim, 6, 6e-5f), false);
      CheckHalves(k, RandomFloats(dim, 7, 65504.0f), RandomFloats(dim, 8, 65504.0f), false);
      CheckMixed(k, RandomFloats(dim, 9, 1e17f), RandomFloats(dim, 10), 0x1.0p56f, false);
      // A subnormal difference still counts for l1.
      const std::vector<float> tiny(dim, 1e-42f);
      EXPECT_NEAR(k->l1_f32(tiny.data(), std::vector<float>(dim, 0.0f).data(), dim),
                  static_cast<double>(dim) * 1e-42f, static_cast<double>(dim) * 2e-45);
      EXPECT_NEAR(k->l1_f32_f16(tiny.data(), std::vector<uint16_t>(dim, 0x8000).data(), 1, dim),
                  static_cast<double>(dim) * 1e-42f, static_cast<double>(dim) * 2e-45);
    }
}

TEST(DistanceKernels, OverflowIsInfinityAndNanStays) {
  const float inf = std::numeric_limits<float>::infinity();
  for (const QuiverKernels* k : Levels()) {
    SCOPED_TRACE(k->name);
    for (const size_t dim : {1, 9, 40, 100}) {
      std::vector<float> a(dim, 3e38f);
      std::vector<float> b(dim, -3e38f);
      EXPECT_EQ(k->l2sq_f32(a.data(), b.data(), dim), inf);
      EXPECT_EQ(k->ip_f32(a.data(), b.data(), dim), -inf);
      a.back() = std::numeric_limits<float>::quiet_NaN();
      EXPECT_TRUE(std::isnan(k->l2sq_f32(a.data(), b.data(), dim)));
      EXPECT_TRUE(std::isnan(k->l1_f32(a.data(), b.data(), dim)));
      const std::vector<uint16_t> half(dim, 0x7BFF);
      EXPECT_TRUE(std::isnan(k->l1_f32_f16(a.data(), half.data(), 1, dim)));
      EXPECT_EQ(k->l1_f32_f16(b.data(), half.data(), 0x1.0p120f, dim), inf);
    }
  }
}

TEST(DistanceKernels, UnalignedPointers) {
  for (const QuiverKernels* k : Levels())
    for (size_t offset = 0; offset < 16; offset++) {
      SCOPED_TRACE(::testing::Message() << k->name << " offset " << offset);
      const size_t dim = 129;
      const std::vector<float> a = SmallIntegers(dim + 16, 1, 9);
      const std::vector<float> b = SmallIntegers(dim + 16, 2, 9);
      const std::vector<uint16_t> half = ToHalves(b);
      const float* x = a.data() + offset;
      const float* y = b.data() + 15 - offset;
      const Reference want(x, y, 1, dim);
      EXPECT_EQ(k->l2sq_f32(x, y, dim), want.l2sq);
      EXPECT_EQ(k->l2sq_f32_f16(x, half.data() + 15 - offset, 1, dim), want.l2sq);
      EXPECT_EQ(k->ip_f32_f16(x, half.data() + 15 - offset, 1, dim), want.ip);
      EXPECT_EQ(k->l1_f32_f16(x, half.data() + 15 - offset, 1, dim), want.l1);
    }
}

TEST(ConversionKernels, EveryHalfToFloat) {
  std::vector<uint16_t> in(65536);
  for (size_t i = 0; i < in.size(); i++) in[i] = static_cast<uint16_t>(i);
  std::vector<float> out(in.size());
  for (const QuiverKernels* k : Levels()) {
    k->f16_to_f32(in.data(), out.data(), in.size());
    for (size_t i = 0; i < in.size(); i++)
      ASSERT_TRUE(SameBits(out[i], F16ToF32(in[i]))) << k->name << " " << std::hex << i;
  }
}

TEST(ConversionKernels, FloatToHalfRoundsToNearestEven) {
  std::vector<float> in;
  // Around every half and every midpoint of two halves, and random bit patterns.
  for (uint32_t half = 0; half < 0x7C00; half++) {
    const float low = F16ToF32(static_cast<uint16_t>(half));
    const float high = half == 0x7BFF ? 65536.0f : F16ToF32(static_cast<uint16_t>(half + 1));
    const float middle = (low + high) / 2;
    for (const float x : {low, middle, std::nextafterf(middle, 0), std::nextafterf(middle, 1e9f)}) {
      in.push_back(x);
      in.push_back(-x);
    }
  }
  SplitMix64 random(7);
  for (int i = 0; i < 100000; i++) {
    const auto bits = static_cast<uint32_t>(random.Next());
    in.push_back(std::bit_cast<float>(bits));
  }
  std::vector<uint16_t> out(in.size());
  for (const QuiverKernels* k : Levels()) {
    k->f32_to_f16(in.data(), out.data(), in.size());
    for (size_t i = 0; i < in.size(); i++)
      ASSERT_EQ(out[i], F32ToF16(in[i])) << k->name << " " << std::hexfloat << in[i];
  }
}

TEST(ConversionKernels, TailsStayInside) {
  for (const QuiverKernels* k : Levels())
    for (size_t n = 0; n <= 70; n++) {
      const std::vector<float> values = RandomFloats(n, n);
      const Guarded<float> in(values);
      Guarded<uint16_t> halves(n);
      k->f32_to_f16(in.data(), halves.data(), n);
      Guarded<float> back(n);
      k->f16_to_f32(halves.data(), back.data(), n);
      for (size_t i = 0; i < n; i++) {
        ASSERT_EQ(halves[i], F32ToF16(values[i])) << k->name;
        ASSERT_EQ(back[i], F16ToF32(halves[i])) << k->name;
      }
    }
}

}  // namespace
}  // namespace quiver::testing
