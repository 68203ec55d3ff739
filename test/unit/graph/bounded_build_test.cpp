// Builds that may not take the memory they would: rows and pages lie on disk, rows are sorted. The
// index has every row once and is sound in every form, recall is that of a build with memory, and
// no more is held than allowed.
#include "graph/building_together.h"

namespace quiver::fakes {
namespace {

constexpr uint64_t kMegabyte = 1024 * 1024;

struct Bounded {
  std::unique_ptr<MemoryIndex> index;
  uint64_t peak;
  uint64_t loads;
};

Bounded BuiltWithin(uint64_t memory, int participants, const QuiverIndexParams& params,
                    const std::vector<Value>& rows) {
  Together together(params, participants, memory);
  MemoryFile file;
  const Errors errors = together.Build(rows, &file);
  for (const std::optional<QuiverError>& error : errors) EXPECT_EQ(Describe(error), "");
  EXPECT_TRUE(together.bounded());
  SharedSpace* space = together.space();
  for (const SpaceRegion region :
       {SpaceRegion::kRows, SpaceRegion::kRowsOnDisk, SpaceRegion::kSortedRows, SpaceRegion::kLoose,
        SpaceRegion::kLooseOnDisk, SpaceRegion::kSample, SpaceRegion::kTwins, SpaceRegion::kPages})
    EXPECT_EQ(space->held(RegionOf(region)), 0u) << RegionOf(region);
  return {std::make_unique<MemoryIndex>(file, params), space->peak(), space->loads()};
}

// ------------------------------------------------------------------ every form

struct Shape {
  QuiverIndexParams params;
  uint32_t count;
};

class BoundedBuild : public ::testing::TestWithParam<Shape> {};

// Duplicates, zeros and NULLs among them.
TEST_P(BoundedBuild, HasEveryRowOnceAndIsSound) {
  const uint64_t seed = 861;
  printf("seed %lu\n", seed);
  const QuiverIndexParams& params = GetParam().params;
  const uint32_t count = GetParam().count;
  std::vector<Value> rows = RandomValues(params, seed, count);
  for (uint32_t i = 0; i < count; i++) {
    if (i % 9 == 5) rows[i] = rows[i % 4];
    if (i % 50 == 49) rows[i] = ZeroValue(params.form, params.dim);
    if (i % 11 == 10) rows[i] = {};
  }
  for (const int participants : {1, 3}) {
    const Bounded built = BuiltWithin(kMegabyte, participants, params, rows);
    const std::string what = "by " + std::to_string(participants);
    EXPECT_GT(built.loads, 0u) << what << ", " << built.index->file()->block_count();
    ExpectSound(built.index.get(), what.c_str());
    ExpectRowsOnce(built.index->Everything(), RowsUpTo(count), what.c_str());
    const std::vector<Hit> hits = built.index->Search(rows[0], OptionsOf());
    ExpectRowsOnce(hits, RowsUpTo(count), what.c_str());
    ExpectKindsInOrder(hits, what.c_str());
  }
}

INSTANTIATE_TEST_SUITE_P(
    Forms, BoundedBuild,
    ::testing::Values(Shape{ParamsOf(200, QUIVER_METRIC_L2), 1800},
                      Shape{ParamsOf(200, QUIVER_METRIC_IP), 1800},
                      Shape{ParamsOf(200, QUIVER_METRIC_COSINE), 1800},
                      Shape{ParamsOf(200, QUIVER_METRIC_L1), 1800},
                      Shape{ParamsOf(1500, QUIVER_METRIC_L2, 16, QUIVER_STORAGE_FLOAT32), 700},
                      Shape{ParamsOf(5000, QUIVER_METRIC_L2), 300},
                      Shape{ParamsOf(16000, QUIVER_METRIC_COSINE), 120},
                      Shape{ParamsOf(1024, QUIVER_METRIC_HAMMING), 4000},
                      Shape{ParamsOf(1024, QUIVER_METRIC_JACCARD), 4000},
                      Shape{ParamsOf(4096, QUIVER_METRIC_HAMMING), 1500},
                      Shape{SparseParamsOf(5000, QUIVER_METRIC_L2), 2000},
                      Shape{SparseParamsOf(5000, QUIVER_METRIC_IP), 2000}),
    [](const ::testing::TestParamInfo<Shape>& info) {
      std::string name = NameOf(info.param.params);
      std::replace(name.begin(), name.end(), ' ', '_');
      return name;
    });

// ------------------------------------------------------------------- odd shapes

TEST(BoundedBuildShapes, EqualRowsShareNodes) {
  constexpr uint32_t kDifferent = 300;
  constexpr uint32_t kRows = 9000;
  const std::vector<Value> different = ValuesOf(GaussianVectors(863, kDifferent, 700));
  std::vector<Value> rows;
  for (uint32_t i = 0; i < kRows; i++) rows.push_back(different[i % kDifferent]);
  const Bounded built = BuiltWithin(4 * kMegabyte, 1, ParamsOf(700), rows);
  EXPECT_EQ(static_cast<uint32_t>(built.index->Verify().Figure("bottom nodes")), kDifferent);
  ExpectSound(built.index.get(), "equal rows");
  ExpectRowsOnce(built.index->Everything(), RowsUpTo(kRows), "equal rows");
}

TEST(BoundedBuildShapes, OneVectorOnly) {
  constexpr uint32_t kRows = 30000;
  const std::vector<Value> rows(kRows, GaussianVectors(865, 1, 64)[0]);
  const Bounded built = BuiltWithin(kMegabyte, 3, ParamsOf(64), rows);
  ExpectSound(built.index.get(), "one vector");
  ExpectRowsOnce(built.index->Everything(), RowsUpTo(kRows), "one vector");
}

// Each chunk has many of each vector, and looks for its node once.  A search polls.
TEST(BoundedBuildShapes, RunsOfEqualRowsAreSearchedOnce) {
  constexpr uint32_t kRows = 40000;
  constexpr uint32_t kDifferent = 40;
  const std::vector<Value> different = ValuesOf(GaussianVectors(866, kDifferent, 64));
  std::vector<Value> rows;
  for (uint32_t i = 0; i < kRows; i++) rows.push_back(different[i % kDifferent]);
  Together together(ParamsOf(64), 1, kMegabyte);
  int polls = 0;
  together.at_link = [&](int, MemoryStore* store) { store->set_at_poll([&] { polls++; }); };
  MemoryFile file;
  ASSERT_FALSE(Together::Failed(together.Build(rows, &file)));
  EXPECT_TRUE(together.bounded());
  printf("%d polls\n", polls);
  EXPECT_LT(polls, static_cast<int>(kRows / 2));
}

TEST(BoundedBuildShapes, NullsMostly) {
  std::vector<Value> rows(200000);
  const std::vector<Value> some = ValuesOf(GaussianVectors(867, 2000, 200));
  for (size_t i = 0; i < some.size(); i++) rows[100 * i] = some[i];
  const Bounded built = BuiltWithin(kMegabyte, 3, ParamsOf(200), rows);
  ExpectSound(built.index.get(), "nulls");
  ExpectRowsOnce(built.index->Everything(), RowsUpTo(200000), "nulls");
}

// What fits is built as ever; so is a list, whatever its memory.
TEST(BoundedBuildShapes, OnlyWhereItMustBe) {
  const std::vector<Value> rows = ValuesOf(GaussianVectors(869, 2000, 200));
  Together roomy(ParamsOf(200), 2, 16 * kMegabyte);
  MemoryFile file;
  ASSERT_FALSE(Together::Failed(roomy.Build(rows, &file)));
  EXPECT_FALSE(roomy.bounded());
  EXPECT_EQ(roomy.space()->loads() + roomy.space()->saves(), 0u);
  Together list(ParamsOf(200), 2, kMegabyte);
  MemoryFile other;
  ASSERT_FALSE(Together::Failed(list.Build({rows.begin(), rows.begin() + 300}, &other)));
  EXPECT_FALSE(list.linked());
}

// --------------------------------------------------------------- recall, memory

TEST(BoundedBuildRecall, AsWithMemory) {
  for (const QuiverMetric metric : {QUIVER_METRIC_L2, QUIVER_METRIC_IP}) {
    const std::vector<Vector> all = ClusteredVectors(871, 8400, 100, 50, 0.4);
    const std::vector<Value> rows = ValuesOf({all.begin(), all.begin() + 8000});
    const std::vector<Value> queries = ValuesOf({all.begin() + 8000, all.end()});
    const QuiverIndexParams params = ParamsOf(100, metric);
    MemoryIndex alone(params, rows);
    const double ample = Recall(&alone, rows, queries, 20);
    const uint64_t graph = alone.file()->block_count() * uint64_t{kPageBytes};
    for (const int participants : {1, 2}) {
      const uint64_t memory = graph / 3;
      const Bounded built = BuiltWithin(memory, participants, params, rows);
      const double bounded = Recall(built.index.get(), rows, queries, 20);
      printf("%s: recall@10 at ef 20: %.4f; within a third of %lu bytes, by %d: %.4f, %lu loads\n",
             NameOf(metric).c_str(), ample, graph, participants, bounded, built.loads);
      EXPECT_GE(bounded, ample - 0.005) << NameOf(metric);
      EXPECT_LE(built.peak, memory) << NameOf(metric);
    }
  }
}

// --------------------------------------------------------------------- errors

TEST(BoundedBuildErrors, WithoutRoom) {
  const std::vector<Value> rows = ValuesOf(GaussianVectors(873, 700, 1500));
  uint64_t n = 1;
  for (;; n++) {
    Together together(ParamsOf(1500), 1, kMegabyte);
    MemoryFile file;
    together.space()->FailAt(n);
    const std::optional<QuiverError> error = together.Build(rows, &file)[0];
    if (!error.has_value()) {
      EXPECT_TRUE(together.bounded());
      break;
    }
    ASSERT_EQ(error->code, QUIVER_ERROR_MEMORY) << n;
  }
  // Control, rows in memory and on disk, sample, pivots, buckets, frames, table, pages, sorted
  // rows.
  EXPECT_GT(n, 10u);
}

}  // namespace
}  // namespace quiver::fakes
