// The verifier: nothing to say of a sound index, of any form and at any moment.
#include "graph/index_testing.h"
#include "page/posting.h"

namespace quiver::fakes {
namespace {

struct Shape {
  QuiverIndexParams params;
  uint32_t count;
};

class Verify : public ::testing::TestWithParam<Shape> {
 protected:
  // Some rows twice, zero vectors, NULLs.
  static std::vector<Value> Rows(uint64_t seed) {
    const QuiverIndexParams& params = GetParam().params;
    const uint32_t count = GetParam().count;
    std::vector<Value> rows =
        params.form == QUIVER_FORM_SPARSE
            ? SparseVectors(seed, count, params.dim, {20, 50, 1500, 3000}, 100)
            : RandomValues(params, seed, count);
    for (uint32_t i = 0; i < count; i++) {
      if (i % 9 == 4) rows[i] = rows[2];
      if (i % 31 == 7) rows[i] = Value();
      if (i % 37 == 8) rows[i] = ZeroValue(params.form, params.dim);
    }
    return rows;
  }

  // Half of it is built or inserted, the rest inserted; then rows go and come.
  void Live(MemoryIndex* index, const std::vector<Value>& rows, const std::string& what) {
    const auto count = static_cast<uint32_t>(rows.size());
    ExpectSound(index, what);
    const std::vector<Value> rest(rows.begin() + count / 2, rows.end());
    index->InsertAll(rest, count / 2);
    ExpectSound(index, what + ", grown");
    ExpectSound(index, what + ", grown");
    EXPECT_EQ(index->Verify().rows.size(), count) << what;
    ASSERT_EQ(Describe(index->Delete([](uint32_t row) { return row % 3 != 0; })), "");
    ExpectSound(index, what + ", vacuumed");
    ASSERT_EQ(Describe(index->Cleanup()), "");
    ExpectSound(index, what + ", repaired");
    EXPECT_EQ(index->Verify().rows.size(), (count + 2) / 3) << what;
    index->InsertAll(rest, 2 * count);
    ExpectSound(index, what + ", grown again");
    ASSERT_EQ(Describe(index->Delete([](uint32_t) { return true; })), "");
    ExpectSound(index, what + ", emptied");
    ASSERT_EQ(Describe(index->Cleanup()), "");
    ExpectSound(index, what + ", emptied and repaired");
    EXPECT_TRUE(index->Verify().rows.empty()) << what;
    index->InsertAll(rest);
    ExpectSound(index, what + ", filled anew");
  }
};

TEST_P(Verify, SaysNothingOfABuiltIndex) {
  const std::vector<Value> rows = Rows(811);
  MemoryIndex index(GetParam().params,
                    std::vector<Value>(rows.begin(), rows.begin() + rows.size() / 2));
  Live(&index, rows, "built");
}

TEST_P(Verify, SaysNothingOfAGrownIndex) {
  const std::vector<Value> rows = Rows(812);
  for (const uint32_t list_limit : {1u, 3u}) {
    MemoryIndex index(GetParam().params);
    ExpectSound(&index, "without rows");
    index.SetListLimit(list_limit);
    index.InsertAll(std::vector<Value>(rows.begin(), rows.begin() + rows.size() / 2));
    Live(&index, rows, "grown");
  }
}

// More rows than a list takes, so that the build links them.
TEST(VerifyBuilt, SaysNothingOfABuiltGraph) {
  for (const Shape& shape : {Shape{ParamsOf(60, QUIVER_METRIC_L2, 4), 4500},
                             Shape{ParamsOf(400, QUIVER_METRIC_IP, 4), 700},
                             Shape{ParamsOf(400, QUIVER_METRIC_COSINE, 4), 700},
                             Shape{ParamsOf(700, QUIVER_METRIC_L1, 4), 500},
                             Shape{ParamsOf(1024, QUIVER_METRIC_HAMMING, 4), 4000},
                             Shape{ParamsOf(3000, QUIVER_METRIC_L2, 4), 100}}) {
    std::vector<Value> rows = RandomValues(shape.params, 816, shape.count);
    rows.insert(rows.end(), kPostingsPerPage + 100, rows[5]);
    rows.insert(rows.end(), 3, Value());
    MemoryIndex index(shape.params, rows);
    ASSERT_EQ(index.partition().state, PartitionState::kGraph) << NameOf(shape.params);
    ExpectSound(&index, NameOf(shape.params));
    EXPECT_EQ(index.Verify().rows.size(), rows.size());
  }
}

// What is read at random is left out, the rest is the same.
TEST_P(Verify, QuickCheckReadsPagesInOrder) {
  const std::vector<Value> rows = Rows(813);
  MemoryIndex index(GetParam().params);
  index.SetListLimit(1);
  index.InsertAll(rows);
  MemoryStore quick(index.file());
  MemoryStore full(index.file());
  const Verdict verdict = index.Verify(false, &quick);
  EXPECT_EQ(verdict.Complaints(), "");
  EXPECT_EQ(verdict.rows.size(), rows.size());
  EXPECT_EQ(verdict.Figure("rows"), rows.size());
  EXPECT_EQ(index.Verify(true, &full).Complaints(), "");
  EXPECT_LE(quick.reads(), 5 * size_t{index.file()->block_count()} + 20);
  EXPECT_GT(full.reads(), quick.reads());
  EXPECT_EQ(quick.records(), 0u);
  EXPECT_EQ(full.records(), 0u);
}

INSTANTIATE_TEST_SUITE_P(
    All, Verify,
    ::testing::Values(Shape{ParamsOf(3), 500}, Shape{ParamsOf(60), 300},
                      Shape{ParamsOf(60, QUIVER_METRIC_IP, 4), 300},
                      Shape{ParamsOf(130, QUIVER_METRIC_COSINE, 8, QUIVER_STORAGE_FLOAT16), 300},
                      Shape{ParamsOf(1500, QUIVER_METRIC_COSINE, 16, QUIVER_STORAGE_FLOAT32), 120},
                      Shape{ParamsOf(2600, QUIVER_METRIC_L2), 100},
                      Shape{ParamsOf(9000, QUIVER_METRIC_COSINE, 4), 80},
                      Shape{ParamsOf(60, QUIVER_METRIC_L1, 4), 300},
                      Shape{ParamsOf(9000, QUIVER_METRIC_L1, 4), 80},
                      Shape{ParamsOf(5, QUIVER_METRIC_HAMMING, 4), 400},
                      Shape{ParamsOf(300, QUIVER_METRIC_JACCARD, 4), 400},
                      Shape{ParamsOf(20000, QUIVER_METRIC_JACCARD, 4), 80},
                      Shape{SparseParamsOf(5000, QUIVER_METRIC_L2, 4), 150},
                      Shape{SparseParamsOf(5000, QUIVER_METRIC_COSINE, 4), 150},
                      Shape{SparseParamsOf(5000, QUIVER_METRIC_IP, 4), 150}),
    [](const ::testing::TestParamInfo<Shape>& info) {
      std::string name = NameOf(info.param.params) + " m" + std::to_string(info.param.params.m);
      std::replace(name.begin(), name.end(), ' ', '_');
      return name;
    });

// Components from the smallest to the largest that float32 has: scales at their
// limits, squares that overflow.
TEST(VerifyExtremes, SaysNothingOfExtremeComponents) {
  for (const QuiverMetric metric :
       {QUIVER_METRIC_L2, QUIVER_METRIC_IP, QUIVER_METRIC_COSINE, QUIVER_METRIC_L1}) {
    for (const QuiverStorage storage : {QUIVER_STORAGE_FLOAT16, QUIVER_STORAGE_FLOAT32}) {
      std::vector<Vector> rows = GaussianVectors(814, 200, 20);
      const float scales[] = {1e-45f, 1e-38f, 1e-20f, 1e-5f, 1.0f, 1e5f, 1e18f, 1e30f, 1e38f};
      for (size_t i = 0; i < rows.size(); i++)
        for (float& component : rows[i]) component = component / 8 * scales[i % 9];
      MemoryIndex index(ParamsOf(20, metric, 4, storage));
      index.SetListLimit(1);
      index.InsertAll(rows);
      ExpectSound(&index, NameOf(metric));
    }
  }
}

TEST(VerifyFigures, CountRoutes) {
  MemoryIndex index(ParamsOf(20));
  index.SetListLimit(1);
  index.InsertAll(GaussianVectors(815, 600, 20));
  ASSERT_EQ(Describe(index.Delete([](uint32_t row) { return row < 100; })), "");
  index.file()->Extend();
  const Verdict verdict = index.Verify();
  EXPECT_EQ(verdict.Complaints(), "");
  EXPECT_EQ(verdict.Figure("rows"), 500u);
  EXPECT_EQ(verdict.Figure("bottom nodes"), 600u);
  EXPECT_EQ(verdict.Figure("bottom nodes without rows"), 100u);
  EXPECT_GT(verdict.Figure("nodes of upper layers"), 0u);
  EXPECT_EQ(verdict.Figure("links to nodes that are gone"), 0u);
  EXPECT_EQ(verdict.Figure("pages of zeros"), 1u);
  // Random points of 20 dimensions are linked well.
  EXPECT_LE(verdict.Figure("bottom nodes that no link leads to"), 12u);
  EXPECT_LE(verdict.Figure("bottom nodes that no search comes to"), 12u);
}

}  // namespace
}  // namespace quiver::fakes
