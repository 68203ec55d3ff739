// Every row is found exactly once, whatever the metric, dimension, storage and order.
#include <cmath>

#include "graph/index_testing.h"
#include "page/list_page.h"

namespace quiver::fakes {
namespace {

constexpr QuiverMetric kMetrics[] = {QUIVER_METRIC_L2, QUIVER_METRIC_IP, QUIVER_METRIC_COSINE};

// Vectors with a zero vector every 10th and a NULL every 11th row.
std::vector<Vector> MixedRows(uint64_t seed, size_t count, uint32_t dim) {
  std::vector<Vector> rows = GaussianVectors(seed, count, dim);
  for (size_t i = 0; i < count; i++) {
    if (i % 11 == 10)
      rows[i].clear();
    else if (i % 10 == 9)
      rows[i].assign(dim, 0.0f);
  }
  return rows;
}

void ExpectAllFound(MemoryIndex* index, size_t count, const Vector& query,
                    const std::string& what) {
  const std::vector<uint32_t> rows = RowsUpTo(static_cast<uint32_t>(count));
  const std::vector<Hit> hits = index->Search(query, OptionsOf(10));
  ExpectRowsOnce(hits, rows, what + ", relaxed");
  ExpectKindsInOrder(hits, what + ", relaxed");
  const std::vector<Hit> all = index->Everything();
  ExpectRowsOnce(all, rows, what + ", without order");
  ExpectKindsInOrder(all, what + ", without order");
}

// Incremental, the list leaving early, so that list and graph are both used.
TEST(Rows, EveryRowOnceForAllShapes) {
  const uint64_t seed = 11;
  printf("seed %lu\n", seed);
  for (const QuiverMetric metric : kMetrics) {
    for (const uint32_t dim : {1u, 2u, 3u, 7u, 100u, 768u, 1500u}) {
      for (const QuiverStorage storage : {QUIVER_STORAGE_FLOAT16, QUIVER_STORAGE_FLOAT32}) {
        const QuiverIndexParams params = ParamsOf(dim, metric, 16, storage);
        const size_t count = 150;
        const std::string what =
            NameOf(metric) + ", " + std::to_string(dim) + " dimensions, " + std::to_string(storage);
        MemoryIndex index(params);
        index.SetListLimit(1);
        index.InsertAll(MixedRows(seed, count, dim));
        ExpectAllFound(&index, count, GaussianVectors(seed + 1, 1, dim)[0], what);
      }
    }
  }
}

TEST(Rows, EveryRowOnceForLeastAndMostNeighbors) {
  const uint64_t seed = 12;
  printf("seed %lu\n", seed);
  for (const int m : {2, 16, 100}) {
    MemoryIndex index(ParamsOf(24, QUIVER_METRIC_L2, m));
    index.SetListLimit(1);
    index.InsertAll(MixedRows(seed, 600, 24));
    ExpectAllFound(&index, 600, GaussianVectors(seed + 1, 1, 24)[0], "m " + std::to_string(m));
  }
}

// A build and the same rows one by one hold the same rows, with the same distances.
TEST(Rows, BuildAndInsertAgree) {
  const uint64_t seed = 16;
  printf("seed %lu\n", seed);
  for (const QuiverMetric metric : kMetrics) {
    const std::vector<Vector> rows = MixedRows(seed, 800, 768);
    MemoryIndex built(ParamsOf(768, metric), rows);
    MemoryIndex grown(ParamsOf(768, metric));
    grown.InsertAll(rows);
    const Vector query = GaussianVectors(seed + 1, 1, 768)[0];
    std::map<uint32_t, double> distances;
    const std::vector<Hit> hits = built.Search(query, OptionsOf(10));
    ExpectRowsOnce(hits, RowsUpTo(800), NameOf(metric) + ", built");
    for (const Hit& hit : hits) distances[hit.row] = hit.distance;
    const std::vector<Hit> others = grown.Search(query, OptionsOf(10));
    ExpectRowsOnce(others, RowsUpTo(800), NameOf(metric) + ", grown");
    for (const Hit& hit : others) EXPECT_EQ(hit.distance, distances[hit.row]) << hit.row;
    // Both have left the list behind: the test is about graphs.
    EXPECT_EQ(built.partition().state, PartitionState::kGraph);
    EXPECT_NE(grown.partition().state, PartitionState::kList);
  }
}

// Stored distances differ from exact ones by float16's rounding: 2^-11 relative to
// the vectors' lengths at worst, far less on average; 1e-3 of the lengths is allowed.
TEST(Rows, DistancesAreTheOperators) {
  for (const QuiverMetric metric : kMetrics) {
    const std::vector<Vector> rows = GaussianVectors(17, 500, 40);
    MemoryIndex index(ParamsOf(40, metric, 16, QUIVER_STORAGE_FLOAT16));
    index.SetListLimit(1);
    index.InsertAll(rows);
    const Vector query = GaussianVectors(18, 1, 40)[0];
    const double tolerance = metric == QUIVER_METRIC_COSINE ? 1e-3 : 1e-3 * 40;
    for (const Hit& hit : index.Search(query, OptionsOf()))
      EXPECT_NEAR(hit.distance, ExactDistance(metric, rows[hit.row], query), tolerance)
          << NameOf(metric);
  }
}

// Strict order never goes back, and counts what it leaves out.
TEST(Rows, StrictOrderAscendsAndCountsTheDropped) {
  MemoryIndex index(ParamsOf(16));
  index.SetListLimit(1);
  index.InsertAll(GaussianVectors(19, 1500, 16));
  const Vector query = GaussianVectors(20, 1, 16)[0];
  Cursor cursor(index.file(), index.index(), OptionsOf(10, QUIVER_ITERATIVE_STRICT), &query);
  double last = -1;
  uint64_t count = 0;
  while (const std::optional<Hit> hit = cursor.Next()) {
    EXPECT_GE(hit->distance, last);
    last = hit->distance;
    count++;
  }
  EXPECT_EQ(cursor.error(), std::nullopt) << Describe(cursor.error());
  EXPECT_EQ(count + cursor.stats().dropped, 1500u);
  EXPECT_GT(count, 100u);
}

// Off: the list and one beam, then the end.
TEST(Rows, OffEndsAfterListAndBeam) {
  MemoryIndex index(ParamsOf(16));
  index.SetListLimit(1);
  index.InsertAll(GaussianVectors(21, 1500, 16));
  ASSERT_EQ(index.partition().state, PartitionState::kGraph);
  const Vector query = GaussianVectors(22, 1, 16)[0];
  const size_t found = index.Search(query, OptionsOf(20, QUIVER_ITERATIVE_OFF)).size();
  EXPECT_GE(found, 20u);
  EXPECT_LE(found, 20u * 2);
}

// A scan with little memory sweeps in pieces and still finds every row once.
TEST(Rows, LittleMemoryLosesNothing) {
  MemoryIndex index(ParamsOf(8));
  index.SetListLimit(1);
  index.InsertAll(MixedRows(23, 4000, 8));
  const Vector query = GaussianVectors(24, 1, 8)[0];
  const std::vector<Hit> hits =
      index.Search(query, OptionsOf(40, QUIVER_ITERATIVE_RELAXED, 64 * 1024));
  ExpectRowsOnce(hits, RowsUpTo(4000), "64 kB");
  ExpectKindsInOrder(hits, "64 kB");
}

// max_scan_tuples ends a scan early, but not before as many rows were looked at.
TEST(Rows, ScanEndsAfterMaxScanTuples) {
  MemoryIndex index(ParamsOf(16));
  index.SetListLimit(1);
  index.InsertAll(GaussianVectors(25, 2000, 16));
  QuiverScanOptions options = OptionsOf(10);
  options.max_scan_tuples = 500;
  const size_t found = index.Search(GaussianVectors(26, 1, 16)[0], options).size();
  EXPECT_GE(found, 500u);
  EXPECT_LT(found, 2000u);
}

TEST(Rows, EmptyIndexHasNone) {
  MemoryIndex index(ParamsOf(5));
  EXPECT_TRUE(index.Search(Vector(5, 1.0f), OptionsOf()).empty());
  EXPECT_TRUE(index.Everything().empty());
  EXPECT_EQ(index.Delete([](uint32_t) { return true; }), std::nullopt);
}

// Rows without a distance come last while the list, whose rows are all farther
// than the graph's, still drains.
TEST(Rows, ListRowsComeBeforeRowsWithoutDistance) {
  MemoryIndex index(ParamsOf(4, QUIVER_METRIC_L2, 16, QUIVER_STORAGE_FLOAT32));
  index.SetListLimit(1);
  uint32_t row = 0;
  for (; index.partition().state == PartitionState::kList; row++)
    ASSERT_EQ(index.Insert(row, Vector(4, 1000.0f + static_cast<float>(row))), std::nullopt);
  const uint32_t null_row = row++;
  ASSERT_EQ(index.Insert(null_row, {}), std::nullopt);
  for (int i = 0; i < 3; i++)
    ASSERT_EQ(index.Insert(row++, Vector(4, static_cast<float>(i))), std::nullopt);
  ASSERT_EQ(index.partition().state, PartitionState::kDraining);

  // The far rows that have moved into the graph already go.
  const NodeLayout& layout = index.layout();
  const std::vector<uint8_t> page = index.file()->Copy(index.partition().list_head);
  std::set<uint32_t> left = {null_row, row - 3, row - 2, row - 1};
  for (size_t i = 0; i < ListCount(page.data(), layout); i++)
    left.insert(RowOf(ListAt(page.data(), layout, i)->posting.tid()));
  ASSERT_GT(left.size(), 100u);
  ASSERT_EQ(index.Delete([&](uint32_t r) { return left.count(r) == 0; }), std::nullopt);

  const std::vector<Hit> hits = index.Search(Vector(4, 0.0f), OptionsOf(10));
  ExpectRowsOnce(hits, left, "draining");
  ExpectKindsInOrder(hits, "draining");
}

}  // namespace
}  // namespace quiver::fakes
