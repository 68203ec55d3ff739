// Rows with one and the same vector share a node, in any number.
#include "graph/index_testing.h"

namespace quiver::fakes {
namespace {

// Pages of the graph's nodes with rows of their own.
uint32_t NodesInUse(const MemoryIndex& index, MemoryFile* file, uint32_t* posting_pages) {
  const NodeLayout& layout = index.layout();
  uint32_t nodes = 0;
  *posting_pages = 0;
  for (uint32_t block = 1; block < file->block_count(); block++) {
    const std::vector<uint8_t> page = file->Copy(block);
    if (IsPageOf(page.data(), PageKind::kPosting)) ++*posting_pages;
    if (!IsPageOf(page.data(), PageKind::kNode)) continue;
    for (uint32_t slot = 0; slot < layout.nodes_per_page; slot++)
      nodes += ConstNode(page.data(), layout, slot).in_use() ? 1 : 0;
  }
  return nodes;
}

class Duplicates : public ::testing::TestWithParam<bool> {};

// 3,500 rows of one vector: two inline, the others on four posting pages.
TEST_P(Duplicates, OneNodeHoldsThousandsOfRows) {
  const uint32_t count = 3500;
  const std::vector<Vector> others = GaussianVectors(41, 700, 768);
  const Vector same = GaussianVectors(42, 1, 768)[0];
  std::vector<Vector> rows = others;
  rows.insert(rows.end(), count, same);
  std::unique_ptr<MemoryIndex> index;
  if (GetParam()) {
    index = std::make_unique<MemoryIndex>(ParamsOf(768), rows);
  } else {
    index = std::make_unique<MemoryIndex>(ParamsOf(768));
    index->SetListLimit(1);
    index->InsertAll(rows);
  }
  uint32_t posting_pages = 0;
  EXPECT_EQ(NodesInUse(*index, index->file(), &posting_pages), 701u);
  EXPECT_EQ(posting_pages, (count - 2 + kPostingsPerPage - 1) / kPostingsPerPage);
  const std::vector<Hit> hits = index->Search(same, OptionsOf());
  ExpectRowsOnce(hits, RowsUpTo(700 + count), "duplicates");
  for (uint32_t i = 0; i < count; i++) ASSERT_GE(hits[i].row, 700u) << i;
  ExpectRowsOnce(index->Everything(), RowsUpTo(700 + count), "duplicates, without order");
}

INSTANTIATE_TEST_SUITE_P(BuiltOrGrown, Duplicates, ::testing::Bool());

// -0 and 0 are the same number, so the same vector.
TEST(DuplicateVectors, SignOfZeroMakesNoDifference) {
  MemoryIndex index(ParamsOf(3));
  index.SetListLimit(1);
  index.InsertAll(GaussianVectors(43, 400, 3));
  ASSERT_EQ(index.Insert(400, {0.0f, 1.0f, -0.0f}), std::nullopt);
  uint32_t posting_pages = 0;
  const uint32_t before = NodesInUse(index, index.file(), &posting_pages);
  ASSERT_EQ(index.Insert(401, {-0.0f, 1.0f, 0.0f}), std::nullopt);
  // The row is merged; draining the list may still have added others.
  const uint32_t drained = index.partition().state == PartitionState::kGraph ? 0 : 4;
  EXPECT_LE(NodesInUse(index, index.file(), &posting_pages), before + drained);
  EXPECT_EQ(index.partition().state, PartitionState::kGraph);
}

// Equal after rounding is not equal: only the originals' hash decides.
TEST(DuplicateVectors, VectorsThatRoundAlikeStayApart) {
  MemoryIndex index(ParamsOf(2, QUIVER_METRIC_L2, 16, QUIVER_STORAGE_FLOAT16));
  index.SetListLimit(1);
  index.InsertAll(GaussianVectors(44, 1500, 2));
  ASSERT_EQ(index.partition().state, PartitionState::kGraph);
  uint32_t posting_pages = 0;
  const uint32_t before = NodesInUse(index, index.file(), &posting_pages);
  ASSERT_EQ(index.Insert(2000, {1.0f, 2.0f}), std::nullopt);
  ASSERT_EQ(index.Insert(2001, {1.0f, 2.0000002f}), std::nullopt);
  EXPECT_EQ(NodesInUse(index, index.file(), &posting_pages), before + 2);
}

// What an UPDATE of another column tells: the vector is there.
TEST(DuplicateVectors, ExpectedTwinIsFoundWithFewPages) {
  const std::vector<Vector> rows = GaussianVectors(46, 6000, 32);
  MemoryIndex index(ParamsOf(32), rows);
  uint32_t posting_pages = 0;
  const uint32_t before = NodesInUse(index, index.file(), &posting_pages);
  uint64_t reads[2] = {0, 0};
  for (const bool expects : {false, true}) {
    index.SetExpectsTwins(expects);
    for (uint32_t i = 0; i < 100; i++) {
      MemoryStore store(index.file());
      ASSERT_EQ(index.InsertWith(&store, 7000 + 100 * (expects ? 1 : 0) + i, rows[37 * i]),
                std::nullopt);
      reads[expects ? 1 : 0] += store.reads();
    }
  }
  EXPECT_EQ(NodesInUse(index, index.file(), &posting_pages), before);
  // Every search ends where it meets its vector: what is spared is the wide descent.
  EXPECT_LT(reads[1], reads[0] * 9 / 10) << reads[0];
  std::vector<uint32_t> expected = RowsUpTo(6000);
  for (uint32_t i = 0; i < 200; i++) expected.push_back(7000 + i);
  ExpectRowsOnce(index.Search(rows[0], OptionsOf(10)), expected, "twins");
}

// The expectation is a hint: a vector that is not there gets a node with the same edges.
TEST(DuplicateVectors, ExpectedTwinThatIsNotThere) {
  const std::vector<Vector> rows = GaussianVectors(47, 1100, 60);
  MemoryIndex told(ParamsOf(60));
  MemoryIndex untold(ParamsOf(60));
  for (MemoryIndex* index : {&told, &untold}) {
    index->SetListLimit(1);
    index->SetExpectsTwins(index == &told);
    index->InsertAll(rows);
    ExpectSound(index, "no twins");
  }
  ASSERT_EQ(told.file()->block_count(), untold.file()->block_count());
  for (uint32_t block = 0; block < told.file()->block_count(); block++)
    ASSERT_EQ(told.file()->Copy(block), untold.file()->Copy(block)) << block;
}

// A chain that loses all its rows gives its page back; the vector's next rows get one.
TEST(DuplicateVectors, EmptiedChainIsFreed) {
  MemoryIndex index(ParamsOf(768));
  index.SetListLimit(1);
  index.InsertAll(GaussianVectors(45, 30, 768));
  const Vector same(768, 0.5f);
  uint32_t row = 30;
  for (int round = 0; round < 3; round++) {
    const uint32_t first = row;
    for (; row < first + 50; row++) ASSERT_EQ(index.Insert(row, same), std::nullopt);
    ExpectRowsOnce(
        index.Search(same, OptionsOf(10)),
        [&] {
          std::vector<uint32_t> rows = RowsUpTo(30);
          for (const uint32_t r : RowsUpTo(row, first)) rows.push_back(r);
          return rows;
        }(),
        "round " + std::to_string(round));
    ASSERT_EQ(index.Delete([](uint32_t r) { return r >= 30; }), std::nullopt);
    ExpectRowsOnce(index.Search(same, OptionsOf(10)), RowsUpTo(30), "after delete");
  }
  uint32_t posting_pages = 0;
  NodesInUse(index, index.file(), &posting_pages);
  EXPECT_EQ(posting_pages, 0u);
  EXPECT_EQ(index.PagesOf(PageKind::kFree).size(), 1u);
}

}  // namespace
}  // namespace quiver::fakes
