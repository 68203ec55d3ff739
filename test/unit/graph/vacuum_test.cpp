// Bulk delete: the rows it is told of go, no other does.
#include "base/random.h"
#include "graph/index_testing.h"

namespace quiver::fakes {
namespace {

// Distinct vectors, duplicates, zero vectors and NULLs, over list and graph.
std::vector<Vector> Mixture(uint64_t seed, size_t count, uint32_t dim) {
  std::vector<Vector> rows = GaussianVectors(seed, count, dim);
  for (size_t i = 0; i < count; i++) {
    if (i % 7 == 3) rows[i] = rows[0];
    if (i % 13 == 5) rows[i].clear();
    if (i % 17 == 6) rows[i].assign(dim, 0.0f);
  }
  return rows;
}

std::vector<uint32_t> Without(uint32_t count, const std::set<uint32_t>& dead) {
  std::vector<uint32_t> rows;
  for (uint32_t i = 0; i < count; i++)
    if (dead.count(i) == 0) rows.push_back(i);
  return rows;
}

// Random subsets, one pass after another, until nothing is left.
TEST(Vacuum, RemovesRandomSubsets) {
  const uint64_t seed = 51;
  printf("seed %lu\n", seed);
  for (const uint32_t list_limit : {1u, 3u, 100u}) {
    SplitMix64 random(seed);
    const uint32_t count = 500;
    MemoryIndex index(ParamsOf(60, QUIVER_METRIC_COSINE));
    index.SetListLimit(list_limit);
    const std::vector<Vector> rows = Mixture(seed, count, 60);
    index.InsertAll(rows);
    std::set<uint32_t> dead;
    for (const double share : {0.1, 0.5, 0.9, 1.0}) {
      const size_t before = dead.size();
      for (uint32_t i = 0; i < count; i++)
        if (random.NextDouble() < share) dead.insert(i);
      QuiverVacuumStats stats = {};
      ASSERT_EQ(index.Delete([&](uint32_t row) { return dead.count(row) != 0; }, &stats),
                std::nullopt);
      EXPECT_EQ(stats.removed, dead.size() - before);
      EXPECT_EQ(stats.remaining, count - dead.size());
      EXPECT_EQ(stats.pages, index.file()->block_count() - 1);
      const std::vector<uint32_t> left = Without(count, dead);
      ExpectRowsOnce(index.Search(GaussianVectors(seed + 1, 1, 60)[0], OptionsOf(10)), left,
                     "by distance");
      ExpectRowsOnce(index.Everything(), left, "without order");
      ExpectSound(&index, "share " + std::to_string(share));
    }
  }
}

// A pass without anything to do writes nothing.
TEST(Vacuum, WritesNoRecordWithoutDeadRows) {
  MemoryIndex index(ParamsOf(60));
  index.SetListLimit(2);
  index.InsertAll(Mixture(52, 300, 60));
  MemoryStore store(index.file());
  QuiverVacuumStats stats = {};
  ASSERT_EQ(index.Delete([](uint32_t) { return false; }, &stats, &store), std::nullopt);
  EXPECT_EQ(store.records(), 0u);
  EXPECT_EQ(stats.remaining, 300u);
}

TEST(Vacuum, DeleteAllThenInsert) {
  for (const uint32_t list_limit : {1u, 100u}) {
    MemoryIndex index(ParamsOf(60));
    index.SetListLimit(list_limit);
    const std::vector<Vector> rows = Mixture(53, 300, 60);
    index.InsertAll(rows);
    ASSERT_EQ(index.Delete([](uint32_t) { return true; }), std::nullopt);
    EXPECT_TRUE(index.Everything().empty());
    EXPECT_TRUE(index.Search(rows[0], OptionsOf()).empty());
    index.InsertAll(rows);
    ExpectRowsOnce(index.Search(rows[0], OptionsOf(10)), RowsUpTo(300), "again");
    ExpectSound(&index, "again");
  }
}

// Each row's verdict is asked for once in a pass; but for those of the page where the
// first node is emptied, which is looked at again after the meta page has said so.
TEST(Vacuum, AsksOnceARow) {
  MemoryIndex index(ParamsOf(60));
  index.SetListLimit(2);
  index.InsertAll(Mixture(54, 300, 60));
  std::map<uint32_t, int> asked;
  ASSERT_EQ(index.Delete([&](uint32_t row) {
    asked[row]++;
    return row % 3 == 0;
  }),
            std::nullopt);
  EXPECT_EQ(asked.size(), 300u);
  int twice = 0;
  for (const auto& [row, times] : asked) {
    EXPECT_LE(times, 2) << row;
    twice += times == 2 ? 1 : 0;
  }
  EXPECT_LE(twice, static_cast<int>(2 * index.layout().nodes_per_page));
}

// Recall among the rows that are left stays within 0.03 of what it was: emptied
// nodes are still routes.  (Measured: it rises, since the beam is unchanged.)
TEST(Vacuum, EmptiedNodesStayRoutes) {
  const std::vector<Vector> rows = ClusteredVectors(55, 3000, 48, 30, 2);
  MemoryIndex index(ParamsOf(48));
  index.SetListLimit(1);
  index.InsertAll(rows);
  const std::vector<Vector> queries = ClusteredVectors(56, 30, 48, 30, 2);
  const double before = Recall(&index, rows, queries, 60);
  ASSERT_EQ(index.Delete([](uint32_t row) { return row >= 1000; }), std::nullopt);
  double found = 0;
  const std::vector<Vector> left(rows.begin(), rows.begin() + 1000);
  for (const Vector& query : queries) {
    const std::set<uint32_t> exact = ExactNearest(QUIVER_METRIC_L2, left, query, 10);
    for (const Hit& hit : index.Search(query, OptionsOf(180), 10))
      found += exact.count(hit.row) != 0 ? 1 : 0;
  }
  EXPECT_GE(found / 300, before - 0.03);
}

}  // namespace
}  // namespace quiver::fakes
