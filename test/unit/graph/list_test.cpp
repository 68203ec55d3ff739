// The list: it grows to its limit, then drains into the graph, and no row is lost on the way.
#include "graph/index_testing.h"
#include "page/list_page.h"

namespace quiver::fakes {
namespace {

TEST(List, FirstRowOfAnEmptyIndexGoesToTheList) {
  MemoryIndex index(ParamsOf(3));
  ASSERT_EQ(index.Insert(7, {1, 2, 3}), std::nullopt);
  EXPECT_EQ(index.partition().state, PartitionState::kList);
  EXPECT_EQ(index.partition().list_pages, 1u);
  EXPECT_FALSE(index.partition().entry().valid());
  const std::vector<Hit> hits = index.Search({1, 2, 3}, OptionsOf());
  ASSERT_EQ(hits.size(), 1u);
  EXPECT_EQ(hits[0].row, 7u);
  EXPECT_LT(hits[0].distance, 0.01);
}

// All rows once after every insert, from the first through growth and draining
// until the list is gone.
TEST(List, RowsAreFoundWhileTheListDrains) {
  MemoryIndex index(ParamsOf(200));
  const uint32_t limit = 3;
  index.SetListLimit(limit);
  const std::vector<Vector> rows = GaussianVectors(31, 400, 200);
  bool drained = false;
  for (uint32_t i = 0; i < rows.size() && !drained; i++) {
    ASSERT_EQ(index.Insert(i, rows[i]), std::nullopt);
    EXPECT_LE(index.partition().list_pages, limit);
    ExpectRowsOnce(index.Search(rows[0], OptionsOf(10)), RowsUpTo(i + 1), "by distance");
    ExpectRowsOnce(index.Everything(), RowsUpTo(i + 1), "without order");
    if (HasFailure()) FAIL() << "after " << i + 1 << " rows";
    drained = index.partition().state == PartitionState::kGraph;
  }
  EXPECT_TRUE(drained);
  EXPECT_EQ(index.partition().list_head, QUIVER_INVALID_BLOCK);
  EXPECT_EQ(index.partition().list_tail, QUIVER_INVALID_BLOCK);
}

// An insert moves a bounded number of rows: nobody waits for a conversion.
TEST(List, AnInsertMovesFewRows) {
  MemoryIndex index(ParamsOf(200));
  index.SetListLimit(4);
  const std::vector<Vector> rows = GaussianVectors(32, 300, 200);
  uint64_t most = 0;
  for (uint32_t i = 0; i < rows.size(); i++) {
    MemoryStore store(index.file());
    ASSERT_EQ(index.InsertWith(&store, i, rows[i]), std::nullopt);
    most = std::max(most, store.records());
  }
  // Five rows of at most one record each for the node and four pages of
  // back-links in one, 30 neighbours at most.
  EXPECT_LE(most, 5u * 32);
  EXPECT_EQ(index.partition().state, PartitionState::kGraph);
}

// A row that moves goes up the blocks, where a vacuum that goes up finds it.
TEST(List, RowsMoveToHigherBlocks) {
  MemoryIndex index(ParamsOf(200));
  index.SetListLimit(2);
  index.InsertAll(GaussianVectors(33, 300, 200));
  ASSERT_EQ(index.partition().state, PartitionState::kGraph);
  // Once it is a graph, nodes may lie where the list was.
  for (uint32_t block = 1; block < index.file()->block_count(); block++) {
    const std::vector<uint8_t> page = index.file()->Copy(block);
    EXPECT_NE(Special(page.data())->kind, PageKind::kList) << block;
    if (block <= 2) {
      EXPECT_EQ(Special(page.data())->kind, PageKind::kNode) << block;
    }
  }
}

// A reader that stands before a list page which is drained and freed meanwhile
// goes on with the rest of the list.
TEST(List, DrainingUnderAScanLosesNoRow) {
  for (int pause = 1; pause <= 4; pause++) {
    MemoryIndex index(ParamsOf(200));
    index.SetListLimit(4);
    const std::vector<Vector> rows = GaussianVectors(34, 400, 200);
    uint32_t next = 0;
    while (index.partition().state == PartitionState::kList) {
      ASSERT_EQ(index.Insert(next, rows[next]), std::nullopt);
      next++;
    }
    const uint32_t visible = next;
    Cursor cursor(index.file(), index.index(), OptionsOf(10), &rows[0]);
    int polls = 0;
    cursor.store().set_at_poll([&] {
      if (++polls != pause) return;
      const uint32_t head = index.partition().list_head;
      while (index.partition().list_head == head || index.partition().list_pages > 2) {
        ASSERT_EQ(index.Insert(next, rows[next]), std::nullopt);
        next++;
      }
    });
    std::vector<Hit> hits;
    while (const std::optional<Hit> hit = cursor.Next())
      if (hit->row < visible) hits.push_back(*hit);
    EXPECT_EQ(Describe(cursor.error()), "");
    ExpectRowsOnce(hits, RowsUpTo(visible), "pause " + std::to_string(pause));
  }
}

}  // namespace
}  // namespace quiver::fakes
