// Edges: estimates against exact distances, scales, complements.
#include "graph/edges.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/f16.h"
#include "fakes/memory_index.h"
#include "graph/build.h"

namespace quiver::fakes {
namespace {

Allocator TestAllocator(MemoryStore* store) {
  return {store->callbacks()->context, store->callbacks()->allocate};
}

// A node with neighbours, made without any search.
class OneNode {
 public:
  OneNode(uint32_t dim, uint32_t bits, QuiverMetric metric, const Vector& center)
      : store_(&none_), kernels_(*quiver_kernels()) {
    MetaData meta;
    NodeLayout layout;
    DescribeIndex(ParamsOf(dim, metric, 16, QUIVER_STORAGE_FLOAT32), 0, &meta, &layout);
    EXPECT_TRUE(MakeLayout({dim, QUIVER_FORM_DENSE, Codec::kEdge, bits, 16, 1, true, 0}, &layout_));
    allocator_ = TestAllocator(&store_);
    index_ = MakeIndex(&allocator_, meta, layout_);
    for (uint32_t i = 0; i < dim; i++) index_->center()[i] = center[i];
  }

  Node node() { return Node(page_, layout_, 0); }
  const NodeLayout& layout() const { return layout_; }

  void SetVector(const Vector& vector) {
    memcpy(node().vector(), vector.data(), layout_.vector_bytes);
    node().head().vector_scale = 1;
    own_ = vector;
  }
  QuiverEdgeTerms Add(const Vector& neighbor) {
    std::vector<uint8_t> code(layout_.code_bytes);
    QuiverEdgeTerms terms;
    kernels_.encode_edge(own_.data(), neighbor.data(), index_->center(), layout_.dim,
                         static_cast<int>(layout_.bits), code.data(), &terms);
    const uint8_t slot = node().head().slot_count;
    WriteSlot(layout_, node(), slot, {slot, 1, ForwardFactors(index_->metric, terms), 0});
    memcpy(node().code(slot), code.data(), code.size());
    node().head().slot_count++;
    return terms;
  }
  std::vector<float> Estimate(const Vector& query) {
    QueryMaker maker(&kernels_, index_, &allocator_);
    const Query q = maker.Make(Stored(query));
    std::vector<float> estimates(kMaxSlots);
    EstimateNeighbors(kernels_, *index_, ConstNode(page_, layout_, 0), q,
                      Distance(kernels_, *index_, q, Stored(own_)), estimates.data());
    estimates.resize(node().slot_count());
    return estimates;
  }
  float Exact(const Vector& a, const Vector& b) {
    QueryMaker maker(&kernels_, index_, &allocator_);
    return Distance(kernels_, *index_, maker.Make(Stored(a)), Stored(b));
  }

 private:
  // Vectors here are as stored: not rotated.
  static StoredVector Stored(const Vector& vector) {
    return {reinterpret_cast<const uint8_t*>(vector.data()), 1.0f, 0, 0};
  }

  MemoryFile none_;
  MemoryStore store_;
  const QuiverKernels& kernels_;
  Allocator allocator_;
  NodeLayout layout_;
  QuiverIndex* index_;
  Vector own_;
  alignas(64) uint8_t page_[kPageBytes] = {};
};

Vector Sum(const Vector& a, const Vector& b, float factor) {
  Vector sum(a);
  for (size_t i = 0; i < a.size(); i++) sum[i] += factor * b[i];
  return sum;
}

// The error of <r, y> estimated by a code of b bits is about |r| |y| c_b / sqrt(d)
// (RaBitQ: c_1 = sqrt(pi / 2 - 1) = 0.76; 2 and 4 bits: about 0.36 and 0.11).  Over
// 8 nodes, 16 neighbours and 20 queries the root mean square may exceed that by
// 30 %.  The mean error, whose standard deviation is then 0.05 of the scale, may
// be 0.3 of it.
TEST(Edges, EstimatesAreAsGoodAsTheirBits) {
  const uint32_t dim = 256;
  for (const QuiverMetric metric : {QUIVER_METRIC_L2, QUIVER_METRIC_IP, QUIVER_METRIC_COSINE}) {
    for (const auto& [bits, factor] :
         std::vector<std::pair<uint32_t, double>>{{1, 0.76}, {2, 0.36}, {4, 0.11}}) {
      double square = 0;
      double bias = 0;
      for (uint64_t seed = 200; seed < 208; seed++) {
        const std::vector<Vector> noise = GaussianVectors(seed, 38, dim);
        const Vector& center = noise[37];
        OneNode one(dim, bits, metric, center);
        const Vector own = Sum(center, noise[36], 1);
        one.SetVector(own);
        for (size_t i = 0; i < 16; i++) one.Add(Sum(own, noise[i], 0.5f));
        for (size_t j = 16; j < 36; j++) {
          const Vector query = Sum(center, noise[j], 1);
          const std::vector<float> estimates = one.Estimate(query);
          for (size_t i = 0; i < 16; i++) {
            const double error = double{estimates[i]} - one.Exact(query, Sum(own, noise[i], 0.5f));
            square += error * error;
            bias += error;
          }
        }
      }
      const double count = 8 * 16 * 20;
      // |r| = sqrt(d) / 2; |q - c| = sqrt(2 d), twice; |q'| = sqrt(d), once (inner product).
      const double scale =
          metric == QUIVER_METRIC_IP ? std::sqrt(double{dim}) / 2 : std::sqrt(2.0 * dim);
      EXPECT_LT(std::sqrt(square / count), 1.3 * factor * scale) << bits << " bits";
      EXPECT_LT(std::fabs(bias / count), 0.3 * factor * scale) << bits << " bits";
    }
  }
}

// Within a tenth of the true length in 256 dimensions, within a quarter in 24; a vector's
// copy beside it (no length) counts as short.
TEST(Edges, ShortEdgeFromTheFactors) {
  for (const uint32_t dim : {24u, 256u}) {
    for (const uint32_t bits : {1u, 2u, 4u}) {
      const std::vector<Vector> noise = GaussianVectors(220 + dim, 18, dim);
      OneNode one(dim, bits, QUIVER_METRIC_L2, noise[17]);
      EXPECT_EQ(ShortEdge(one.layout(), ConstNode(one.node().bytes(), one.layout())), 0);
      one.SetVector(noise[16]);
      std::vector<float> squares;
      for (size_t i = 0; i < 15; i++) {
        const Vector neighbor = Sum(noise[16], noise[i], static_cast<float>(i) / 10);
        one.Add(neighbor);
        squares.push_back(one.Exact(neighbor, noise[16]));
      }
      std::sort(squares.begin(), squares.end());
      const float shorter = ShortEdge(one.layout(), ConstNode(one.node().bytes(), one.layout()));
      EXPECT_NEAR(shorter / squares[3], 1, dim == 256 ? 0.1 : 0.25) << dim << ", " << bits;
    }
  }
}

// The code of o -> c is the complement of c -> o, and estimates from the other side.
TEST(Edges, ComplementIsTheBackEdge) {
  for (const uint32_t dim : {61u, 64u, 100u}) {
    for (const uint32_t bits : {1u, 2u, 4u}) {
      for (const QuiverMetric metric : {QUIVER_METRIC_L2, QUIVER_METRIC_IP}) {
        const std::vector<Vector> v = GaussianVectors(210 + dim, 3, dim);
        OneNode there(dim, bits, metric, v[2]);
        OneNode back(dim, bits, metric, v[2]);
        there.SetVector(v[0]);
        const QuiverEdgeTerms terms = there.Add(v[1]);
        std::vector<uint8_t> code(there.layout().code_bytes);
        ComplementCode(there.layout(), there.node().code(0), code.data());
        // Bits past the dimension stay zero in every plane.
        const uint32_t plane = (dim + 7) / 8;
        for (uint32_t b = 0; b < bits; b++) {
          if (dim % 8 != 0) {
            EXPECT_EQ(code[(b + 1) * plane - 1] >> (dim % 8), 0);
          }
        }
        back.SetVector(v[1]);
        WriteSlot(back.layout(), back.node(), 0, {0, 1, BackwardFactors(metric, terms), 0});
        memcpy(back.node().code(0), code.data(), code.size());
        back.node().head().slot_count = 1;
        // Encoding the other way round gives the same but for components at a
        // boundary of the quantizer: there are none in random data.
        OneNode direct(dim, bits, metric, v[2]);
        direct.SetVector(v[1]);
        direct.Add(v[0]);
        const Vector query = GaussianVectors(220, 1, dim)[0];
        const float expected = direct.Estimate(query)[0];
        EXPECT_NEAR(back.Estimate(query)[0], expected, 0.01f * std::fabs(expected) + 0.5f)
            << dim << " dimensions, " << bits << " bits";
      }
    }
  }
}

// A factor that float16 cannot hold under the present scale widens it, and the
// slots written before keep their estimates, up to rounding.
TEST(Edges, ScalesGrowWhereAFactorOverflows) {
  const uint32_t dim = 64;
  OneNode one(dim, 2, QUIVER_METRIC_L2, Vector(dim, 0.0f));
  const std::vector<Vector> v = GaussianVectors(230, 4, dim);
  one.SetVector(v[0]);
  one.Add(Sum(v[0], v[1], 0.01f));
  const float before = one.Estimate(v[3])[0];
  const float scale = one.node().head().f_scale;
  one.Add(Sum(v[0], v[2], 10000.0f));
  EXPECT_GT(one.node().head().f_scale, scale);
  EXPECT_NEAR(one.Estimate(v[3])[0], before, 0.05f * std::fabs(before));
  const float far = one.Exact(v[3], Sum(v[0], v[2], 10000.0f));
  EXPECT_NEAR(one.Estimate(v[3])[1], far, 0.3f * far);
  EXPECT_TRUE(std::isfinite(one.node().head().f_scale));
}

// A neighbour at distance 0 says nothing of the others' magnitude.
TEST(Edges, ZeroFirstLeavesRoomForSmallOnes) {
  const uint32_t dim = 64;
  OneNode one(dim, 2, QUIVER_METRIC_L2, Vector(dim, 0.0f));
  Vector own(dim, 0.0f);
  one.SetVector(own);
  one.Add(own);
  const Vector direction = GaussianVectors(231, 1, dim)[0];
  one.Add(Sum(own, direction, 1e-6f));
  const Vector query = Sum(own, direction, -3e-6f);
  const float exact = one.Exact(query, Sum(own, direction, 1e-6f));
  EXPECT_NEAR(one.Estimate(query)[1], exact, 0.3f * exact);
}

}  // namespace
}  // namespace quiver::fakes
