// Edge codes: quantized query, dots and encoder of every level, against plain
// definitions in double precision, and the same bits on every level.
#include "distance/kernel_testing.h"

namespace quiver::testing {
namespace {

constexpr size_t kSlack = 64;  // code_dots may read so far past the last code

size_t PlaneBytes(size_t dim) {
  return (dim + 7) / 8;
}
size_t Padded(size_t dim) {
  return (dim + 63) / 64 * 64;
}

// The code's value of component i.
int Decode(const uint8_t* code, size_t dim, int bits, size_t i) {
  int level = 0;
  for (int plane = 0; plane < bits; plane++)
    level =
        2 * level + ((code[static_cast<size_t>(plane) * PlaneBytes(dim) + i / 8] >> (i % 8)) & 1);
  return 2 * level - ((1 << bits) - 1);
}

// Codes with zero bits past dim in every plane; the bytes between codes are noise.
std::vector<uint8_t> RandomCodes(size_t count, size_t stride, size_t dim, int bits, uint64_t seed) {
  std::vector<uint8_t> codes = RandomBytes(count * stride, seed);
  if (dim % 8 != 0)
    for (size_t j = 0; j < count; j++)
      for (int plane = 0; plane < bits; plane++)
        codes[j * stride + (static_cast<size_t>(plane) + 1) * PlaneBytes(dim) - 1] &=
            static_cast<uint8_t>((1u << (dim % 8)) - 1);
  return codes;
}

TEST(QuantizeKernel, RoundsToTheNearestStep) {
  const QuiverKernels* scalar = quiver_kernels_for(QUIVER_SIMD_SCALAR);
  for (const QuiverKernels* k : Levels())
    for (const size_t dim : Dimensions()) {
      SCOPED_TRACE(::testing::Message() << k->name << " " << dim);
      const std::vector<float> values = RandomFloats(dim, dim, 3.0f);
      const Guarded<float> x(values);
      Guarded<int8_t> out(std::vector<int8_t>(Padded(dim), 99));
      float step;
      const int32_t sum = k->quantize_i8(x.data(), dim, out.data(), &step);
      float largest = 0;
      int32_t want_sum = 0;
      for (const float v : values) largest = std::max(largest, std::fabs(v));
      EXPECT_FLOAT_EQ(step, dim == 0 ? 1.0f : largest / 127);
      for (size_t i = 0; i < dim; i++) {
        ASSERT_NEAR(out[i] * double{step}, values[i], step * 0.50001);
        want_sum += out[i];
      }
      for (size_t i = dim; i < out.size(); i++) ASSERT_EQ(out[i], 0);
      EXPECT_EQ(sum, want_sum);

      std::vector<int8_t> scalar_out(Padded(dim));
      float scalar_step;
      scalar->quantize_i8(values.data(), dim, scalar_out.data(), &scalar_step);
      EXPECT_TRUE(SameBits(step, scalar_step));
      for (size_t i = 0; i < out.size(); i++) ASSERT_EQ(out[i], scalar_out[i]);
    }
}

TEST(QuantizeKernel, ZeroTinyAndHugeQueries) {
  for (const QuiverKernels* k : Levels())
    for (const float scale : {0.0f, 1e-44f, 1e-37f, 1e-35f, 1e38f}) {
      SCOPED_TRACE(::testing::Message() << k->name << " " << scale);
      const size_t dim = 77;
      std::vector<float> x(dim, scale);
      x[3] = -scale;
      std::vector<int8_t> out(Padded(dim), 99);
      float step;
      const int32_t sum = k->quantize_i8(x.data(), dim, out.data(), &step);
      if (scale < 1e-36f) {
        EXPECT_EQ(step, 1.0f);
        EXPECT_EQ(sum, 0);
        EXPECT_EQ(out[0], 0);
      } else {
        EXPECT_FLOAT_EQ(step, scale / 127);
        EXPECT_EQ(sum, 127 * (static_cast<int>(dim) - 2));
        EXPECT_EQ(out[0], 127);
        EXPECT_EQ(out[3], -127);
      }
    }
}

TEST(CodeDotsKernel, EqualsTheDecodedProduct) {
  for (const QuiverKernels* k : Levels())
    for (const int bits : {1, 2, 4})
      for (const size_t dim : Dimensions()) {
        const size_t count = dim % 37 == 36 ? 37 : dim % 37;  // 0 .. 37 codes
        const size_t stride = static_cast<size_t>(bits) * PlaneBytes(dim) + dim % 3;
        const std::vector<uint8_t> noise = RandomCodes(count, stride, dim, bits, dim);
        const Guarded<uint8_t> codes(noise, kSlack);
        memset(const_cast<uint8_t*>(codes.data()) + codes.size(), 0xFF, kSlack);
        std::vector<int8_t> query(Padded(dim));
        const std::vector<float> x = RandomFloats(dim, dim + 1);
        float step;
        const int32_t sum = k->quantize_i8(x.data(), dim, query.data(), &step);
        const Guarded<int8_t> q(query);
        Guarded<int32_t> dots(count);
        k->code_dots(codes.data(), stride, count, dim, bits, q.data(), sum, dots.data());
        for (size_t j = 0; j < count; j++) {
          int32_t want = 0;
          for (size_t i = 0; i < dim; i++)
            want += Decode(noise.data() + j * stride, dim, bits, i) * query[i];
          ASSERT_EQ(dots[j], want)
              << k->name << " bits " << bits << " dim " << dim << " code " << j;
        }
      }
}

TEST(CodeDotsKernel, EveryCount) {
  for (const QuiverKernels* k : Levels())
    for (const int bits : {1, 2, 4})
      for (size_t count = 0; count <= 40; count++) {
        const size_t dim = 100;
        const size_t stride = static_cast<size_t>(bits) * PlaneBytes(dim);
        const std::vector<uint8_t> noise = RandomCodes(count, stride, dim, bits, count);
        const Guarded<uint8_t> codes(noise, kSlack);
        std::vector<int8_t> query(Padded(dim));
        float step;
        const int32_t sum =
            k->quantize_i8(RandomFloats(dim, count).data(), dim, query.data(), &step);
        Guarded<int32_t> dots(count);
        k->code_dots(codes.data(), stride, count, dim, bits, query.data(), sum, dots.data());
        for (size_t j = 0; j < count; j++) {
          int32_t want = 0;
          for (size_t i = 0; i < dim; i++)
            want += Decode(noise.data() + j * stride, dim, bits, i) * query[i];
          ASSERT_EQ(dots[j], want) << k->name << " bits " << bits << " count " << count;
        }
      }
}

// The largest sums there are: no intermediate may saturate.
TEST(CodeDotsKernel, ExtremesDoNotSaturate) {
  for (const QuiverKernels* k : Levels())
    for (const int bits : {1, 2, 4})
      for (const size_t dim : {64, 100, 1536, 16000})
        for (const int8_t value : {int8_t{127}, int8_t{-127}})
          for (const uint8_t fill : {uint8_t{0}, uint8_t{0xFF}}) {
            const size_t stride = static_cast<size_t>(bits) * PlaneBytes(dim);
            std::vector<uint8_t> codes(4 * stride + kSlack, fill);
            std::vector<int8_t> query(Padded(dim), 0);
            std::fill_n(query.begin(), dim, value);
            const auto sum = static_cast<int32_t>(dim) * value;
            int32_t dots[4];
            k->code_dots(codes.data(), stride, 4, dim, bits, query.data(), sum, dots);
            const int32_t s = fill == 0 ? -((1 << bits) - 1) : (1 << bits) - 1;
            for (const int32_t dot : dots)
              ASSERT_EQ(dot, sum * s) << k->name << " bits " << bits << " dim " << dim;
          }
}

struct Edge {
  std::vector<float> c, o, mu;

  Edge(size_t dim, uint64_t seed, float length)
      : c(RandomFloats(dim, seed)),
        o(RandomFloats(dim, seed + 1)),
        mu(RandomFloats(dim, seed + 2)) {
    for (size_t i = 0; i < dim; i++) {
      // Some components without a residual.
      o[i] = i % 11 == 5 ? c[i] : c[i] + length * o[i];
      mu[i] *= 0.5f;
    }
  }
};

void CheckEdge(const QuiverKernels* k, const Edge& edge, int bits) {
  const size_t dim = edge.c.size();
  SCOPED_TRACE(::testing::Message() << k->name << " bits " << bits << " dim " << dim);
  const Guarded<float> c(edge.c), o(edge.o), mu(edge.mu);
  Guarded<uint8_t> code(std::vector<uint8_t>(static_cast<size_t>(bits) * PlaneBytes(dim), 0xAA));
  QuiverEdgeTerms terms;
  k->encode_edge(c.data(), o.data(), mu.data(), dim, bits, code.data(), &terms);

  double n2 = 0;
  for (size_t i = 0; i < dim; i++) n2 += std::pow(edge.o[i] - edge.c[i], 2);
  const double sigma = std::sqrt(n2 / static_cast<double>(dim));
  const double cell = sigma * (bits == 2 ? 0.9957 : 0.3352);
  const int top = (1 << bits) - 1;
  double a = 0, s_c = 0, s_o = 0, mu_r = 0;
  double a_size = 0, s_c_size = 0, mu_r_size = 0;
  for (size_t i = 0; i < dim; i++) {
    const float r = edge.o[i] - edge.c[i];
    const int s = Decode(code.data(), dim, bits, i);
    if (bits == 1) {
      ASSERT_EQ(s, r < 0 ? -1 : 1);
    } else if (cell > 0) {
      // The level is right, or r lies on the border to it.
      const double level = std::floor(r / cell + (1 << (bits - 1)));
      const double want = 2 * std::min<double>(std::max(level, 0.0), top) - top;
      if (s != want) {
        const double place = r / cell;
        ASSERT_NEAR(place, std::round(place), 1e-4) << "component " << i;
        ASSERT_LE(std::fabs(s - want), 2);
      }
    } else {
      ASSERT_EQ(s, 1);
    }
    const double centred = double{edge.c[i]} - edge.mu[i];
    a += s * double{r};
    a_size += std::fabs(s * double{r});
    s_c += s * centred;
    s_c_size += std::fabs(s * centred);
    s_o += s * (double{edge.o[i]} - edge.mu[i]);
    mu_r += double{edge.mu[i]} * r;
    mu_r_size += std::fabs(double{edge.mu[i]} * r);
  }
  EXPECT_NEAR(terms.n2, n2, SumBound(dim, n2));
  EXPECT_NEAR(terms.a, a, SumBound(dim, a_size));
  EXPECT_NEAR(terms.s_c, s_c, SumBound(dim, s_c_size));
  // o was rounded when it was made, so s_o may differ by that too.
  EXPECT_NEAR(terms.s_o, s_o, SumBound(dim, s_c_size + a_size) * 2);
  EXPECT_NEAR(terms.mu_r, mu_r, SumBound(dim, mu_r_size));
  if (n2 > 0) {
    EXPECT_GT(terms.a, 0);
  }
  for (int plane = 1; dim % 8 != 0 && plane <= bits; plane++)
    EXPECT_EQ(code[static_cast<size_t>(plane) * PlaneBytes(dim) - 1] >> (dim % 8), 0);

  // All levels agree to the bit, in the code and in the terms.
  std::vector<uint8_t> scalar_code(code.size());
  QuiverEdgeTerms scalar_terms;
  quiver_kernels_for(QUIVER_SIMD_SCALAR)
      ->encode_edge(c.data(), o.data(), mu.data(), dim, bits, scalar_code.data(), &scalar_terms);
  for (size_t i = 0; i < code.size(); i++) ASSERT_EQ(code[i], scalar_code[i]) << "byte " << i;
  EXPECT_EQ(memcmp(&terms, &scalar_terms, sizeof terms), 0);
}

TEST(EncodeEdgeKernel, MatchesTheDefinitionOnEveryLevel) {
  for (const QuiverKernels* k : Levels())
    for (const int bits : {1, 2, 4})
      for (const size_t dim : Dimensions()) CheckEdge(k, Edge(dim, dim, 0.3f), bits);
}

TEST(EncodeEdgeKernel, NoResidualLongAndShortEdges) {
  for (const QuiverKernels* k : Levels())
    for (const int bits : {1, 2, 4})
      for (const float length : {0.0f, 1e-6f, 100.0f}) CheckEdge(k, Edge(100, 5, length), bits);
}

TEST(EncodeEdgeKernel, BordersOfCellsAgree) {
  // Few distinct residuals, so that many lie at the borders of cells.
  for (const QuiverKernels* k : Levels())
    for (const int bits : {2, 4})
      for (uint64_t seed = 0; seed < 50; seed++) {
        Edge edge(64, seed, 0);
        edge.c.assign(64, 0.0f);
        edge.mu.assign(64, 0.0f);
        edge.o = SmallIntegers(64, seed, 3);
        CheckEdge(k, edge, bits);
      }
}

// The rule that makes a back-link's code free.
TEST(EncodeEdgeKernel, ComplementCodesTheOppositeResidual) {
  for (const QuiverKernels* k : Levels())
    for (const int bits : {1, 2, 4}) {
      const size_t dim = 120;
      const Edge edge(dim, 3, 0.3f);
      std::vector<uint8_t> code(static_cast<size_t>(bits) * PlaneBytes(dim));
      QuiverEdgeTerms terms;
      k->encode_edge(edge.c.data(), edge.o.data(), edge.mu.data(), dim, bits, code.data(), &terms);
      for (uint8_t& byte : code) byte = static_cast<uint8_t>(~byte);
      double a = 0, s_o = 0;
      for (size_t i = 0; i < dim; i++) {
        const int s = Decode(code.data(), dim, bits, i);
        a += s * (double{edge.c[i]} - edge.o[i]);
        s_o += s * (double{edge.o[i]} - edge.mu[i]);
      }
      EXPECT_NEAR(terms.a, a, 1e-4) << k->name;
      EXPECT_NEAR(-terms.s_o, s_o, 1e-4) << k->name;
    }
}

}  // namespace
}  // namespace quiver::testing
