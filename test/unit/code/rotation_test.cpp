// The rotation: orthogonal for every dimension, undone by RotateBack, the same
// bits on every level, fixed for ever, and good at spreading what is concentrated.
#include "code/rotation.h"

#include "base/hash.h"
#include "distance/kernel_testing.h"

namespace quiver::testing {
namespace {

std::vector<uint64_t> Signs(uint64_t seed, size_t dim) {
  std::vector<uint64_t> words(RotationSignWords(dim));
  MakeRotationSigns(seed, dim, words.data());
  return words;
}

std::vector<float> Rotated(const QuiverKernels* k, uint64_t seed, std::vector<float> x) {
  const std::vector<uint64_t> words = Signs(seed, x.size());
  Guarded<float> y(x);
  Rotate(*k, words.data(), y.data(), x.size());
  memcpy(x.data(), y.data(), x.size() * sizeof(float));
  return x;
}

double Dot(const std::vector<float>& a, const std::vector<float>& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); i++) sum += double{a[i]} * b[i];
  return sum;
}

std::vector<size_t> RotationDimensions() {
  std::vector<size_t> dims = Dimensions();
  dims.erase(dims.begin());  // 0 has a test of its own
  return dims;
}

TEST(RotationKernel, KeepsNormsAndProductsAndCanBeUndone) {
  for (const QuiverKernels* k : Levels())
    for (const size_t dim : RotationDimensions()) {
      SCOPED_TRACE(::testing::Message() << k->name << " " << dim);
      const std::vector<float> x = RandomFloats(dim, dim);
      const std::vector<float> y = RandomFloats(dim, dim + 1);
      const std::vector<float> rx = Rotated(k, 7, x);
      const std::vector<float> ry = Rotated(k, 7, y);
      const double norms = std::sqrt(Dot(x, x) * Dot(y, y));
      EXPECT_NEAR(Dot(rx, rx), Dot(x, x), 2e-6 * Dot(x, x));
      EXPECT_NEAR(Dot(rx, ry), Dot(x, y), 2e-6 * norms);
      std::vector<float> back = rx;
      RotateBack(*k, Signs(7, dim).data(), back.data(), dim);
      for (size_t i = 0; i < dim; i++) ASSERT_NEAR(back[i], x[i], 3e-6) << i;
    }
}

// The whole matrix: its columns are orthonormal.
TEST(RotationKernel, TheMatrixIsOrthogonal) {
  const QuiverKernels* k = quiver_kernels();
  for (const size_t dim : {1, 2, 3, 5, 31, 64, 65, 100, 130}) {
    std::vector<std::vector<float>> columns;
    for (size_t i = 0; i < dim; i++) {
      std::vector<float> unit(dim, 0.0f);
      unit[i] = 1;
      columns.push_back(Rotated(k, 11, unit));
    }
    for (size_t i = 0; i < dim; i++)
      for (size_t j = 0; j <= i; j++)
        ASSERT_NEAR(Dot(columns[i], columns[j]), i == j ? 1.0 : 0.0, 1e-6) << dim;
  }
}

TEST(RotationKernel, NothingToDoForNoDimensions) {
  for (const QuiverKernels* k : Levels()) {
    EXPECT_EQ(RotationSignWords(0), 0u);
    MakeRotationSigns(1, 0, nullptr);
    float none;
    Rotate(*k, nullptr, &none, 0);
    RotateBack(*k, nullptr, &none, 0);
  }
}

TEST(RotationKernel, SameBitsOnEveryLevel) {
  const QuiverKernels* scalar = quiver_kernels_for(QUIVER_SIMD_SCALAR);
  for (const QuiverKernels* k : Levels())
    for (const size_t dim : RotationDimensions())
      for (const float scale : {1.0f, 1e-20f}) {
        const std::vector<float> x = RandomFloats(dim, dim, scale);
        const std::vector<float> want = Rotated(scalar, 5, x);
        const std::vector<float> got = Rotated(k, 5, x);
        ASSERT_EQ(memcmp(want.data(), got.data(), dim * sizeof(float)), 0) << k->name << " " << dim;
      }
}

// On disk for ever: a change here breaks every index.
TEST(RotationKernel, FixedResult) {
  for (const QuiverKernels* k : Levels()) {
    uint64_t hash = 0;
    for (const size_t dim : {1, 3, 100, 128, 784, 1536}) {
      const std::vector<float> y = Rotated(k, 12345, RandomFloats(dim, 1));
      hash = HashBytes(y.data(), dim * sizeof(float), hash);
    }
    EXPECT_EQ(hash, 0xDF83423426BBE66Eu) << k->name;
  }
}

// Rotated one-hot and constant vectors look Gaussian from 100 dimensions up,
// hard dimensions (a power of two and a little, 3 * 2^k) included: the kurtosis,
// 3 for a Gaussian, is below 3.2 in the mean and below 10 for each of 100 seeds;
// the largest component stays below twice its usual sqrt(2 ln 2d).
TEST(RotationKernel, SpreadsConcentratedVectors) {
  const QuiverKernels* k = quiver_kernels();
  for (const size_t dim :
       {100, 127, 128, 129, 130, 192, 257, 384, 513, 768, 784, 1000, 1030, 1536}) {
    for (const bool one_hot : {false, true}) {
      SCOPED_TRACE(::testing::Message() << "dim " << dim << (one_hot ? " one-hot" : " constant"));
      double sum = 0;
      const int seeds = 100;
      for (int seed = 0; seed < seeds; seed++) {
        std::vector<float> x(dim, one_hot ? 0.0f : 1.0f);
        if (one_hot) x[static_cast<size_t>(seed) * 7919 % dim] = 1;
        const std::vector<float> y = Rotated(k, static_cast<uint64_t>(seed), x);
        double square = 0, fourth = 0, largest = 0;
        for (const float v : y) {
          square += double{v} * v;
          fourth += std::pow(double{v}, 4);
          largest = std::max(largest, std::fabs(double{v}));
        }
        const auto d = static_cast<double>(dim);
        const double kurtosis = d * fourth / (square * square);
        sum += kurtosis;
        EXPECT_LT(kurtosis, 10);
        EXPECT_LT(largest, 2 * std::sqrt(2 * std::log(2 * d) * square / d));
      }
      EXPECT_LT(sum / seeds, 3.2);
    }
  }
}

}  // namespace
}  // namespace quiver::testing
