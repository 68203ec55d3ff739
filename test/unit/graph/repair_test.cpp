// Repair after deletes: lists lead to living nodes only, places are reused, and the
// graph is about as good as a fresh one.
#include "base/random.h"
#include "graph/index_testing.h"
#include "page/node.h"

namespace quiver::fakes {
namespace {

std::vector<uint32_t> Without(uint32_t count, const std::set<uint32_t>& dead) {
  std::vector<uint32_t> rows;
  for (uint32_t i = 0; i < count; i++)
    if (dead.count(i) == 0) rows.push_back(i);
  return rows;
}

std::set<uint32_t> SomeOf(uint32_t count, double share, uint64_t seed) {
  SplitMix64 random(seed);
  std::set<uint32_t> rows;
  for (uint32_t i = 0; i < count; i++)
    if (random.NextDouble() < share) rows.insert(i);
  return rows;
}

struct Counts {
  uint32_t nodes = 0;    // of the bottom layer
  uint32_t emptied = 0;  // of all layers
  uint32_t free = 0;     // places on node pages
  uint32_t stray = 0;    // links that lead to no living node of their layer
  uint32_t edges = 0;
};

Counts Count(MemoryIndex* index) {
  const NodeLayout& layout = index->layout();
  Counts counts;
  std::map<uint32_t, std::pair<uint16_t, int>> living;
  std::vector<std::vector<uint8_t>> pages;
  const auto each = [&](const auto& visit) {
    for (const auto& page : pages)
      for (uint32_t slot = 0; slot < layout.nodes_per_page; slot++)
        visit(ConstNode(page.data(), layout, slot), slot, page);
  };
  std::vector<uint32_t> blocks;
  for (const PageKind kind : {PageKind::kNode, PageKind::kUpper})
    for (const uint32_t block : index->PagesOf(kind)) {
      blocks.push_back(block);
      pages.push_back(index->file()->Copy(block));
    }
  size_t at = 0;
  for (const auto& page : pages) {
    for (uint32_t slot = 0; slot < layout.nodes_per_page; slot++) {
      const ConstNode node(page.data(), layout, slot);
      if (!node.in_use()) {
        counts.free++;
      } else if ((node.head().flags & kNodeEmptied) != 0) {
        counts.emptied++;
      } else {
        counts.nodes += node.head().level == 0 ? 1 : 0;
        living[layout.NumberOf(blocks[at], slot)] = {node.pointer_generation(), node.head().level};
      }
    }
    at++;
  }
  each([&](const ConstNode& node, uint32_t, const auto&) {
    if (!node.in_use()) return;
    for (uint32_t i = 0; i < node.slot_count(); i++) {
      const NodePointer to = node.neighbor(i);
      const auto found = living.find(to.number);
      counts.edges++;
      if (found == living.end() ||
          found->second != std::make_pair(to.generation, int{node.head().level}))
        counts.stray++;
    }
  });
  return counts;
}

// Rows that their own vector finds, without a sweep.
uint32_t FoundByThemselves(MemoryIndex* index, const std::vector<Value>& rows,
                           const std::vector<uint32_t>& which) {
  uint32_t found = 0;
  for (const uint32_t row : which) {
    const std::vector<Hit> hits = index->Search(rows[row], OptionsOf(40, QUIVER_ITERATIVE_OFF));
    found += std::any_of(hits.begin(), hits.end(), [&](const Hit& hit) { return hit.row == row; })
                 ? 1
                 : 0;
  }
  return found;
}

struct Shape {
  QuiverIndexParams params;
  uint32_t count;
};

class Repair : public ::testing::TestWithParam<Shape> {
 protected:
  static std::vector<Value> Rows(const Shape& shape) {
    std::vector<Value> rows =
        shape.params.form == QUIVER_FORM_SPARSE
            ? SparseVectors(311, shape.count, shape.params.dim, {20, 50, 1500, 3000}, 100)
            : RandomValues(shape.params, 311, shape.count);
    for (size_t i = 0; i < rows.size(); i++)
      if (i % 9 == 4) rows[i] = rows[0];
    return rows;
  }
};

TEST_P(Repair, LeavesNoTraceOfDeadNodes) {
  const Shape& shape = GetParam();
  const std::vector<Value> rows = Rows(shape);
  for (const double share : {0.1, 0.5, 0.9}) {
    MemoryIndex index(shape.params);
    index.SetListLimit(1);
    index.InsertAll(rows);
    const std::set<uint32_t> dead = SomeOf(shape.count, share, 312);
    const std::vector<uint32_t> left = Without(shape.count, dead);
    const uint32_t before = FoundByThemselves(&index, rows, left);
    const uint32_t nodes = Count(&index).nodes;
    QuiverVacuumStats stats = {};
    ASSERT_EQ(Describe(index.Vacuum([&](uint32_t row) { return dead.count(row) != 0; }, &stats)),
              "");
    const Counts counts = Count(&index);
    EXPECT_EQ(counts.emptied, 0u) << share;
    EXPECT_EQ(counts.stray, 0u) << share << " of " << counts.edges;
    EXPECT_EQ(counts.nodes, nodes - stats.emptied) << share;
    EXPECT_GE(stats.freed_nodes, stats.emptied) << share;
    ExpectRowsOnce(index.Search(rows[1], OptionsOf(10)), left, "by distance");
    ExpectRowsOnce(index.Everything(), left, "without order");
    ExpectSound(&index, "share " + std::to_string(share));
    EXPECT_EQ(index.Verify().Figure("links to nodes that are gone"), 0u) << share;
    // The graph leads to about as many of them as before.
    const uint32_t found = FoundByThemselves(&index, rows, left);
    EXPECT_GE(found + left.size() / 20 + 1, before) << share << " of " << left.size();
  }
}

// Rows that come back take the places of those that went.
TEST_P(Repair, ReusesPlaces) {
  const Shape& shape = GetParam();
  const std::vector<Value> rows = Rows(shape);
  MemoryIndex index(shape.params);
  index.SetListLimit(1);
  index.InsertAll(rows);
  const uint32_t before = index.file()->block_count();
  uint32_t next = shape.count;
  std::map<uint32_t, uint32_t> of;  // row -> which vector
  for (uint32_t i = 0; i < shape.count; i++) of[i] = i;
  for (uint64_t round = 1; round <= 5; round++) {
    std::set<uint32_t> dead;
    SplitMix64 random(round);
    for (const auto& [row, vector] : of)
      if (random.NextDouble() < 0.75) dead.insert(row);
    ASSERT_EQ(Describe(index.Vacuum([&](uint32_t row) { return dead.count(row) != 0; })), "");
    for (const uint32_t row : dead) {
      index.InsertAll<Value>({rows[of[row]]}, next);
      of[next++] = of[row];
      of.erase(row);
    }
    std::vector<uint32_t> all;
    for (const auto& [row, vector] : of) all.push_back(row);
    ExpectRowsOnce(index.Everything(), all, "round " + std::to_string(round));
    ExpectRowsOnce(index.Search(rows[1], OptionsOf(10)), all, "round " + std::to_string(round));
    ExpectSound(&index, "round " + std::to_string(round));
  }
  // Where vectors differ in size, their further pages find room less often: they must
  // lie above their node.
  const uint32_t more = shape.params.form == QUIVER_FORM_SPARSE ? before / 2 : before / 5;
  EXPECT_LE(index.file()->block_count(), before + more + 16);
}

INSTANTIATE_TEST_SUITE_P(
    All, Repair,
    ::testing::Values(Shape{ParamsOf(60), 400}, Shape{ParamsOf(60, QUIVER_METRIC_IP, 4), 300},
                      Shape{ParamsOf(1500, QUIVER_METRIC_COSINE, 16, QUIVER_STORAGE_FLOAT32), 200},
                      Shape{ParamsOf(5000, QUIVER_METRIC_L2), 150},
                      Shape{ParamsOf(3000, QUIVER_METRIC_L2, 60), 200},
                      Shape{ParamsOf(60, QUIVER_METRIC_L1, 4), 300},
                      Shape{ParamsOf(9000, QUIVER_METRIC_L1, 4), 100},
                      Shape{ParamsOf(300, QUIVER_METRIC_JACCARD, 4), 400},
                      Shape{ParamsOf(20000, QUIVER_METRIC_JACCARD, 4), 100},
                      Shape{SparseParamsOf(5000, QUIVER_METRIC_L2, 4), 150}),
    [](const ::testing::TestParamInfo<Shape>& info) {
      std::string name = NameOf(info.param.params) + " m" + std::to_string(info.param.params.m);
      std::replace(name.begin(), name.end(), ' ', '_');
      return name;
    });

// Against an index of the remaining rows that was never anything else.
TEST(RepairedGraph, IsAsGoodAsAFreshOne) {
  const uint32_t count = 4000;
  const std::vector<Vector> rows = GaussianVectors(321, count, 96);
  const std::vector<Vector> queries = GaussianVectors(322, 300, 96);
  for (const double share : {0.1, 0.5, 0.75}) {
    MemoryIndex index(ParamsOf(96), rows);
    const std::set<uint32_t> dead = SomeOf(count, share, 323);
    QuiverVacuumStats stats = {};
    ASSERT_EQ(Describe(index.Vacuum([&](uint32_t row) { return dead.count(row) != 0; }, &stats)),
              "");
    ASSERT_GT(stats.mended, 0u);
    std::vector<Vector> left;
    std::map<uint32_t, uint32_t> position;
    for (uint32_t i = 0; i < count; i++) {
      if (dead.count(i) != 0) continue;
      position[i] = static_cast<uint32_t>(left.size());
      left.push_back(rows[i]);
    }
    MemoryIndex fresh(ParamsOf(96));
    fresh.SetListLimit(1);
    fresh.InsertAll(left);
    double repaired = 0;
    for (const Vector& query : queries) {
      const std::set<uint32_t> exact = ExactNearest(QUIVER_METRIC_L2, left, query, 10);
      for (const Hit& hit : index.Search(query, OptionsOf(100), 10))
        repaired += exact.count(position[hit.row]) != 0 ? 1 : 0;
    }
    repaired /= 10.0 * static_cast<double>(queries.size());
    const double anew = Recall(&fresh, left, queries, 100);
    printf(
        "%.2f deleted: recall@10 at ef 100: %.3f, built anew %.3f; %lu mended, %lu links, %lu "
        "searched\n",
        share, repaired, anew, stats.mended, stats.linked, stats.searched);
    // 3,000 answers: a third of a percent is what chance does.
    EXPECT_GE(repaired, anew - 0.015) << share;
  }
}

TEST(RepairedGraph, AllGoneThenOneCame) {
  MemoryIndex index(ParamsOf(60));
  index.SetListLimit(1);
  index.InsertAll(GaussianVectors(331, 600, 60));
  ASSERT_EQ(Describe(index.Vacuum([](uint32_t) { return true; })), "");
  EXPECT_FALSE(index.partition().entry().valid());
  EXPECT_TRUE(index.Everything().empty());
  const uint32_t before = index.file()->block_count();
  const std::vector<Vector> rows = GaussianVectors(332, 500, 60);
  index.InsertAll(rows, 1000);
  ExpectRowsOnce(index.Search(rows[0], OptionsOf(10)), RowsUpTo(1500, 1000), "afterwards");
  ExpectSound(&index, "afterwards");
  EXPECT_LE(index.file()->block_count(), before);
}

// A row that failed between its chunks and its node comes again, into the same place:
// the store refuses records that change nothing.
TEST(RepairedGraph, SameRowAgainAfterAFailure) {
  const QuiverIndexParams params = ParamsOf(6000, QUIVER_METRIC_COSINE, 8);
  const std::vector<Value> rows = RandomValues(params, 361, 31);
  MemoryIndex start(params);
  start.SetListLimit(1);
  start.InsertAll<Value>({rows.begin(), rows.begin() + 30});
  ASSERT_EQ(Describe(start.Vacuum([](uint32_t row) { return row >= 25; })), "");
  for (uint64_t n = 1;; n++) {
    MemoryIndex index(start);
    MemoryStore failing(index.file());
    failing.FailAt(n);
    if (!index.InsertWith(&failing, 30, rows[30]).has_value()) break;
    MemoryStore again(index.file());
    ASSERT_EQ(Describe(index.InsertWith(&again, 30, rows[30])), "") << n;
    if (n % 10 == 0) ExpectSound(&index, "call " + std::to_string(n));
  }
}

// Chains of rows give their pages back.
TEST(RepairedGraph, ChainsOfRowsShrink) {
  const Vector one = GaussianVectors(341, 1, 60)[0];
  MemoryIndex index(ParamsOf(60), GaussianVectors(342, 400, 60));
  for (uint32_t row = 1000; row < 6000; row++) index.InsertAll<Vector>({one}, row);
  for (uint32_t row = 6000; row < 9000; row++) index.InsertAll<Value>({Value()}, row);
  EXPECT_GE(index.PagesOf(PageKind::kPosting).size(), 4u);
  EXPECT_GE(index.PagesOf(PageKind::kLoose).size(), 3u);
  const uint32_t before = index.file()->block_count();
  // The middle of each chain first.
  ASSERT_EQ(Describe(index.Vacuum([](uint32_t row) {
              return (row >= 2100 && row < 4900) || (row >= 6900 && row < 8200);
            })),
            "");
  std::vector<uint32_t> left = RowsUpTo(400);
  for (uint32_t row = 1000; row < 9000; row++)
    if (!((row >= 2100 && row < 4900) || (row >= 6900 && row < 8200))) left.push_back(row);
  ExpectRowsOnce(index.Search(one, OptionsOf(10)), left, "middle gone");
  ExpectSound(&index, "middle gone");
  EXPECT_LE(index.PagesOf(PageKind::kPosting).size(), 4u);
  ASSERT_EQ(Describe(index.Vacuum([](uint32_t row) { return row >= 1000; })), "");
  EXPECT_EQ(index.PagesOf(PageKind::kPosting).size(), 0u);
  EXPECT_EQ(index.PagesOf(PageKind::kLoose).size(), 1u);
  EXPECT_EQ(Count(&index).emptied, 0u);
  ExpectRowsOnce(index.Search(one, OptionsOf(10)), RowsUpTo(400), "all gone");
  ExpectSound(&index, "all gone");
  for (uint32_t row = 1000; row < 6000; row++) index.InsertAll<Vector>({one}, row);
  for (uint32_t row = 6000; row < 9000; row++) index.InsertAll<Value>({Value()}, row);
  EXPECT_LE(index.file()->block_count(), before + 1);
}

// An update that leaves the vector alone writes one record and no edge, after a search
// that ends early.
TEST(RepairedGraph, SameVectorAddsARowOnly) {
  const std::vector<Vector> rows = ClusteredVectors(351, 3000, 64, 30, 2);
  MemoryIndex index(ParamsOf(64), rows);
  uint64_t reads = 0;
  for (uint32_t row = 0; row < 100; row++) {
    MemoryStore store(index.file());
    ASSERT_EQ(Describe(index.InsertWith(&store, 5000 + row, rows[20 * row])), "");
    EXPECT_EQ(store.records(), 1u) << row;
    reads += store.reads();
  }
  // A new vector's search reads at least ef_construction pages.
  EXPECT_LT(reads / 100, 40u);
}

uint32_t RepairPending(MemoryIndex* index) {
  return Meta(static_cast<const uint8_t*>(index->file()->Copy(kMetaBlock).data()))->repair_pending;
}

// A chain that loses its first page, but not its node the last row, is no reason to
// look at the whole graph.
TEST(RepairedGraph, NoRepairWithoutEmptiedNodes) {
  const Vector one = GaussianVectors(361, 1, 60)[0];
  MemoryIndex index(ParamsOf(60));
  index.SetListLimit(1);
  index.InsertAll(GaussianVectors(362, 300, 60));
  for (uint32_t row = 1000; row < 3500; row++) index.InsertAll<Vector>({one}, row);
  QuiverVacuumStats stats = {};
  ASSERT_EQ(Describe(index.Delete([](uint32_t row) { return row >= 1000 && row < 2500; }, &stats)),
            "");
  EXPECT_GE(stats.freed_pages, 1u);
  EXPECT_EQ(stats.emptied, 0u);
  EXPECT_EQ(RepairPending(&index), 0u);
  ASSERT_EQ(Describe(index.Delete([](uint32_t row) { return row >= 1000; }, &stats)), "");
  EXPECT_EQ(stats.emptied, 1u);
  EXPECT_NE(RepairPending(&index), 0u);
}

// Two chains that lie between each other, with every second page empty.
TEST(RepairedGraph, EachChainIsWalkedOnce) {
  const std::vector<Vector> two = GaussianVectors(371, 2, 16);
  MemoryIndex index(ParamsOf(16));
  index.SetListLimit(1);
  index.InsertAll(GaussianVectors(372, 300, 16));
  const uint32_t pages = 10;
  const auto count = static_cast<uint32_t>(2 * pages * kPostingsPerPage);
  for (uint32_t row = 1000; row < 1000 + count; row++) index.InsertAll<Vector>({two[row % 2]}, row);
  ASSERT_GE(index.PagesOf(PageKind::kPosting).size(), 2 * pages - 2);
  MemoryStore store(index.file());
  QuiverVacuumStats stats = {};
  const auto dead = [](uint32_t row) {
    return row >= 1000 && (row - 1000) / (2 * kPostingsPerPage) % 2 == 1;
  };
  // Rows 4 in the heads shift the pages by two rows.
  ASSERT_EQ(Describe(index.Delete([&](uint32_t row) { return row >= 1004 && dead(row - 4); },
                                  &stats, &store)),
            "");
  EXPECT_GE(stats.freed_pages, pages - 2);
  EXPECT_LE(store.reads(), 2 * pages + 10);
}

// A chain of pages with room that leads to the meta page, in a circle or to pages of
// another kind ends there.
TEST(RepairedGraph, DamagedChainOfRoom) {
  const std::vector<Vector> rows = GaussianVectors(381, 700, 60);
  MemoryIndex sound(ParamsOf(60));
  sound.SetListLimit(1);
  sound.InsertAll(rows);
  ASSERT_EQ(Describe(sound.Vacuum([](uint32_t row) { return row % 3 == 0; })), "");
  const uint32_t first = sound.partition().node_room;
  ASSERT_NE(first, QUIVER_INVALID_BLOCK);
  const std::vector<uint32_t> upper = sound.PagesOf(PageKind::kUpper);
  ASSERT_FALSE(upper.empty());
  for (const uint32_t next : {kMetaBlock, first, upper[0], 5000000u}) {
    MemoryIndex index(sound);
    index.file()->Overwrite(first, kPageSpecialOffset + offsetof(PageSpecial, next), &next,
                            sizeof next);
    for (uint32_t row = 1000; row < 1200; row++)
      ASSERT_EQ(Describe(index.Insert(row, rows[(row - 1000) * 3])), "") << next;
    EXPECT_EQ(Describe(index.Open()), "") << next;
    std::vector<uint32_t> left = RowsUpTo(1200, 1000);
    for (uint32_t row = 0; row < 700; row++)
      if (row % 3 != 0) left.push_back(row);
    ExpectRowsOnce(index.Everything(), left, std::to_string(next));
  }
}

uint64_t pages_visited = 0;

// A few dead rows in a large index: the census, one look at each list, and chunk pages once more.
TEST(Repair, FewEmptiedNodesCostTwoPasses) {
  for (const uint32_t dim : {16u, 9000u}) {
    const uint32_t count = dim > 1000 ? 60 : 12000;
    MemoryIndex index(ParamsOf(dim), GaussianVectors(78, count, dim));
    ASSERT_EQ(index.partition().state, PartitionState::kGraph);
    ASSERT_EQ(Describe(index.Delete([](uint32_t row) { return row == 7; })), "");
    const uint32_t blocks = index.file()->block_count();
    const auto chunks = static_cast<uint32_t>(index.PagesOf(PageKind::kChunk).size());
    MemoryStore store(index.file());
    QuiverVacuumStats stats = {};
    pages_visited = 0;
    ASSERT_EQ(Describe(store.Run([&] {
                quiver_vacuum_cleanup(
                    store.callbacks(), index.index(), index.params().ef_construction,
                    [] { pages_visited++; }, &stats);
              })),
              "");
    EXPECT_EQ(stats.freed_nodes, 1u);
    const auto uppers = index.PagesOf(PageKind::kUpper).size() * index.layout().nodes_per_page;
    EXPECT_LE(pages_visited, 2 * blocks + chunks + uppers + 10) << blocks << " pages";
    ExpectSound(&index, "after the repair");
  }
}

}  // namespace
}  // namespace quiver::fakes
