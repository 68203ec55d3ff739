// The statistics count what was put in.
#include "graph/index_testing.h"
#include "page/list_page.h"

namespace quiver::fakes {
namespace {

QuiverIndexStats StatsOf(MemoryIndex* index) {
  MemoryStore store(index->file());
  QuiverIndexStats stats;
  EXPECT_EQ(
      Describe(store.Run([&] { quiver_index_stats(store.callbacks(), index->index(), &stats); })),
      "");
  EXPECT_EQ(store.reads(), size_t{index->file()->block_count()} + 1);
  uint64_t pages = stats.zero_pages;
  for (const uint64_t count : stats.pages) pages += count;
  EXPECT_EQ(pages, index->file()->block_count());
  EXPECT_EQ(stats.blocks, index->file()->block_count());
  return stats;
}

TEST(IndexStats, OfAnEmptyIndex) {
  MemoryIndex index(ParamsOf(20));
  const QuiverIndexStats stats = StatsOf(&index);
  EXPECT_EQ(stats.state, QUIVER_STATE_LIST);
  EXPECT_EQ(stats.levels, -1);
  EXPECT_EQ(stats.node_rows + stats.list_rows + stats.null_rows + stats.nan_rows, 0u);
  EXPECT_EQ(stats.pages[QUIVER_PAGE_META], 1u);
  EXPECT_EQ(stats.m, 16u);
  EXPECT_EQ(stats.format_version, kFormatVersion);
}

TEST(IndexStats, OfAList) {
  MemoryIndex index(ParamsOf(20, QUIVER_METRIC_COSINE));
  index.InsertAll(GaussianVectors(821, 300, 20));
  index.InsertAll<Value>({Value(), ZeroValue(QUIVER_FORM_DENSE, 20), Value()}, 300);
  const QuiverIndexStats stats = StatsOf(&index);
  EXPECT_EQ(stats.list_rows, 300u);
  EXPECT_EQ(stats.null_rows, 2u);
  EXPECT_EQ(stats.nan_rows, 1u);
  EXPECT_EQ(stats.node_rows, 0u);
  EXPECT_EQ(stats.pages[QUIVER_PAGE_LIST], index.partition().list_pages);
  EXPECT_EQ(stats.pages[QUIVER_PAGE_LOOSE], 1u);
}

TEST(IndexStats, OfAGraph) {
  MemoryIndex index(ParamsOf(20));
  index.SetListLimit(1);
  const std::vector<Vector> rows = GaussianVectors(822, 700, 20);
  index.InsertAll(rows);
  // The first two of one vector's rows stand in its node, the others on three pages.
  const uint32_t further = 2 * kPostingsPerPage + 5;
  index.InsertAll(std::vector<Vector>(further + 1, rows[600]), 700);
  ASSERT_EQ(Describe(index.Delete([](uint32_t row) { return row < 90; })), "");
  index.file()->Extend();
  const QuiverIndexStats stats = StatsOf(&index);
  EXPECT_EQ(stats.state, QUIVER_STATE_GRAPH);
  EXPECT_EQ(stats.levels, index.partition().entry_level);
  EXPECT_EQ(stats.node_rows, 610 + further + 1);
  EXPECT_EQ(stats.nodes[0], 700u);
  uint64_t upper = 0;
  for (int level = 1; level < QUIVER_LEVELS; level++) upper += stats.nodes[level];
  EXPECT_GT(upper, 0u);
  EXPECT_EQ(stats.emptied_nodes, 90u);
  EXPECT_EQ(stats.free_places + 700 + upper,
            (stats.pages[QUIVER_PAGE_NODE] + stats.pages[QUIVER_PAGE_UPPER]) *
                index.layout().nodes_per_page);
  EXPECT_EQ(stats.zero_pages, 1u);
  EXPECT_EQ(stats.pages[QUIVER_PAGE_POSTING], 3u);
  EXPECT_EQ(stats.longest_chain, 3u);
  EXPECT_GT(stats.least_degree, 0u);
  EXPECT_LE(stats.most_degree, index.layout().slots);
  EXPECT_LE(stats.edges, stats.most_degree * stats.nodes[0]);
  EXPECT_GE(stats.edges, stats.least_degree * stats.nodes[0]);
  EXPECT_GT(stats.dominated_edges, 0u);
  EXPECT_LT(stats.dominated_edges, stats.edges);
  EXPECT_GT(stats.full_lists, 0u);
  EXPECT_LT(stats.full_lists, stats.nodes[0]);
  EXPECT_EQ(stats.repair_pending, 1u);

  ASSERT_EQ(Describe(index.Cleanup()), "");
  const QuiverIndexStats repaired = StatsOf(&index);
  EXPECT_EQ(repaired.repair_pending, 0u);
  EXPECT_EQ(repaired.emptied_nodes, 0u);
  EXPECT_EQ(repaired.nodes[0], 610u);
  EXPECT_EQ(repaired.node_rows, stats.node_rows);
  EXPECT_GT(repaired.pages[QUIVER_PAGE_FREE] * index.layout().nodes_per_page + repaired.free_places,
            stats.free_places);
}

TEST(IndexStats, OfNodesLargerThanAPage) {
  MemoryIndex index(ParamsOf(5000, QUIVER_METRIC_L2, 8));
  index.SetListLimit(1);
  index.InsertAll(GaussianVectors(823, 30, 5000));
  const QuiverIndexStats stats = StatsOf(&index);
  EXPECT_EQ(stats.nodes[0], 30u);
  EXPECT_GE(stats.pages[QUIVER_PAGE_CHUNK], 60u);
}

// A page that is lost is an error, not a lower figure.
TEST(IndexStats, FailOnDamage) {
  MemoryIndex index(ParamsOf(20));
  index.SetListLimit(1);
  index.InsertAll(GaussianVectors(824, 300, 20));
  const uint16_t magic = 0;
  index.file()->Overwrite(index.PagesOf(PageKind::kNode)[0],
                          kPageSpecialOffset + offsetof(PageSpecial, magic), &magic, sizeof magic);
  MemoryStore store(index.file());
  QuiverIndexStats stats;
  const std::optional<QuiverError> error =
      store.Run([&] { quiver_index_stats(store.callbacks(), index.index(), &stats); });
  ASSERT_TRUE(error.has_value());
  EXPECT_EQ(error->code, QUIVER_ERROR_CORRUPTED);
}

}  // namespace
}  // namespace quiver::fakes
