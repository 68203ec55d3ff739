// A scan with a bound: the rows within it, none surely beyond, and an early end.
#include <cmath>

#include "graph/index_testing.h"
#include "page/list_page.h"

namespace quiver::fakes {
namespace {

struct Shape {
  QuiverIndexParams params;
  double slack;  // of what distances may be off by, in the operator's unit
};

// Clustered values of the form.
std::vector<Value> Clustered(const QuiverIndexParams& params, uint64_t seed, size_t count) {
  switch (params.form) {
    case QUIVER_FORM_BITS:
      return BitStrings(seed, count, params.dim, 20, 0.1);
    case QUIVER_FORM_SPARSE:
      return ClusteredSparse(seed, count, params.dim, 60, 20);
    case QUIVER_FORM_DENSE:
      break;
  }
  return ValuesOf(ClusteredVectors(seed, count, params.dim, 20, 0.3));
}

class ScanBound : public ::testing::TestWithParam<Shape> {
 protected:
  const QuiverIndexParams& params() const { return GetParam().params; }

  static QuiverScanOptions Within(double bound, int ef, bool exact = false) {
    QuiverScanOptions options = OptionsOf(ef);
    options.bound = bound;
    options.exact_order = exact;
    return options;
  }
  // The distance that `k` rows are within, halfway to the next.
  double BoundOf(const std::vector<Value>& rows, const Value& query, size_t k) const {
    return (NthDistance(params().metric, rows, query, k) +
            NthDistance(params().metric, rows, query, k + 1)) /
           2;
  }
  // How many of the rows within were found; that no other was far beyond.
  size_t CountWithin(const std::vector<Hit>& hits, const std::vector<Value>& rows,
                     const Value& query, double bound) const {
    size_t within = 0;
    std::set<uint32_t> once;
    for (const Hit& hit : hits) {
      EXPECT_TRUE(once.insert(hit.row).second) << "row " << hit.row;
      EXPECT_EQ(hit.kind, QUIVER_ROW_DISTANCE);
      const double distance = ExactDistance(params().metric, rows[hit.row], query);
      within += distance <= bound ? 1 : 0;
      EXPECT_LE(distance, bound + GetParam().slack) << NameOf(params());
    }
    return within;
  }
};

TEST_P(ScanBound, RowsWithinAreFoundAndTheScanEndsEarly) {
  const uint64_t seed = 631;
  printf("seed %lu\n", seed);
  std::vector<Value> rows = Clustered(params(), seed, params().dim == 2400 ? 930 : 2530);
  const std::vector<Value> queries(rows.end() - 30, rows.end());
  rows.resize(rows.size() - 30);
  rows[7] = {};
  MemoryIndex index(params(), rows);
  ASSERT_EQ(index.partition().state, PartitionState::kGraph);
  for (const bool exact : {false, true}) {
    size_t expected = 0;
    size_t found = 0;
    uint64_t pages = 0;
    for (const Value& query : queries) {
      const double bound = BoundOf(rows, query, 30);
      for (const Value& row : rows)
        expected += !row.is_null() && ExactDistance(params().metric, row, query) <= bound ? 1 : 0;
      Cursor cursor(index.file(), index.index(), Within(bound, 60, exact), query);
      std::vector<Hit> hits;
      while (const std::optional<Hit> hit = cursor.Next()) hits.push_back(*hit);
      ASSERT_EQ(Describe(cursor.error()), "");
      found += CountWithin(hits, rows, query, bound) + cursor.stats().dropped;
      pages += cursor.stats().pages;
    }
    const double recall = static_cast<double>(found) / static_cast<double>(expected);
    printf("%s%s: recall %.4f, %.0f of %u pages\n", NameOf(params()).c_str(),
           exact ? ", exact" : "", recall, static_cast<double>(pages) / 30,
           index.file()->block_count());
    EXPECT_GE(recall, 0.99);
  }
}

// A bound that every row is within leaves out NULL only; rows without a distance,
// which the operator puts beyond any bound but not surely, come last.
TEST_P(ScanBound, AllRowsWhereAllAreWithin) {
  std::vector<Value> rows = Clustered(params(), 632, 300);
  rows[5] = {};
  rows[6] = rows[9];
  rows[8] = ZeroValue(params().form, params().dim);
  for (const bool build : {true, false}) {
    MemoryIndex index(params(), build ? rows : std::vector<Value>());
    if (!build) {
      index.SetListLimit(1);
      index.InsertAll(rows);
    }
    std::vector<uint32_t> expected = RowsUpTo(300);
    expected.erase(expected.begin() + 5);
    for (const int ef : {400, 10}) {
      const std::vector<Hit> hits = index.Search(rows[0], Within(1e30, ef));
      ExpectRowsOnce(hits, expected, "all within, ef " + std::to_string(ef));
      ExpectKindsInOrder(hits, "all within");
    }
  }
}

// Bounds that no distance, or hardly one, is within.
TEST_P(ScanBound, ZeroAndNegative) {
  const std::vector<Value> rows = Clustered(params(), 633, 300);
  for (const bool build : {true, false}) {
    MemoryIndex index(params(), build ? rows : std::vector<Value>());
    if (!build) {
      index.SetListLimit(1);
      index.InsertAll(rows);
    }
    for (const uint32_t row : {0u, 100u, 299u}) {
      if (params().metric == QUIVER_METRIC_IP) {
        EXPECT_TRUE(index.Search(rows[row], Within(-1e30, 400)).empty());
        continue;
      }
      // The row itself; others only where they are as near.
      const std::vector<Hit> hits = index.Search(rows[row], Within(0, 100));
      EXPECT_GE(hits.size(), 1u);
      bool itself = false;
      for (const Hit& hit : hits) {
        itself |= hit.row == row;
        EXPECT_LE(ExactDistance(params().metric, rows[hit.row], rows[row]), GetParam().slack);
      }
      EXPECT_TRUE(itself) << NameOf(params());
      EXPECT_TRUE(index.Search(rows[row], Within(-2 * GetParam().slack - 0.01, 100)).empty());
    }
  }
}

// The bound holds for list rows too, which are all looked at.
TEST_P(ScanBound, ListRows) {
  const std::vector<Value> rows = Clustered(params(), 634, 60);
  MemoryIndex index(params());
  index.InsertAll(rows);
  // Sparse vectors have no list.
  EXPECT_EQ(index.partition().state == PartitionState::kList, HasList(index.layout()));
  for (const uint32_t row : {0u, 47u}) {
    const double bound = BoundOf(rows, rows[row], 12);
    size_t expected = 0;
    for (const Value& other : rows)
      expected += ExactDistance(params().metric, other, rows[row]) <= bound ? 1 : 0;
    EXPECT_EQ(CountWithin(index.Search(rows[row], Within(bound, HasList(index.layout()) ? 1 : 60)),
                          rows, rows[row], bound),
              expected);
  }
}

INSTANTIATE_TEST_SUITE_P(
    All, ScanBound,
    ::testing::Values(Shape{ParamsOf(200), 0.05}, Shape{ParamsOf(200, QUIVER_METRIC_IP), 0.5},
                      Shape{ParamsOf(200, QUIVER_METRIC_COSINE), 0.005},
                      Shape{ParamsOf(200, QUIVER_METRIC_L1), 0.5},
                      Shape{ParamsOf(2400, QUIVER_METRIC_L2), 0.1},
                      Shape{ParamsOf(1500, QUIVER_METRIC_HAMMING), 0},
                      Shape{ParamsOf(1500, QUIVER_METRIC_JACCARD), 1e-6},
                      Shape{ParamsOf(3000, QUIVER_METRIC_JACCARD), 1e-6},
                      Shape{SparseParamsOf(30000, QUIVER_METRIC_L2), 0.01},
                      Shape{SparseParamsOf(30000, QUIVER_METRIC_IP), 0.01},
                      Shape{SparseParamsOf(30000, QUIVER_METRIC_COSINE), 0.001},
                      Shape{SparseParamsOf(30000, QUIVER_METRIC_L1), 0.05}),
    [](const ::testing::TestParamInfo<Shape>& info) {
      std::string name = NameOf(info.param.params);
      std::replace(name.begin(), name.end(), ' ', '_');
      return name;
    });

// A far bound costs a few beams, not the file.
TEST(ScanBoundCost, EndsWhenABeamFindsNothingWithin) {
  std::vector<Vector> rows = ClusteredVectors(635, 6020, 200, 60, 0.3);
  const std::vector<Vector> queries(rows.end() - 20, rows.end());
  rows.resize(6000);
  MemoryIndex index(ParamsOf(200), rows);
  for (const Vector& query : queries) {
    QuiverScanOptions options = OptionsOf(40);
    options.bound = 1e-3;
    Cursor cursor(index.file(), index.index(), options, &query);
    EXPECT_FALSE(cursor.Next().has_value());
    // Two beams, the second twice as wide, and the way down.
    EXPECT_LE(cursor.stats().pages, 40u * 4);
    options.bound = NthDistance(QUIVER_METRIC_L2, ValuesOf(rows), query, 1) * 1.01;
    Cursor nearest(index.file(), index.index(), options, &query);
    while (nearest.Next().has_value()) continue;
    EXPECT_LE(nearest.stats().pages, index.file()->block_count() / 4);
  }
}

}  // namespace
}  // namespace quiver::fakes
