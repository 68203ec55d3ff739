// Every form of value with every metric it has: all rows once in every mode, the
// operator's distances, duplicates, vacuum, recall; built and grown.
#include <cmath>

#include "graph/index_testing.h"

namespace quiver::fakes {
namespace {

struct Shape {
  QuiverIndexParams params;
  std::vector<uint32_t> entries;  // sparse: how many, in turn
  uint32_t count;
};

Shape Dense(uint32_t dim, QuiverMetric metric, uint32_t count) {
  return {ParamsOf(dim, metric), {}, count};
}
Shape Sparse(QuiverMetric metric, std::vector<uint32_t> entries, uint32_t count) {
  return {SparseParamsOf(QUIVER_MAX_SPARSE_DIM, metric), std::move(entries), count};
}

class Forms : public ::testing::TestWithParam<Shape> {
 protected:
  const QuiverIndexParams& params() const { return GetParam().params; }
  QuiverMetric metric() const { return params().metric; }
  bool sparse() const { return params().form == QUIVER_FORM_SPARSE; }

  std::vector<Value> Plain(uint64_t seed, size_t count) const {
    printf("seed %lu\n", seed);
    return sparse() ? SparseVectors(seed, count, params().dim, GetParam().entries, 3000)
                    : RandomValues(params(), seed, count);
  }
  // Duplicates, zeros and NULLs among them.
  std::vector<Value> Mixed(uint64_t seed, size_t count) const {
    std::vector<Value> rows = Plain(seed, count);
    for (size_t i = 0; i < count; i++) {
      if (i % 7 == 5) rows[i] = rows[i % 4];
      if (i % 10 == 9) rows[i] = ZeroValue(params().form, params().dim);
      if (i % 11 == 10) rows[i] = {};
    }
    return rows;
  }
  // Built at once, past any list; or row by row, the list leaving early.
  std::unique_ptr<MemoryIndex> Make(const std::vector<Value>& rows, bool build) const {
    if (build) return std::make_unique<MemoryIndex>(params(), rows);
    auto index = std::make_unique<MemoryIndex>(params());
    index->SetListLimit(2);
    index->InsertAll(rows);
    return index;
  }
  // What a stored copy's distance may be off by (docs/design.md): float16's
  // rounding, and that of sums of float32.
  double Tolerance(const MemoryIndex& index, const Value& query, const Value& row) const {
    if (params().form == QUIVER_FORM_BITS) return 1e-7;
    const double rounding = sparse() || quiver_index_stores_float32(index.index()) ? 0.0 : 0x1p-11;
    const double q = LengthOf(query), o = LengthOf(row);
    switch (metric()) {
      case QUIVER_METRIC_L2:
        return rounding * o + 1e-5 * (q + o);
      case QUIVER_METRIC_IP:
        return (rounding + 1e-5) * q * o;
      case QUIVER_METRIC_COSINE:
        return 2 * rounding + 1e-5;
      default:
        break;
    }
    const Value zero = ZeroValue(params().form, params().dim);
    return (rounding + 1e-5) *
           (ExactDistance(metric(), query, zero) + ExactDistance(metric(), row, zero));
  }
};

TEST_P(Forms, EveryRowOnceInEveryMode) {
  const uint32_t count = GetParam().count;
  const std::vector<Value> rows = Mixed(501, count);
  const std::vector<uint32_t> all = RowsUpTo(count);
  for (const bool build : {true, false}) {
    const std::unique_ptr<MemoryIndex> index = Make(rows, build);
    for (const Value& query : {Plain(502, 4)[3], rows[3]}) {
      const std::vector<Hit> hits = index->Search(query, OptionsOf(10));
      ExpectRowsOnce(hits, all, "relaxed");
      ExpectKindsInOrder(hits, "relaxed");

      Cursor cursor(index->file(), index->index(), OptionsOf(10, QUIVER_ITERATIVE_STRICT), query);
      double last = -INFINITY;
      uint64_t found = 0;
      while (const std::optional<Hit> hit = cursor.Next()) {
        found++;
        if (hit->kind != QUIVER_ROW_DISTANCE) continue;
        EXPECT_GE(hit->distance, last);
        last = hit->distance;
      }
      EXPECT_EQ(Describe(cursor.error()), "");
      EXPECT_EQ(found + cursor.stats().dropped, count);

      std::set<uint32_t> once;
      for (const Hit& hit : index->Search(query, OptionsOf(10, QUIVER_ITERATIVE_OFF)))
        EXPECT_TRUE(once.insert(hit.row).second) << "row " << hit.row;
      EXPECT_GE(once.size(), 10u);
    }
    ExpectRowsOnce(index->Everything(), all, "without order");
  }
}

TEST_P(Forms, DistancesAreTheOperators) {
  const std::vector<Value> rows = Plain(503, GetParam().count);
  for (const bool build : {true, false}) {
    const std::unique_ptr<MemoryIndex> index = Make(rows, build);
    std::vector<Value> queries = Plain(504, 2);
    queries.push_back(rows[2]);
    queries.push_back(ZeroValue(params().form, params().dim));
    for (const Value& query : queries) {
      // A zero query of cosine is walked without order.
      if (metric() == QUIVER_METRIC_COSINE && LengthOf(query) == 0) continue;
      for (const Hit& hit : index->Search(query, OptionsOf())) {
        if (hit.kind != QUIVER_ROW_DISTANCE) continue;
        ASSERT_NEAR(hit.distance, ExactDistance(metric(), rows[hit.row], query),
                    Tolerance(*index, query, rows[hit.row]))
            << "row " << hit.row;
      }
    }
  }
}

TEST_P(Forms, DuplicatesShareANode) {
  std::vector<Value> rows = Plain(505, 60);
  for (size_t i = 0; i < 60; i++)
    if (i % 3 != 0) rows[i] = rows[i / 3 % 2 * 3];
  const std::unique_ptr<MemoryIndex> index = std::make_unique<MemoryIndex>(params());
  index->SetListLimit(1);
  index->InsertAll(rows);
  // The list, where there is one, has ended or drains: more rows end it.
  uint32_t next = 60;
  while (index->partition().state != PartitionState::kGraph)
    index->InsertAll<Value>({rows[0]}, next++);
  ExpectRowsOnce(index->Search(rows[0], OptionsOf(10)), RowsUpTo(next), "duplicates");
  uint32_t nodes = 0;
  for (const uint32_t block : index->PagesOf(PageKind::kNode)) {
    const std::vector<uint8_t> page = index->file()->Copy(block);
    for (uint32_t slot = 0; slot < index->layout().nodes_per_page; slot++)
      nodes += ConstNode(page.data(), index->layout(), slot).in_use() ? 1 : 0;
  }
  std::set<std::vector<float>> distinct;
  std::set<std::vector<uint8_t>> distinct_bits;
  for (const Value& row : rows) {
    if (metric() == QUIVER_METRIC_COSINE && LengthOf(row) == 0) continue;
    if (params().form == QUIVER_FORM_BITS)
      distinct_bits.insert(row.bits());
    else
      distinct.insert(row.components());
  }
  EXPECT_EQ(nodes, distinct.size() + distinct_bits.size());
}

TEST_P(Forms, VacuumRemovesWhatItIsTold) {
  const uint32_t count = GetParam().count;
  const std::vector<Value> rows = Mixed(506, count);
  for (const bool build : {true, false}) {
    const std::unique_ptr<MemoryIndex> index = Make(rows, build);
    std::vector<uint32_t> left;
    for (uint32_t row = 0; row < count; row++)
      if (row % 3 == 1) left.push_back(row);
    QuiverVacuumStats stats = {};
    ASSERT_EQ(Describe(index->Delete([](uint32_t row) { return row % 3 != 1; }, &stats)), "");
    EXPECT_EQ(stats.remaining, left.size());
    ExpectRowsOnce(index->Search(rows[3], OptionsOf(10)), left, "after vacuum");
    ExpectRowsOnce(index->Everything(), left, "after vacuum, without order");
    // The same rows again.
    for (uint32_t row = 0; row < count; row++) {
      if (row % 3 == 1) continue;
      ASSERT_EQ(Describe(index->Insert(row, rows[row])), "");
    }
    ExpectRowsOnce(index->Search(rows[3], OptionsOf(10)), RowsUpTo(count), "again");
  }
}

INSTANTIATE_TEST_SUITE_P(
    All, Forms,
    ::testing::Values(
        Dense(100, QUIVER_METRIC_L2, 400), Dense(100, QUIVER_METRIC_IP, 400),
        Dense(100, QUIVER_METRIC_COSINE, 400), Dense(100, QUIVER_METRIC_L1, 400),
        Dense(2, QUIVER_METRIC_L1, 400), Dense(700, QUIVER_METRIC_L1, 200),
        Dense(9, QUIVER_METRIC_HAMMING, 400), Dense(9, QUIVER_METRIC_JACCARD, 400),
        Dense(700, QUIVER_METRIC_HAMMING, 400), Dense(2048, QUIVER_METRIC_JACCARD, 300),
        Dense(5000, QUIVER_METRIC_HAMMING, 200), Dense(5000, QUIVER_METRIC_JACCARD, 200),
        Dense(64000, QUIVER_METRIC_HAMMING, 80), Dense(64000, QUIVER_METRIC_JACCARD, 80),
        Sparse(QUIVER_METRIC_L2, {0, 1, 100, 1000, 16000}, 120),
        Sparse(QUIVER_METRIC_IP, {0, 1, 100, 1000, 16000}, 120),
        Sparse(QUIVER_METRIC_COSINE, {0, 1, 100, 1000, 16000}, 120),
        Sparse(QUIVER_METRIC_L1, {0, 1, 100, 1000, 16000}, 120),
        Sparse(QUIVER_METRIC_L2, {30, 40, 50}, 400)),
    [](const ::testing::TestParamInfo<Shape>& info) {
      std::string name = NameOf(info.param.params) + " " + std::to_string(info.index);
      std::replace(name.begin(), name.end(), ' ', '_');
      return name;
    });

}  // namespace
}  // namespace quiver::fakes
