// What a build writes: near nodes on one page, pages in their order, all of them full.  Every form,
// nodes with chunk pages, chains of equal rows, rows without a distance; one row, none, a list;
// inserts and a vacuum afterwards.  Builds by several are in parallel_build_test.cpp.
#include "graph/index_testing.h"
#include "page/chunk.h"

namespace quiver::fakes {
namespace {

struct Shape {
  QuiverIndexParams params;
  uint32_t count;
};

class Pack : public ::testing::TestWithParam<Shape> {};

// One vector in two posting pages, others twice to six times, zeros and NULLs among them.
std::vector<Value> MixedRows(const QuiverIndexParams& params, uint64_t seed, uint32_t count) {
  printf("seed %lu\n", seed);
  std::vector<Value> rows = RandomValues(params, seed, count);
  for (uint32_t i = 0; i < count; i++) {
    if (i % 9 == 5) rows[i] = rows[i % 200 * (count / 200)];
    if (i % 50 == 49) rows[i] = ZeroValue(params.form, params.dim);
    if (i % 11 == 10) rows[i] = {};
  }
  rows.insert(rows.begin() + count / 2, kPostingsPerPage + 100, rows[3]);
  return rows;
}

// Centre, upper pages, bottom pages, loose ones; chunks and postings behind their nodes' page.
// Only the last page of either kind of node has free places, and is in its chain.
void ExpectPacked(MemoryIndex* index, const std::string& what) {
  const NodeLayout& layout = index->layout();
  const Partition partition = index->partition();
  EXPECT_EQ(partition.state, PartitionState::kGraph) << what;
  int stage = 0;  // 1: upper pages, 2: bottom pages, 3: loose
  uint32_t home = kMetaBlock;
  uint32_t with_room[2] = {QUIVER_INVALID_BLOCK, QUIVER_INVALID_BLOCK};
  for (uint32_t block = 1; block < index->file()->block_count(); block++) {
    const std::vector<uint8_t> page = index->file()->Copy(block);
    const PageKind kind = Special(page.data())->kind;
    if (kind == PageKind::kChunk || kind == PageKind::kPosting) {
      const uint32_t owner = kind == PageKind::kChunk ? Chunk(page.data())->number
                                                      : PostingHeadOf(page.data())->number;
      EXPECT_EQ(layout.BlockOf(owner), home) << what << ", block " << block;
      continue;
    }
    const int now = kind == PageKind::kCenter  ? 0
                    : kind == PageKind::kUpper ? 1
                    : kind == PageKind::kNode  ? 2
                    : kind == PageKind::kLoose ? 3
                                               : -1;
    EXPECT_GE(now, stage) << what << ", block " << block;
    stage = now;
    if (kind != PageKind::kUpper && kind != PageKind::kNode) continue;
    home = block;
    uint32_t& room = with_room[now - 1];
    EXPECT_EQ(room, QUIVER_INVALID_BLOCK) << what << ": places left before block " << block;
    uint32_t used = 0;
    for (uint32_t slot = 0; slot < layout.nodes_per_page; slot++)
      used += ConstNode(page.data(), layout, slot).in_use() ? 1 : 0;
    EXPECT_GT(used, 0u) << what << ", block " << block;
    if (used < layout.nodes_per_page) room = block;
  }
  EXPECT_EQ(partition.upper_room, with_room[0]) << what;
  EXPECT_EQ(partition.node_room, with_room[1]) << what;
}

TEST_P(Pack, HasEveryRowOnceAndIsSound) {
  const QuiverIndexParams& params = GetParam().params;
  std::vector<Value> rows = MixedRows(params, 901, GetParam().count);
  MemoryIndex index(params, rows);
  const auto all = [&] { return RowsUpTo(static_cast<uint32_t>(rows.size())); };
  ExpectSound(&index, "built");
  ExpectPacked(&index, "built");
  ExpectRowsOnce(index.Everything(), all(), "without order");
  const std::vector<Hit> hits = index.Search(rows[0], OptionsOf());
  ExpectRowsOnce(hits, all(), "by distance");
  ExpectKindsInOrder(hits, "by distance");

  // The index goes on as any other: free places are taken, nodes freed.
  const std::vector<Value> more = RandomValues(params, 902, 40);
  index.InsertAll(more, static_cast<uint32_t>(rows.size()));
  rows.insert(rows.end(), more.begin(), more.end());
  ExpectSound(&index, "with more rows");
  ExpectRowsOnce(index.Everything(), all(), "with more rows");
  ASSERT_EQ(index.Vacuum([](uint32_t row) { return row % 3 == 0; }), std::nullopt);
  ExpectSound(&index, "vacuumed");
  std::vector<uint32_t> left;
  for (const uint32_t row : all())
    if (row % 3 != 0) left.push_back(row);
  ExpectRowsOnce(index.Search(rows[0], OptionsOf()), left, "vacuumed");
}

INSTANTIATE_TEST_SUITE_P(
    Forms, Pack,
    ::testing::Values(Shape{ParamsOf(20, QUIVER_METRIC_L2), 12000},
                      Shape{ParamsOf(200, QUIVER_METRIC_L2), 1500},
                      Shape{ParamsOf(200, QUIVER_METRIC_IP), 1500},
                      Shape{ParamsOf(200, QUIVER_METRIC_COSINE), 1500},
                      Shape{ParamsOf(200, QUIVER_METRIC_L1), 1500},
                      Shape{ParamsOf(1500, QUIVER_METRIC_L2, 16, QUIVER_STORAGE_FLOAT32), 600},
                      Shape{ParamsOf(4096, QUIVER_METRIC_COSINE), 300},
                      Shape{ParamsOf(9000, QUIVER_METRIC_L1), 400},
                      Shape{ParamsOf(1024, QUIVER_METRIC_HAMMING), 3000},
                      Shape{ParamsOf(300, QUIVER_METRIC_JACCARD), 9000},
                      Shape{ParamsOf(2048, QUIVER_METRIC_HAMMING, 100), 1500},
                      Shape{ParamsOf(4096, QUIVER_METRIC_HAMMING), 1500},
                      Shape{SparseParamsOf(5000, QUIVER_METRIC_L2), 2000},
                      Shape{SparseParamsOf(5000, QUIVER_METRIC_IP), 2000},
                      Shape{SparseParamsOf(5000, QUIVER_METRIC_COSINE), 2000}),
    [](const ::testing::TestParamInfo<Shape>& info) {
      std::string name = NameOf(info.param.params) + " m" + std::to_string(info.param.params.m);
      std::replace(name.begin(), name.end(), ' ', '_');
      return name;
    });

// Rows of which most lie on chunk pages, others not.
TEST(PackSparse, ChunksOfSomeNodesOnly) {
  const QuiverIndexParams params = SparseParamsOf(100000);
  const std::vector<Value> rows = SparseVectors(911, 900, params.dim, {20, 30, 900, 3000}, 5000);
  MemoryIndex index(params, rows);
  EXPECT_FALSE(index.PagesOf(PageKind::kChunk).empty());
  ExpectSound(&index, "sparse");
  ExpectPacked(&index, "sparse");
  ExpectRowsOnce(index.Search(rows[0], OptionsOf()), RowsUpTo(900), "sparse");
}

TEST(PackFew, NoRowOneRowAndNoVector) {
  for (const QuiverIndexParams& params : {ParamsOf(100), SparseParamsOf(100)}) {
    const Value row = RandomValues(params, 921, 1)[0];
    for (const std::vector<Value>& rows :
         {std::vector<Value>{}, {row}, {Value()}, {Value(), row, Value(), row, row, row}}) {
      MemoryIndex index(params, rows);
      ExpectSound(&index, "few rows");
      ExpectRowsOnce(index.Search(row, OptionsOf()), RowsUpTo(static_cast<uint32_t>(rows.size())),
                     "few rows");
    }
  }
}

TEST(PackFew, AListIsWrittenAsItIs) {
  std::vector<Value> rows = ValuesOf(GaussianVectors(922, 900, 200));
  for (size_t i = 0; i < rows.size(); i += 10) rows[i] = {};
  MemoryIndex index(ParamsOf(200), rows);
  EXPECT_EQ(index.partition().state, PartitionState::kList);
  ExpectSound(&index, "list");
  ExpectRowsOnce(index.Search(rows[1], OptionsOf()), RowsUpTo(900), "list");
}

// ------------------------------------------------------------------ what a search reads

// A store that reads a copy of an index, and counts each page once.
class PageCounter {
 public:
  explicit PageCounter(MemoryIndex* index) {
    for (uint32_t block = 0; block < index->file()->block_count(); block++)
      pages_.push_back(index->file()->Copy(block));
    store_.context = this;
    store_.block_count = [](void* self) { return static_cast<uint32_t>(Of(self)->pages_.size()); };
    store_.read = [](void* self, uint32_t block, QuiverPin* pin) -> const uint8_t* {
      *pin = {block, 0, false, nullptr};
      Of(self)->read_.insert(block);
      return Of(self)->pages_[block].data();
    };
    store_.release = [](void*, QuiverPin*) {};
    store_.poll = [](void*) {};
    store_.allocate = [](void* self, size_t bytes) -> void* {
      Of(self)->memory_.emplace_back((bytes + 63) / 64 * 64 / sizeof(std::max_align_t) + 1);
      return Of(self)->memory_.back().data();
    };
    store_.fail = [](void*, const QuiverError*) { std::abort(); };
  }

  // Different pages of a search for ten rows, the meta page left out.
  size_t Search(const QuiverIndex* index, const Vector& query, int ef) {
    QuiverScanOptions options = OptionsOf(ef);
    options.skip_killed = false;
    const Value value(query);
    const QuiverValue view = value.view();
    read_.clear();
    QuiverScan* scan = quiver_scan_begin(&store_, index, &options, QUIVER_SCAN_NEAREST, &view);
    QuiverRow row;
    for (int i = 0; i < 10; i++) EXPECT_TRUE(quiver_scan_next(scan, &row));
    memory_.clear();
    read_.erase(kMetaBlock);
    return read_.size();
  }

 private:
  static PageCounter* Of(void* self) { return static_cast<PageCounter*>(self); }

  std::vector<std::vector<uint8_t>> pages_;
  std::set<uint32_t> read_;
  std::vector<std::vector<std::max_align_t>> memory_;
  QuiverStore store_ = {};
};

double PagesASearch(MemoryIndex* index, const std::vector<Vector>& queries) {
  PageCounter counter(index);
  double sum = 0;
  for (const Vector& query : queries)
    sum += static_cast<double>(counter.Search(index->index(), query, 40));
  return sum / static_cast<double>(queries.size());
}

// Against an index of the same rows inserted one by one, which has them in their order.
TEST(PackLocality, SearchesReadFewerPages) {
  const uint64_t seed = 931;
  printf("seed %lu\n", seed);
  const std::vector<Vector> all = ClusteredVectors(seed, 4060, 100, 100, 0.3);
  const std::vector<Vector> rows(all.begin(), all.begin() + 4000);
  const std::vector<Vector> queries(all.begin() + 4000, all.end());
  MemoryIndex built(ParamsOf(100), rows);
  MemoryIndex grown(ParamsOf(100));
  grown.SetListLimit(1);
  grown.InsertAll(rows);
  const double pages = PagesASearch(&built, queries);
  const double before = PagesASearch(&grown, queries);
  const double recall = Recall(&built, rows, queries, 40);
  printf("%.1f pages a search, %.1f in the order of the rows; recall@10 %.3f\n", pages, before,
         recall);
  EXPECT_LT(pages, 0.7 * before);
  EXPECT_GE(recall, Recall(&grown, rows, queries, 40) - 0.03);
}

}  // namespace
}  // namespace quiver::fakes
