// Damaged pages: rows or an error, never a crash, a hang or an access out of
// bounds (run under ASan and UBSan too).  test/fuzz goes on where this ends.
#include "fakes/damaged_index.h"

#include "base/random.h"
#include "graph/index_testing.h"

namespace quiver::fakes {
namespace {

class Damage : public ::testing::TestWithParam<QuiverMetric> {
 protected:
  Damage() : index_(IndexOfAllPageKinds(60, GetParam())) {
    ChooseLayout(60, 16, QUIVER_STORAGE_AUTO, &layout_);
  }

  std::vector<uint32_t> PagesOf(PageKind kind) {
    std::vector<uint32_t> blocks;
    for (uint32_t block = 0; block < index_.file()->block_count(); block++)
      if (IsPageOf(index_.file()->Copy(block).data(), kind)) blocks.push_back(block);
    return blocks;
  }

  // Random bytes at random places of [first, end) of a page.
  static void Scribble(MemoryFile* file, uint32_t block, size_t first, size_t end,
                       SplitMix64* random) {
    const size_t places = 1 + random->Next() % 4;
    for (size_t i = 0; i < places; i++) {
      const size_t at = first + random->Next() % (end - first);
      const size_t count = std::min<size_t>(end - at, 1 + random->Next() % 8);
      uint64_t value = random->Next();
      // Extreme values are likelier to hurt than random ones.
      if (random->Next() % 4 == 0) value = 0;
      if (random->Next() % 4 == 0) value = UINT64_MAX;
      file->Overwrite(block, at, &value, count);
    }
  }

  void Try(uint64_t seed, size_t first, size_t end) {
    SplitMix64 random(seed);
    MemoryFile file(*index_.file());
    const uint64_t blocks = 1 + random.Next() % 3;
    for (uint64_t i = 0; i < blocks; i++)
      Scribble(&file, static_cast<uint32_t>(random.Next() % file.block_count()), first, end,
               &random);
    ASSERT_EQ(UseDamaged(file, index_.params(), seed), "") << "seed " << seed;
  }

  MemoryIndex index_;
  NodeLayout layout_;
};

TEST_P(Damage, TheIndexHasEveryKindOfPage) {
  for (const PageKind kind :
       {PageKind::kMeta, PageKind::kNode, PageKind::kUpper, PageKind::kList, PageKind::kPosting})
    EXPECT_FALSE(PagesOf(kind).empty()) << static_cast<int>(kind);
  EXPECT_FALSE(PagesOf(PageKind::kLoose).empty());
  EXPECT_EQ(UseDamaged(*index_.file(), index_.params(), 1), "");
}

TEST_P(Damage, AnywhereOnAnyPage) {
  for (uint64_t seed = 1; seed <= 50; seed++) Try(seed, 0, kPageBytes);
}

TEST_P(Damage, PageHeaders) {
  for (uint64_t seed = 1001; seed <= 1030; seed++) Try(seed, 0, kPageHeaderBytes);
}

TEST_P(Damage, SpecialSpaces) {
  for (uint64_t seed = 2001; seed <= 2030; seed++) Try(seed, kPageSpecialOffset, kPageBytes);
}

// Where a node's head and a chain's first entries are, and all of the meta page.
TEST_P(Damage, HeadsAndMeta) {
  for (uint64_t seed = 3001; seed <= 3050; seed++) Try(seed, kPageHeaderBytes, 200);
}

TEST_P(Damage, MetaPageAlone) {
  for (uint64_t seed = 4001; seed <= 4100; seed++) {
    SplitMix64 random(seed);
    MemoryFile file(*index_.file());
    Scribble(&file, kMetaBlock, kPageHeaderBytes, kPageHeaderBytes + sizeof(MetaData), &random);
    ASSERT_EQ(UseDamaged(file, index_.params(), seed), "") << "seed " << seed;
  }
}

// Pages changed for one another: sound each, but not where they belong.
TEST_P(Damage, PagesInOthersPlaces) {
  for (uint64_t seed = 5001; seed <= 5040; seed++) {
    SplitMix64 random(seed);
    MemoryFile file(*index_.file());
    const auto from = static_cast<uint32_t>(random.Next() % file.block_count());
    const auto to = static_cast<uint32_t>(1 + random.Next() % (file.block_count() - 1));
    file.Overwrite(to, 0, file.Copy(from).data(), kPageBytes);
    ASSERT_EQ(UseDamaged(file, index_.params(), seed), "") << "seed " << seed;
  }
}

// Chains that run in circles end in an error.
TEST_P(Damage, Circles) {
  for (const PageKind kind : {PageKind::kList, PageKind::kPosting, PageKind::kLoose}) {
    const std::vector<uint32_t> blocks = PagesOf(kind);
    for (const uint32_t block : blocks) {
      MemoryFile file(*index_.file());
      file.Overwrite(block, kPageSpecialOffset + offsetof(PageSpecial, next), &block, sizeof block);
      ASSERT_EQ(UseDamaged(file, index_.params(), block), "") << "block " << block;
      MemoryIndex damaged(file, index_.params());
      std::optional<QuiverError> error;
      damaged.Search(GaussianVectors(1, 1, 60)[0], OptionsOf(10), SIZE_MAX, &error);
      EXPECT_TRUE(error.has_value()) << "block " << block;
      if (error.has_value()) {
        EXPECT_EQ(error->code, QUIVER_ERROR_CORRUPTED) << "block " << block;
      }
    }
  }
}

// Links alone: fewer routes, the same rows.
TEST_P(Damage, LinksLoseNoRows) {
  const size_t rows = index_.Everything().size();
  for (uint64_t seed = 6001; seed <= 6010; seed++) {
    SplitMix64 random(seed);
    MemoryFile file(*index_.file());
    for (const PageKind kind : {PageKind::kNode, PageKind::kUpper}) {
      for (const uint32_t block : PagesOf(kind)) {
        for (uint32_t slot = 0; slot < layout_.nodes_per_page; slot++) {
          const size_t node = layout_.OffsetOf(slot);
          Scribble(&file, block, node + layout_.code_offset, node + layout_.node_bytes, &random);
        }
      }
    }
    MemoryIndex damaged(file, index_.params());
    const std::vector<Hit> hits = damaged.Search(GaussianVectors(seed, 1, 60)[0], OptionsOf(10));
    ExpectRowsOnce(hits, RowsUpTo(static_cast<uint32_t>(rows)), "seed " + std::to_string(seed));
  }
}

// A page that lost its header is an error, not a page without rows.
TEST_P(Damage, LostPagesAreReported) {
  for (const PageKind kind :
       {PageKind::kNode, PageKind::kList, PageKind::kPosting, PageKind::kLoose}) {
    const uint32_t block = PagesOf(kind)[0];
    MemoryFile file(*index_.file());
    const uint16_t magic = 0;
    file.Overwrite(block, kPageSpecialOffset + offsetof(PageSpecial, magic), &magic, sizeof magic);
    MemoryIndex damaged(file, index_.params());
    for (const bool ordered : {true, false}) {
      std::optional<QuiverError> error;
      if (ordered)
        damaged.Search(GaussianVectors(1, 1, 60)[0], OptionsOf(10), SIZE_MAX, &error);
      else
        damaged.Everything(&error);
      ASSERT_TRUE(error.has_value()) << static_cast<int>(kind) << (ordered ? ", ordered" : "");
      EXPECT_EQ(error->code, QUIVER_ERROR_CORRUPTED);
      EXPECT_EQ(error->block, block);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Metrics, Damage,
                         ::testing::Values(QUIVER_METRIC_L2, QUIVER_METRIC_COSINE));

}  // namespace
}  // namespace quiver::fakes
