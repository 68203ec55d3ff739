// The rotation's steps: right against a double-precision reference, and the same
// bits on every level (the stored vectors depend on them).
#include "distance/kernel_testing.h"

namespace quiver::testing {
namespace {

void ExpectSameBits(const std::vector<float>& want, const Guarded<float>& got) {
  for (size_t i = 0; i < want.size(); i++)
    ASSERT_TRUE(SameBits(want[i], got[i])) << "at " << i << ": " << want[i] << " " << got[i];
}

TEST(StepKernels, FlipSigns) {
  for (const QuiverKernels* k : Levels())
    for (const size_t n : Dimensions()) {
      SCOPED_TRACE(::testing::Message() << k->name << " " << n);
      std::vector<float> x = RandomFloats(n, n);
      if (n > 2) x[1] = 0.0f;
      std::vector<uint64_t> words((n + 63) / 64);
      SplitMix64 random(n);
      for (uint64_t& word : words) word = random.Next();
      const Guarded<uint64_t> signs(words);
      Guarded<float> got(x);
      k->flip_signs(got.data(), signs.data(), n);
      for (size_t i = 0; i < n; i++)
        if ((words[i / 64] >> (i % 64)) & 1) x[i] = -x[i];
      ExpectSameBits(x, got);
    }
}

TEST(StepKernels, Butterfly) {
  const QuiverKernels* scalar = quiver_kernels_for(QUIVER_SIMD_SCALAR);
  for (const QuiverKernels* k : Levels())
    for (const size_t n : Dimensions()) {
      SCOPED_TRACE(::testing::Message() << k->name << " " << n);
      const std::vector<float> x = RandomFloats(n, n);
      const std::vector<float> y = RandomFloats(n, n + 1);
      Guarded<float> got_x(x), got_y(y);
      k->butterfly(got_x.data(), got_y.data(), n);
      for (size_t i = 0; i < n; i++) {
        ASSERT_NEAR(got_x[i], (double{x[i]} + y[i]) * std::sqrt(0.5), 3e-7);
        ASSERT_NEAR(got_y[i], (double{x[i]} - y[i]) * std::sqrt(0.5), 3e-7);
      }
      std::vector<float> want_x = x, want_y = y;
      scalar->butterfly(want_x.data(), want_y.data(), n);
      ExpectSameBits(want_x, got_x);
      ExpectSameBits(want_y, got_y);
    }
}

TEST(StepKernels, HadamardIsTheMatrix) {
  for (const QuiverKernels* k : Levels())
    for (size_t n = 1; n <= 512; n *= 2) {
      const std::vector<float> x = RandomFloats(n, n);
      Guarded<float> got(x);
      k->hadamard(got.data(), n);
      for (size_t row = 0; row < n; row++) {
        double sum = 0;
        for (size_t i = 0; i < n; i++) sum += __builtin_parityll(row & i) ? -x[i] : x[i];
        ASSERT_NEAR(got[row], sum / std::sqrt(static_cast<double>(n)), 3e-6)
            << k->name << " " << n << " " << row;
      }
    }
}

TEST(StepKernels, HadamardHasTheSameBitsOnEveryLevel) {
  const QuiverKernels* scalar = quiver_kernels_for(QUIVER_SIMD_SCALAR);
  for (const QuiverKernels* k : Levels()) {
    k->hadamard(nullptr, 0);
    for (size_t n = 1; n <= 8192; n *= 2)
      for (const float scale : {1.0f, 1e-39f, 1e30f}) {
        SCOPED_TRACE(::testing::Message() << k->name << " " << n << " " << scale);
        std::vector<float> x = RandomFloats(n, n, scale);
        Guarded<float> got(x);
        k->hadamard(got.data(), n);
        scalar->hadamard(x.data(), n);
        ExpectSameBits(x, got);
      }
  }
}

}  // namespace
}  // namespace quiver::testing
