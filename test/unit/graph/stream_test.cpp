// Large k: one scan at the default ef_search streams hundreds of rows in good order.
#include "graph/index_testing.h"

namespace quiver::fakes {
namespace {

// The share of the k nearest among the first k rows is at least least[k].
void ExpectStream(const QuiverIndexParams& params, const std::vector<Value>& rows,
                  const std::vector<Value>& queries, bool build,
                  const std::map<size_t, double>& least) {
  MemoryIndex index(params, build ? rows : std::vector<Value>());
  if (!build) {
    index.SetListLimit(1);
    index.InsertAll(rows);
  }
  ASSERT_EQ(index.partition().state, PartitionState::kGraph);
  for (const auto& [k, share] : least) {
    double found = 0;
    uint64_t pages = 0;
    for (const Value& query : queries) {
      const double farthest = NthDistance(params.metric, rows, query, k);
      Cursor cursor(index.file(), index.index(), OptionsOf(40), query);
      for (size_t i = 0; i < k; i++) {
        const std::optional<Hit> hit = cursor.Next();
        ASSERT_TRUE(hit.has_value());
        found += ExactDistance(params.metric, rows[hit->row], query) <= farthest ? 1 : 0;
      }
      pages += cursor.stats().pages;
    }
    const double recall = found / static_cast<double>(k * queries.size());
    printf("%s, %s: recall@%zu %.3f, %.0f of %u pages\n", NameOf(params).c_str(),
           build ? "built" : "grown", k, recall,
           static_cast<double>(pages) / static_cast<double>(queries.size()),
           index.file()->block_count());
    EXPECT_GE(recall, share) << k;
  }
}

TEST(Stream, ManyRowsOfClusteredVectors) {
  const uint64_t seed = 651;
  printf("seed %lu\n", seed);
  std::vector<Vector> rows = ClusteredVectors(seed, 20015, 100, 200, 0.3);
  const std::vector<Vector> queries(rows.end() - 15, rows.end());
  rows.resize(20000);
  ExpectStream(ParamsOf(100), ValuesOf(rows), ValuesOf(queries), true,
               {{100, 0.95}, {1000, 0.975}});
  ExpectStream(ParamsOf(100, QUIVER_METRIC_COSINE), ValuesOf(rows), ValuesOf(queries), false,
               {{100, 0.95}, {1000, 0.97}});
}

// Where the beams would read more pages than the file has, the rows left are looked at before
// those that wait go out; else a twentieth of the first thousand come from farther away.
TEST(Stream, ManyRowsOfASmallFile) {
  const uint64_t seed = 654;
  printf("seed %lu\n", seed);
  std::vector<Vector> rows = ClusteredVectors(seed, 6015, 100, 1000, 0.4);
  const std::vector<Vector> queries(rows.end() - 15, rows.end());
  rows.resize(6000);
  ExpectStream(ParamsOf(100), ValuesOf(rows), ValuesOf(queries), true, {{1000, 0.98}});
}

TEST(Stream, ManyRowsOfBitStrings) {
  const uint64_t seed = 652;
  printf("seed %lu\n", seed);
  std::vector<Value> rows = BitStrings(seed, 5015, 1500, 50, 0.2);
  const std::vector<Value> queries(rows.end() - 15, rows.end());
  rows.resize(5000);
  ExpectStream(ParamsOf(1500, QUIVER_METRIC_JACCARD), rows, queries, true,
               {{100, 0.9}, {1000, 0.9}});
}

TEST(Stream, ManyRowsOfSparseVectors) {
  const uint64_t seed = 653;
  printf("seed %lu\n", seed);
  std::vector<Value> rows = ClusteredSparse(seed, 4015, 30000, 60, 3);
  const std::vector<Value> queries(rows.end() - 15, rows.end());
  rows.resize(4000);
  ExpectStream(SparseParamsOf(30000, QUIVER_METRIC_COSINE), rows, queries, true,
               {{100, 0.9}, {1000, 0.9}});
}

}  // namespace
}  // namespace quiver::fakes
