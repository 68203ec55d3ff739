// What is foretold of an index is what a build in memory comes to, for every form.
#include "graph/index_testing.h"

namespace quiver::fakes {
namespace {

uint32_t PagesOf(const QuiverIndexParams& params, const std::vector<Value>& rows) {
  MemoryIndex index(params, rows);
  return index.file()->block_count();
}

void ExpectNear(const QuiverIndexParams& params, const std::vector<Value>& rows, double entries,
                double deviation, double tolerance) {
  const QuiverRowsGuess guess = {static_cast<double>(rows.size()), entries, deviation, false};
  QuiverSizeEstimate estimate;
  ASSERT_TRUE(quiver_estimate_size(&params, &guess, &estimate));
  const double pages = PagesOf(params, rows);
  EXPECT_NEAR(estimate.pages, pages, pages * tolerance)
      << params.dim << " dimensions, form " << params.form << ", " << rows.size() << " rows";
  EXPECT_GE(estimate.memory, pages * kPageBytes * (1 - tolerance));
}

void ExpectNear(const QuiverIndexParams& params, size_t count, double tolerance) {
  ExpectNear(params, RandomValues(params, 77, count), 0, 0, tolerance);
}

TEST(Estimate, OfNoRowsAndOfLists) {
  for (const size_t count : {0u, 1u, 300u}) ExpectNear(ParamsOf(40), count, 0);
  ExpectNear(ParamsOf(256, QUIVER_METRIC_HAMMING), 200, 0);
}

TEST(Estimate, OfGraphs) {
  ExpectNear(ParamsOf(60), 6000, 0.05);
  ExpectNear(ParamsOf(60, QUIVER_METRIC_IP, 30), 6000, 0.05);
  ExpectNear(ParamsOf(60, QUIVER_METRIC_L1), 6000, 0.05);
  ExpectNear(ParamsOf(900, QUIVER_METRIC_COSINE), 700, 0.08);
  ExpectNear(ParamsOf(3000), 300, 0.08);
  ExpectNear(ParamsOf(512, QUIVER_METRIC_JACCARD), 9000, 0.05);
  ExpectNear(ParamsOf(6000, QUIVER_METRIC_HAMMING), 800, 0.05);
}

TEST(Estimate, OfSparseVectors) {
  const QuiverIndexParams params = SparseParamsOf(100000);
  const auto rows = [](const std::vector<uint32_t>& counts) {
    return SparseVectors(78, 3000, 100000, counts, 100);
  };
  ExpectNear(params, rows({30}), 30, 0, 0.05);
  // Far from where one node more would fit a page, which makes the longest a page of their own.
  ExpectNear(params, rows({60, 75, 85, 92, 97, 100, 103, 108, 115, 125, 140}), 100, 21.5, 0.05);
}

TEST(Estimate, OfWhatNoIndexCanHold) {
  QuiverSizeEstimate estimate;
  QuiverIndexParams params = ParamsOf(QUIVER_MAX_DIM + 1);
  const QuiverRowsGuess guess = {1e19, 100, 20, true};
  EXPECT_FALSE(quiver_estimate_size(&params, &guess, &estimate));
  params = ParamsOf(QUIVER_MAX_DIM, QUIVER_METRIC_L2, 100);
  ASSERT_TRUE(quiver_estimate_size(&params, &guess, &estimate));
  EXPECT_GT(estimate.most_nodes, 1e19);
  EXPECT_GT(estimate.memory, 1e19);
}

}  // namespace
}  // namespace quiver::fakes
