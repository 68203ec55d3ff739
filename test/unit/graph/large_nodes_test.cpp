// Nodes larger than a page: every row once, the operator's distances and recall, for
// the dimensions around the sizes where another part leaves the node's page.
#include <cmath>

#include "graph/index_testing.h"
#include "page/chunk.h"

namespace quiver::fakes {
namespace {

struct Shape {
  uint32_t dim;
  int m;
  QuiverStorage storage;
  QuiverMetric metric;
};

class LargeNodes : public ::testing::TestWithParam<Shape> {
 protected:
  static QuiverIndexParams Params() {
    const Shape& shape = GetParam();
    return ParamsOf(shape.dim, shape.metric, shape.m, shape.storage);
  }
};

TEST_P(LargeNodes, RowsDistancesAndRecall) {
  const uint64_t seed = 521;
  printf("seed %lu\n", seed);
  const Shape& shape = GetParam();
  const uint32_t count = shape.m == 100 ? 80 : shape.dim > 5000 ? 120 : 240;
  std::vector<Vector> rows = ClusteredVectors(seed, count + 8, shape.dim, 8, 0.1);
  const std::vector<Vector> queries(rows.end() - 8, rows.end());
  rows.resize(count);
  rows[17] = rows[3];
  const bool half = shape.storage == QUIVER_STORAGE_FLOAT16;
  const double rounding = half ? 0x1p-11 : 0.0;
  const Vector zero(shape.dim, 0.0f);
  for (const bool build : {true, false}) {
    MemoryIndex index(Params(), build ? rows : std::vector<Vector>());
    index.SetListLimit(1);
    if (!build) index.InsertAll(rows);
    EXPECT_EQ(quiver_index_stores_float32(index.index()), !half);
    double found = 0;
    for (const Vector& query : queries) {
      const std::vector<Hit> hits = index.Search(query, OptionsOf(40));
      ExpectRowsOnce(hits, RowsUpTo(count), build ? "built" : "grown");
      const double q = LengthOf(query);
      for (const Hit& hit : hits) {
        const Vector& row = rows[hit.row];
        double tolerance = rounding * LengthOf(row) + 1e-5 * (q + LengthOf(row));
        if (shape.metric == QUIVER_METRIC_COSINE) tolerance = 2 * rounding + 1e-5;
        if (shape.metric == QUIVER_METRIC_L1)
          tolerance = (rounding + 1e-5) * (ExactDistance(shape.metric, row, zero) +
                                           ExactDistance(shape.metric, query, zero));
        ASSERT_NEAR(hit.distance, ExactDistance(shape.metric, row, query), tolerance);
      }
      const std::set<uint32_t> exact = ExactNearest(shape.metric, rows, query, 10);
      for (int i = 0; i < 10; i++) found += exact.count(hits[static_cast<size_t>(i)].row) != 0;
    }
    printf("%s: recall@10 %.3f\n", build ? "built" : "grown", found / 80);
    EXPECT_GE(found / 80, 0.9) << (build ? "built" : "grown");
  }
}

// What the shape says a node's pages are is what a search reads of each.
TEST_P(LargeNodes, ASearchReadsTheNodesPages) {
  const uint32_t count = 60;
  const std::vector<Vector> rows = GaussianVectors(522, count, GetParam().dim);
  MemoryIndex index(Params(), rows);
  QuiverShape shape;
  MemoryStore store(index.file());
  ASSERT_EQ(store.Run([&] { quiver_index_shape(store.callbacks(), index.index(), &shape); }),
            std::nullopt);
  const NodeLayout& layout = index.layout();
  const uint32_t chunks =
      layout.vector_at_home ? 0 : (layout.vector_bytes + kChunkBytes - 1) / kChunkBytes;
  EXPECT_EQ(static_cast<uint32_t>(shape.pages_per_node), 1 + chunks + layout.CodeChunks());
  if (index.partition().state != PartitionState::kGraph || !shape.coded) return;
  Cursor cursor(index.file(), index.index(), OptionsOf(20, QUIVER_ITERATIVE_OFF), &rows[0]);
  while (cursor.Next().has_value()) continue;
  const QuiverScanStats stats = cursor.stats();
  EXPECT_LE(stats.pages,
            4 + (stats.expanded + stats.descended) * static_cast<uint64_t>(shape.pages_per_node));
}

std::vector<Shape> Shapes() {
  std::vector<Shape> shapes;
  for (const uint32_t dim : {2267u, 3072u, 4096u, 8191u, 16000u})
    for (const int m : {2, 16, 100})
      for (const QuiverStorage storage : {QUIVER_STORAGE_FLOAT16, QUIVER_STORAGE_FLOAT32})
        shapes.push_back({dim, m, storage, QUIVER_METRIC_L2});
  shapes.push_back({1500, 16, QUIVER_STORAGE_FLOAT32, QUIVER_METRIC_COSINE});
  shapes.push_back({3072, 16, QUIVER_STORAGE_FLOAT16, QUIVER_METRIC_COSINE});
  shapes.push_back({2000, 16, QUIVER_STORAGE_FLOAT32, QUIVER_METRIC_L1});
  shapes.push_back({5000, 4, QUIVER_STORAGE_FLOAT16, QUIVER_METRIC_L1});
  shapes.push_back({16000, 16, QUIVER_STORAGE_FLOAT32, QUIVER_METRIC_L1});
  return shapes;
}

INSTANTIATE_TEST_SUITE_P(All, LargeNodes, ::testing::ValuesIn(Shapes()),
                         [](const ::testing::TestParamInfo<Shape>& info) {
                           const Shape& shape = info.param;
                           return NameOf(shape.metric) + "_" + std::to_string(shape.dim) + "_m" +
                                  std::to_string(shape.m) +
                                  (shape.storage == QUIVER_STORAGE_FLOAT16 ? "_half" : "_float");
                         });

}  // namespace
}  // namespace quiver::fakes
