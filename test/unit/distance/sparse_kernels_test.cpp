// Sparse vectors: a prepared query of every level, and pairs, against double
// precision; near vectors, full cells, damaged vectors.  Stored arrays and the
// query's memory end at an unmapped page.
#include <algorithm>
#include <map>
#include <set>

#include "distance/kernel_testing.h"
#include "distance/sparse.h"
#include "distance/sparse_query.h"

namespace quiver::testing {
namespace {

struct Sparse {
  std::vector<uint32_t> indices;
  std::vector<float> values;

  size_t count() const { return indices.size(); }
  QuiverSparseVector view() const { return {indices.data(), values.data(), count()}; }
};

// `count` of the dimensions below `dim`.
std::vector<uint32_t> RandomIndices(size_t count, uint32_t dim, uint64_t seed) {
  SplitMix64 random(seed);
  std::set<uint32_t> chosen;
  while (chosen.size() < count) chosen.insert(static_cast<uint32_t>(random.Next() % dim));
  return {chosen.begin(), chosen.end()};
}

Sparse RandomSparse(size_t count, uint32_t dim, uint64_t seed) {
  return {RandomIndices(count, dim, seed), RandomFloats(count, seed + 1)};
}

Sparse SmallSparse(size_t count, uint32_t dim, uint64_t seed) {
  return {RandomIndices(count, dim, seed), SmallIntegers(count, seed + 1, 15)};
}

// A prepared query; reading or writing past its memory is a fault.
class Query {
 public:
  explicit Query(const Sparse& from)
      : memory_((quiver_sparse_query_bytes(from.count()) + 7) / 8),
        query_(quiver_sparse_prepare(memory_.data(), from.indices.data(), from.values.data(),
                                     from.count())) {}
  const QuiverSparseQuery* get() const { return query_; }

 private:
  Guarded<uint64_t> memory_;
  const QuiverSparseQuery* query_;
};

struct Reference {
  double l2sq = 0, ip = 0, l1 = 0, qq = 0, vv = 0;
  double ip_magnitude = 0;

  Reference(const Sparse& q, const Sparse& v) {
    std::map<uint32_t, std::pair<double, double>> both;
    for (size_t i = 0; i < q.count(); i++) both[q.indices[i]].first = q.values[i];
    for (size_t i = 0; i < v.count(); i++) both[v.indices[i]].second = v.values[i];
    for (const auto& [index, pair] : both) {
      const auto [x, y] = pair;
      l2sq += (x - y) * (x - y);
      ip += x * y;
      ip_magnitude += std::fabs(x * y);
      l1 += std::fabs(x - y);
      qq += x * x;
      vv += y * y;
    }
  }
};

void Check(const QuiverKernels* k, const Query& query, const Sparse& q, const Sparse& v,
           bool exact) {
  SCOPED_TRACE(::testing::Message() << k->name << " counts " << q.count() << ", " << v.count());
  const Guarded<uint32_t> indices(v.indices);
  const Guarded<float> values(v.values);
  const Reference want(q, v);
  const auto bound = [&](double magnitude) { return exact ? 0.0 : SumBound(v.count(), magnitude); };
  const QuiverSparseQuery* p = query.get();
  EXPECT_NEAR(k->sparse_l2sq(p, indices.data(), values.data(), v.count()), want.l2sq,
              bound(want.l2sq));
  EXPECT_NEAR(k->sparse_ip(p, indices.data(), values.data(), v.count()), want.ip,
              bound(want.ip_magnitude));
  EXPECT_NEAR(k->sparse_l1(p, indices.data(), values.data(), v.count()), want.l1, bound(want.l1));
  float out[3];
  k->sparse_cosine(p, indices.data(), values.data(), v.count(), out);
  EXPECT_NEAR(out[0], want.ip, bound(want.ip_magnitude));
  EXPECT_NEAR(out[1], want.qq, bound(want.qq));
  EXPECT_NEAR(out[2], want.vv, bound(want.vv));
}

void CheckPair(const Sparse& a, const Sparse& b, bool exact) {
  const Reference want(a, b);
  const auto bound = [&](double magnitude) {
    return exact ? 0.0 : SumBound(16 * (a.count() + b.count()), magnitude);
  };
  EXPECT_NEAR(quiver_sparse_pair_l2sq(a.view(), b.view()), want.l2sq, bound(want.l2sq));
  EXPECT_NEAR(quiver_sparse_pair_ip(a.view(), b.view()), want.ip, bound(want.ip_magnitude));
  EXPECT_NEAR(quiver_sparse_pair_l1(a.view(), b.view()), want.l1, bound(want.l1));
}

std::vector<size_t> Counts() {
  std::vector<size_t> counts;
  for (size_t count = 0; count <= 40; count++) counts.push_back(count);
  for (const size_t count : {63, 64, 65, 100, 127, 200, 255, 256, 257, 700, 16000})
    counts.push_back(count);
  return counts;
}

TEST(SparseKernels, SmallIntegersAreExact) {
  for (const size_t nq : {0, 1, 5, 30, 100, 200, 3000})
    for (const size_t nv : Counts())
      for (const uint32_t vocabulary : {20000u, 1000000000u}) {
        const Sparse q = SmallSparse(nq, vocabulary, nq);
        const Sparse v = SmallSparse(nv, vocabulary, nv + 7);
        const Query query(q);
        for (const QuiverKernels* k : Levels()) Check(k, query, q, v, true);
        CheckPair(q, v, true);
      }
}

TEST(SparseKernels, RandomValuesAreNearTheReference) {
  // From vectors that share nearly all dimensions to such that share none.
  for (const size_t nq : Counts())
    for (const size_t nv : {0, 1, 17, 90, 200, 1000}) {
      const size_t most = std::max(nq, nv);
      for (const size_t dim : {most + 1, 2 * most + 1, 30 * most + 1, size_t{1000000000}}) {
        const Sparse q = RandomSparse(nq, static_cast<uint32_t>(dim), nq);
        const Sparse v = RandomSparse(nv, static_cast<uint32_t>(dim), nv + 7);
        const Query query(q);
        for (const QuiverKernels* k : Levels()) Check(k, query, q, v, false);
        CheckPair(q, v, false);
      }
    }
}

TEST(SparseKernels, AVectorAndItself) {
  for (const size_t count : Counts()) {
    const Sparse q = RandomSparse(count, 1000000000, count);
    const Query query(q);
    for (const QuiverKernels* k : Levels()) {
      SCOPED_TRACE(::testing::Message() << k->name << " " << count);
      EXPECT_EQ(k->sparse_l2sq(query.get(), q.indices.data(), q.values.data(), count), 0);
      EXPECT_EQ(k->sparse_l1(query.get(), q.indices.data(), q.values.data(), count), 0);
    }
    EXPECT_EQ(quiver_sparse_pair_l2sq(q.view(), q.view()), 0);
  }
}

// Distances far below the rounding of the vectors' own lengths.
TEST(SparseKernels, NearVectorsKeepTheirDistance) {
  for (const size_t count : {1, 20, 100, 200, 5000}) {
    const Sparse q = RandomSparse(count, 1000000, count);
    Sparse v = q;
    for (float& x : v.values) x = std::nextafterf(x, 9.0f);
    const Query query(q);
    for (const QuiverKernels* k : Levels()) Check(k, query, q, v, false);
    // Of the query's entries all but the smallest are met.
    Sparse more = q;
    const size_t at = count / 2;
    more.values[at] = 1e-8f;
    Sparse less = more;
    less.indices.erase(less.indices.begin() + static_cast<ptrdiff_t>(at));
    less.values.erase(less.values.begin() + static_cast<ptrdiff_t>(at));
    const Query longer(more);
    const Query shorter(less);
    for (const QuiverKernels* k : Levels()) {
      SCOPED_TRACE(::testing::Message() << k->name << " " << count);
      Check(k, longer, more, less, false);
      Check(k, shorter, less, more, false);
    }
  }
}

TEST(SparseKernels, FirstLastAndNeighbouringDimensions) {
  Sparse q, v;
  for (const uint32_t index : {0u, 1u, 2u, 31u, 32u, 999999998u, 999999999u})
    q.indices.push_back(index);
  v.indices = q.indices;
  q.values = {1, -2, 3, -4, 5, -6, 7};
  v.values = {7, 6, -5, 4, 3, -2, 1};
  const Query query(q);
  for (const QuiverKernels* k : Levels()) Check(k, query, q, v, true);
  v.indices[0] = 3;
  std::sort(v.indices.begin(), v.indices.end());
  for (const QuiverKernels* k : Levels()) Check(k, query, q, v, true);
}

// Dimensions chosen so that a cell would hold more entries than are compared.
TEST(SparseKernels, CrowdedCells) {
  for (const size_t crowd : {3, 4, 5, 6, 40, 300}) {
    const uint32_t shift = Query(RandomSparse(crowd + 10, 1000000, 1)).get()->shift;
    std::set<uint32_t> indices;
    for (uint32_t index = 1; indices.size() < crowd; index++)
      if (SparseCell(index, shift) == 5) indices.insert(index);
    for (uint32_t index = 2; indices.size() < crowd + 10; index += 3)
      if (SparseCell(index, shift) != 5) indices.insert(index);
    Sparse q;
    q.indices.assign(indices.begin(), indices.end());
    q.values = SmallIntegers(q.count(), crowd, 9);
    const Query query(q);
    EXPECT_EQ(query.get()->hashed != 0, crowd <= kCellEntries);
    Sparse v;
    for (size_t i = 0; i < q.count(); i++)
      for (const uint32_t step : {0u, 1u})
        if ((i + step) % 3 != 0 && (v.count() == 0 || v.indices.back() < q.indices[i] + step))
          v.indices.push_back(q.indices[i] + step);
    v.values = SmallIntegers(v.count(), crowd + 1, 9);
    for (const QuiverKernels* k : Levels()) {
      Check(k, query, q, v, true);
      Check(k, query, q, q, true);
      Check(k, query, q, {}, true);
    }
  }
}

TEST(SparseKernels, LargeAndTinyValues) {
  const Sparse q = RandomSparse(50, 1000, 1);
  const Sparse v = RandomSparse(60, 1000, 2);
  for (const float scale : {1e-40f, 1e-20f, 1e17f}) {
    Sparse x = q, y = v;
    for (float& value : x.values) value *= scale;
    for (float& value : y.values) value *= scale;
    const Query query(x);
    for (const QuiverKernels* k : Levels()) Check(k, query, x, y, false);
  }
  Sparse huge = v;
  for (float& value : huge.values) value = 3e38f;
  const Query query(huge);
  for (const QuiverKernels* k : Levels()) {
    const float inf = std::numeric_limits<float>::infinity();
    EXPECT_EQ(k->sparse_l2sq(query.get(), q.indices.data(), q.values.data(), q.count()), inf);
    EXPECT_EQ(k->sparse_l2sq(query.get(), nullptr, nullptr, 0), inf);
    EXPECT_EQ(k->sparse_l1(query.get(), nullptr, nullptr, 0), inf);
    EXPECT_EQ(k->sparse_ip(query.get(), huge.indices.data(), huge.values.data(), huge.count()),
              inf);
  }
}

// Not vectors at all: the result means nothing, but nothing else happens.
TEST(SparseKernels, DamagedVectors) {
  const Sparse q = RandomSparse(100, 1000, 1);
  const Query query(q);
  for (uint64_t seed = 0; seed < 50; seed++) {
    const size_t count = 1 + seed * 7;
    SplitMix64 random(seed);
    std::vector<uint32_t> noise(count);
    for (uint32_t& index : noise)
      index = random.Next() % 3 == 0 ? 0xFFFFFFFFu - static_cast<uint32_t>(random.Next() % 2)
                                     : q.indices[random.Next() % q.count()];
    const Guarded<uint32_t> indices(noise);
    const Guarded<float> values(RandomFloats(count, seed));
    for (const QuiverKernels* k : Levels()) {
      EXPECT_TRUE(std::isfinite(k->sparse_l2sq(query.get(), indices.data(), values.data(), count)));
      EXPECT_TRUE(std::isfinite(k->sparse_ip(query.get(), indices.data(), values.data(), count)));
      EXPECT_TRUE(std::isfinite(k->sparse_l1(query.get(), indices.data(), values.data(), count)));
    }
  }
}

TEST(SparseKernels, AQueryMayBeCopied) {
  const Sparse q = RandomSparse(100, 1000, 1);
  const Sparse v = RandomSparse(100, 1000, 2);
  const size_t bytes = quiver_sparse_query_bytes(q.count());
  std::vector<uint64_t> copy((bytes + 7) / 8);
  {
    const Query query(q);
    memcpy(copy.data(), query.get(), bytes);
  }
  const Query query(q);
  const auto* copied = reinterpret_cast<const QuiverSparseQuery*>(copy.data());
  for (const QuiverKernels* k : Levels())
    EXPECT_TRUE(SameBits(k->sparse_l2sq(copied, v.indices.data(), v.values.data(), v.count()),
                         k->sparse_l2sq(query.get(), v.indices.data(), v.values.data(), v.count())))
        << k->name;
}

}  // namespace
}  // namespace quiver::testing
