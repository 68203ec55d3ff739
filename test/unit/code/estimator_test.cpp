// The estimate that search stands on: for stored vectors c, o (residual r, code s)
// and any query q, with a = <s, r>, n2 = <r, r>, g = -2 n2 / a and
// f = n2 - g <s, c - mu>,
//   |q - o|^2 = |q - c|^2 + f + g <s, q - mu>   up to an error of mean zero
// over the rotation, also when <s, q - mu> comes from the quantized query.
#include "code/rotation.h"
#include "distance/kernel_testing.h"

namespace quiver::testing {
namespace {

struct Estimate {
  double error;  // estimate - truth, in units of 2 |r| |q - c|
  double exact;  // the same with the exact <s, q - mu>
};

double L2(const std::vector<float>& a, const std::vector<float>& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); i++) sum += (double{a[i]} - b[i]) * (double{a[i]} - b[i]);
  return sum;
}

// One rotation of fixed vectors.
Estimate EstimateOnce(const QuiverKernels* k, size_t dim, int bits, uint64_t seed) {
  std::vector<float> c = Gaussians(dim, 1);
  std::vector<float> o = Gaussians(dim, 2);
  std::vector<float> q = Gaussians(dim, 3);
  std::vector<float> mu = Gaussians(dim, 4);
  for (size_t i = 0; i < dim; i++) {
    // Uneven axes, an edge shorter than the way to the query, correlated with it.
    const float axis = 1.0f / static_cast<float>(1 + i % 7);
    c[i] = axis * c[i] + 3;
    q[i] = c[i] + axis * q[i];
    o[i] = c[i] + 0.4f * axis * o[i] + 0.3f * (q[i] - c[i]);
    mu[i] = 3 + 0.1f * mu[i];
  }
  std::vector<uint64_t> words(RotationSignWords(dim));
  MakeRotationSigns(seed, dim, words.data());
  for (std::vector<float>* x : {&c, &o, &q, &mu}) Rotate(*k, words.data(), x->data(), dim);

  const size_t bytes = static_cast<size_t>(bits) * ((dim + 7) / 8);
  std::vector<uint8_t> code(bytes + 64);
  QuiverEdgeTerms terms;
  k->encode_edge(c.data(), o.data(), mu.data(), dim, bits, code.data(), &terms);
  const double g = -2.0 * terms.n2 / terms.a;
  const double f = terms.n2 - g * terms.s_c;

  std::vector<float> centred(dim);
  for (size_t i = 0; i < dim; i++) centred[i] = q[i] - mu[i];
  std::vector<int8_t> query((dim + 63) / 64 * 64);
  float step;
  const int32_t sum = k->quantize_i8(centred.data(), dim, query.data(), &step);
  int32_t dot;
  k->code_dots(code.data(), bytes, 1, dim, bits, query.data(), sum, &dot);

  double exact_dot = 0;
  for (size_t i = 0; i < dim; i++) {
    int level = 0;
    for (int plane = 0; plane < bits; plane++)
      level =
          2 * level + ((code[static_cast<size_t>(plane) * ((dim + 7) / 8) + i / 8] >> (i % 8)) & 1);
    exact_dot += (2 * level - ((1 << bits) - 1)) * double{centred[i]};
  }
  const double truth = L2(q, o);
  const double base = L2(q, c);
  const double unit = 2 * std::sqrt(double{terms.n2} * base);
  return {(base + f + g * step * dot - truth) / unit, (base + f + g * exact_dot - truth) / unit};
}

// 300 rotations.  The error's standard deviation is at most 0.8 / sqrt(dim) for
// one bit (less for more), so that of the mean is 17 times less; the margin is
// four of those.
TEST(EstimatorKernel, HasNoBiasOverTheRotation) {
  const QuiverKernels* k = quiver_kernels();
  for (const int bits : {1, 2, 4})
    for (const size_t dim : {100, 128, 384, 784}) {
      SCOPED_TRACE(::testing::Message() << "bits " << bits << " dim " << dim);
      const int rotations = 300;
      double mean = 0, square = 0, quantization = 0;
      for (uint64_t seed = 0; seed < rotations; seed++) {
        const Estimate e = EstimateOnce(k, dim, bits, seed);
        mean += e.error / rotations;
        square += e.error * e.error / rotations;
        quantization += std::pow(e.error - e.exact, 2) / rotations;
      }
      const double deviation = std::sqrt(square);
      const double most = (bits == 1 ? 0.8 : bits == 2 ? 0.4 : 0.12) / std::sqrt(double(dim));
      EXPECT_LT(deviation, most);
      EXPECT_LT(std::fabs(mean), 4 * most / std::sqrt(double{rotations}));
      // Eight bits of query cost little beside the code's own error.
      EXPECT_LT(std::sqrt(quantization), bits == 4 ? 0.5 * most : 0.2 * most);
    }
}

}  // namespace
}  // namespace quiver::testing
