// The walk over the upper layers meets what searches begin with, once each, and nothing else.
#include <set>

#include "graph/index_testing.h"
#include "page/list_page.h"

namespace quiver::fakes {
namespace {

struct Visits {
  std::vector<uint32_t> blocks;
  size_t most = SIZE_MAX;
};

bool Visit(void* context, uint32_t block) {
  auto* visits = static_cast<Visits*>(context);
  visits->blocks.push_back(block);
  return visits->blocks.size() < visits->most;
}

std::set<uint32_t> Walk(MemoryIndex* index, uint32_t ahead) {
  MemoryStore store(index->file());
  Visits visits;
  bool ended = false;
  EXPECT_EQ(Describe(store.Run([&] {
              ended = quiver_walk_upper(store.callbacks(), index->index(), ahead, Visit, &visits);
            })),
            "");
  EXPECT_TRUE(ended);
  EXPECT_EQ(store.reads(), visits.blocks.size());
  std::set<uint32_t> once(visits.blocks.begin(), visits.blocks.end());
  EXPECT_EQ(once.size(), visits.blocks.size());
  return once;
}

std::set<uint32_t> BlocksOf(MemoryIndex* index, std::set<PageKind> kinds) {
  std::set<uint32_t> blocks;
  for (uint32_t block = 0; block < index->file()->block_count(); block++)
    if (kinds.contains(Special(index->file()->Copy(block).data())->kind)) blocks.insert(block);
  return blocks;
}

TEST(UpperWalk, OfAnEmptyIndexAndOfAList) {
  MemoryIndex index(ParamsOf(20));
  EXPECT_EQ(Walk(&index, 4), std::set<uint32_t>{kMetaBlock});
  index.InsertAll(GaussianVectors(911, 300, 20));
  EXPECT_EQ(Walk(&index, 0),
            BlocksOf(&index, {PageKind::kMeta, PageKind::kCenter, PageKind::kList}));
}

TEST(UpperWalk, OfAGraph) {
  for (const uint32_t dim : {20u, 900u}) {
    MemoryIndex index(ParamsOf(dim));
    index.SetListLimit(1);
    index.InsertAll(GaussianVectors(912, 1500, dim));
    const std::set<uint32_t> first =
        BlocksOf(&index, {PageKind::kMeta, PageKind::kCenter, PageKind::kUpper});
    EXPECT_GT(first.size(), 5u);
    for (const uint32_t ahead : {0u, 1u, 16u, 100000u}) {
      const std::set<uint32_t> met = Walk(&index, ahead);
      EXPECT_TRUE(std::includes(first.begin(), first.end(), met.begin(), met.end()));
      EXPECT_GE(met.size(), first.size() * 9 / 10);
    }
  }
}

TEST(UpperWalk, EndsWhereItIsTold) {
  MemoryIndex index(ParamsOf(20));
  index.SetListLimit(1);
  index.InsertAll(GaussianVectors(913, 1500, 20));
  MemoryStore store(index.file());
  Visits visits;
  visits.most = 3;
  bool ended = true;
  EXPECT_EQ(Describe(store.Run([&] {
              ended = quiver_walk_upper(store.callbacks(), index.index(), 8, Visit, &visits);
            })),
            "");
  EXPECT_FALSE(ended);
  EXPECT_EQ(visits.blocks.size(), 3u);
}

TEST(UpperWalk, OfDamagedPages) {
  MemoryIndex index(ParamsOf(20));
  index.SetListLimit(1);
  index.InsertAll(GaussianVectors(914, 1500, 20));
  std::set<uint32_t> uppers = BlocksOf(&index, {PageKind::kUpper});
  const uint32_t victim = *uppers.begin();
  // Links into nowhere and to pages of other kinds are no more than blocks read in vain.
  std::vector<uint8_t> page = index.file()->Copy(victim);
  const Node node(page.data(), index.layout(), 0);
  for (uint32_t i = 0; i < node.slot_count(); i++)
    node.numbers()[i] = i % 2 == 0 ? 0xFFFFFFF0u : 0u;
  index.file()->Overwrite(victim, 0, page.data(), page.size());
  EXPECT_FALSE(Walk(&index, 8).empty());
  PageAt<PageHeader>(page.data(), 0)->lower = 9000;
  index.file()->Overwrite(victim, 0, page.data(), page.size());
  MemoryStore store(index.file());
  Visits visits;
  EXPECT_NE(Describe(store.Run([&] {
              (void)quiver_walk_upper(store.callbacks(), index.index(), 8, Visit, &visits);
            })),
            "");
}

}  // namespace
}  // namespace quiver::fakes
